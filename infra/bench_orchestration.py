"""What orchestration costs: `.venv/bin/python infra/bench_orchestration.py overhead|slots [...]`, Markdown on stdout.

overhead  one title into N locales whose stages do nothing (infra/instant_title.py): on plain threads, as Prefect stage
          and locale task runs, and on two local Dask and Ray workers; each from an empty store, in a process of its
          own, against one Prefect server that stands already. CPU seconds are of all processes that the run started.
slots     one title into N locales whose lip-sync holds a simulated GPU for a fixed time, on 1, 2, 4, 8 slots, with the
          resident processes up: efficiency is N x time / slots over what it took, and the gaps between two holders.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WAYS = {
    "plain threads": {},
    "Prefect, a stage of a locale": {"granularity": "stage"},
    "Prefect, a locale": {"granularity": "locale"},
    "Prefect, ten locales": {"granularity": "locale", "locales_per_task": 10},
    "Dask, 2 workers, a stage of a locale": {"granularity": "stage", "runner": "dask:2"},
    "Dask, 2 workers, a locale": {"granularity": "locale", "runner": "dask:2"},
    "Ray, 2 workers, a stage of a locale": {"granularity": "stage", "runner": "ray:2"},
    "Ray, 2 workers, a locale": {"granularity": "locale", "runner": "ray:2"},
}
"""What is one task run, and where it runs."""

TOY = """name = "bench"
separation = "passthrough"
asr = "scripted"
translation = []
tts = ["tone"]
aligner = "even"
speaker = ["long-term-spectrum"]
face = "nobody"
lipsync = "{lipsync}"
speech_quality = "level"
language_id = "py3langid"
"""


def make_job(folder: Path, n_locales: int, *, lipsync: str = "untouched", more: str = "") -> dict[str, object]:
    """A title, its lines in every locale, and a job as JSON content."""
    from dub.media import ffmpeg_exe
    from lang.registry import languages

    folder.mkdir(parents=True)
    picture, sound = (
        "testsrc2=size=64x48:rate=25:duration=1",
        "aevalsrc='0.2*sin(440*PI*t)*between(t,0.2,0.8)':s=48000:d=1",
    )
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(folder / "talk.mp4")]
    subprocess.run([ffmpeg_exe(), "-v", "error", *inputs, *codecs], check=True)
    lines = folder / "lines.srt"
    lines.write_text("1\n00:00:00,200 --> 00:00:00,800\nGood day.\n")
    (folder / "bench.toml").write_text(TOY.format(lipsync=lipsync) + more)
    locales = sorted(str(locale) for locale in languages() if locale.language != "en")
    targets = locales[:n_locales]
    return {
        "source": str(folder / "talk.mp4"), "targets": targets, "out": str(folder / "out"),
        "store": str(folder / "store"), "profile": str(folder / "bench.toml"), "source_locale": "en",
        "scripts": dict.fromkeys([*targets, "en"], str(lines)),
    }  # fmt: skip


# --- overhead --------------------------------------------------------------------------------------------------


def overhead(n_locales: int, ways: list[str]) -> None:
    from flows.prefect_server import start_server

    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: clusters' daemons end as our children, and count
    with tempfile.TemporaryDirectory(prefix="polydub-bench-") as folder:
        home = Path(folder, "prefect")
        home.mkdir()
        os.environ |= {"PREFECT_HOME": str(home), "PREFECT_LOGGING_LEVEL": "ERROR"}
        os.environ["PREFECT_API_URL"] = start_server(home)
        server = int((home / "server.url").read_text().split()[1])
        columns = (
            "what is a task run | task runs | wall s | CPU s | server CPU s | recorded after s | threads | memory MB"
        )
        print(f"| {columns} |\n|{'---|' * 8}", flush=True)
        try:
            for number, way in enumerate(ways):
                _row(way, _measured(way, str(Path(folder, f"store{number}")), n_locales, server))
        finally:
            os.killpg(server, signal.SIGKILL)


def _row(what: str, figures: dict[str, float]) -> None:
    columns = ("n_task_runs", "wall_s", "cpu_s", "server_s", "lag_s", "threads", "memory_mb")
    print(f"| {what} |", " | ".join(str(figures[name]) for name in columns), "|", flush=True)


def _measured(way: str, store: str, n_locales: int, server: int) -> dict[str, float]:
    """One run in a process of its own; its CPU seconds are of all the processes that it started."""
    before, server_before = _children_s(), _tree_s(server)
    asked = json.dumps({"way": way, "store": store, "n_locales": n_locales})
    environment = os.environ | {"POLYDUB_TASK_RUNNER": WAYS[way].get("runner", "threads"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "one"]
    child = subprocess.run(command, input=asked, text=True, env=environment, stdout=subprocess.PIPE)
    if child.returncode:
        raise SystemExit(f"{way} failed")
    with contextlib.suppress(ChildProcessError):
        while time.sleep(0.05) or os.waitpid(-1, os.WNOHANG)[0] != 0 or _has_orphans(server):
            pass
    figures = json.loads(child.stdout.splitlines()[-1])
    return figures | {
        "cpu_s": round(_children_s() - before, 1), "server_s": round(_tree_s(server) - server_before, 1)
    }  # fmt: skip


def _has_orphans(server: int) -> bool:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return any(int(child) != server for child in children)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tree_s(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def one(way: str, store: str, n_locales: int) -> dict[str, float]:
    """In the process of a run: its wall seconds, without the imports."""
    from infra.instant_title import run

    settings = WAYS[way]
    arguments = (store, n_locales, settings.get("granularity", "stage"), settings.get("locales_per_task", 1))
    peak = _Peak()
    n_runs, lag_s = 0, 0.0
    if settings:
        from flows.prefect_server import local_server

        with local_server():
            from prefect import flow

            from tasks.policy import N_THREADS
            from tasks.task_runner import task_runner

            titled = flow(run, name="instant-title", task_runner=task_runner(N_THREADS), persist_result=False)
            started = time.monotonic()
            state = titled(*arguments, return_state=True)
            wall_s = time.monotonic() - started
            state.result()
            n_runs, lag_s = _recorded(state.state_details.flow_run_id)
    else:
        started = time.monotonic()
        run(*arguments)
        wall_s = time.monotonic() - started
    return {"wall_s": round(wall_s, 1), "n_task_runs": n_runs, "lag_s": round(lag_s, 1), **peak.figures()}


def _recorded(flow_run: object) -> tuple[int, float]:
    """How many task runs the server has of a flow run, all ended, and how long it took to write them down."""
    import httpx

    url = os.environ["PREFECT_API_URL"]
    only_this = {"flow_runs": {"id": {"any_": [str(flow_run)]}}}
    ended = only_this | {"task_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}}}
    started = quiet_since = time.monotonic()
    last = (-1, -1)
    while time.monotonic() - quiet_since < 4 and time.monotonic() - started < 120:
        counts = tuple(httpx.post(f"{url}/task_runs/count", json=asked).json() for asked in (only_this, ended))
        if counts != last:
            last, quiet_since = counts, time.monotonic()
        time.sleep(0.25)
    if last[0] != last[1]:
        print(f"{last[0] - last[1]} of {last[0]} task runs never ended in the database", file=sys.stderr)
    return last[1], quiet_since - started


class _Peak:
    """The most threads that this process had, and its peak memory."""

    def __init__(self) -> None:
        self._n_threads = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._n_threads = max(self._n_threads, len(os.listdir("/proc/self/task")))
            time.sleep(0.1)

    def figures(self) -> dict[str, float]:
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
        return {"threads": self._n_threads, "memory_mb": memory_mb}


# --- slots -----------------------------------------------------------------------------------------------------


def slots(counts: list[int], render_s: float, per_slot: int) -> None:
    print(f"| slots | jobs of {render_s:g} s | ideal s | actual s | efficiency | hand-over ms: median | largest |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for n_slots in counts:
        with tempfile.TemporaryDirectory(prefix="polydub-bench-") as folder:
            runtime = Path(folder, "run")
            runtime.mkdir(mode=0o700)
            os.environ |= {"POLYDUB_RUNTIME": str(runtime), "POLYDUB_GPUS": str(n_slots)}
            try:
                _fan_out(Path(folder), n_slots, render_s, per_slot)
            finally:
                for alive in runtime.glob("*.alive"):
                    with contextlib.suppress(ProcessLookupError, ValueError):
                        os.killpg(int(alive.read_text()), signal.SIGKILL)


def _fan_out(folder: Path, n_slots: int, render_s: float, per_slot: int) -> None:
    """One title's lip-sync, asked for many times over: everything before it is done, nothing comes after it."""
    from dub.plan import Job
    from dub.stage import EngineChoice
    from flows.dub_title import dub_into, prepare_source
    from flows.preflight import check
    from tasks.policy import Work, submit
    from tasks.render_lips import render_lips

    diary = folder / "diary.txt"
    options = f"[options.simulated-gpu]\nrender_s = {render_s}\ndiary = '{diary}'\n"
    more = 'gpu_stages = ["render_lips"]\n' + options
    prepared = check(Job.model_validate(make_job(folder / "work", 1, lipsync="simulated-gpu", more=more)))
    shared = prepare_source(prepared)
    dub = dub_into(prepared.job.targets[0], (), prepared, shared)
    dub.review.result()
    [part] = dub.lip_parts.values()
    desk, *inputs, engine = (each.result() if isinstance(each, Work) else each for each in part.arguments)
    n_asked = 0

    def ask(n_jobs: int) -> float:
        nonlocal n_asked
        started = time.monotonic()
        works = []
        for _ in range(n_jobs):
            n_asked += 1
            other = EngineChoice(**engine.model_dump() | {"fingerprint": f"{n_asked}"})
            works.append(submit(render_lips, desk, *inputs, other, label=f"lipsync {n_asked}"))
        for work in works:
            work.result()
        return time.monotonic() - started

    ask(n_slots)  # every resident process is up
    diary.unlink()
    n_jobs = n_slots * per_slot
    actual_s = ask(n_jobs)
    ideal_s = per_slot * render_s
    gaps_ms = sorted(_gaps_ms(diary)) or [0.0]
    efficiency = f"{100 * ideal_s / actual_s:.1f} %"
    median_ms, largest_ms = f"{statistics.median(gaps_ms):.0f}", f"{gaps_ms[-1]:.0f}"
    print(
        f"| {n_slots} | {n_jobs} | {ideal_s:.1f} | {actual_s:.1f} | {efficiency} | {median_ms} | {largest_ms} |",
        flush=True,
    )


def _gaps_ms(diary: Path) -> list[float]:
    """From one job's end on a GPU to the next one's begin there."""
    ended: dict[str, float] = {}
    gaps = []
    for line in diary.read_text().splitlines():
        what, _, device, at = line.split()
        if what == "begins" and device in ended:
            gaps.append(1000 * (float(at) - ended[device]))
        ended[device] = float(at)
    return gaps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    costs = commands.add_parser("overhead")
    costs.add_argument("--locales", type=int, default=140)
    costs.add_argument("--way", action="append", choices=list(WAYS), help="only this one (again for more)")
    fan = commands.add_parser("slots")
    fan.add_argument("--slots", default="1,2,4,8")
    fan.add_argument("--render-s", type=float, default=2.0)
    fan.add_argument("--per-slot", type=int, default=4, help="jobs per slot")
    commands.add_parser("one")
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if options.command == "one":
        asked = json.loads(sys.stdin.read())
        print(json.dumps(one(**asked)))
    elif options.command == "slots":
        slots([int(count) for count in options.slots.split(",")], options.render_s, options.per_slot)
    else:
        overhead(options.locales, options.way or list(WAYS))


if __name__ == "__main__":
    main()
