"""Counters of all runs on this machine, as a file for node_exporter's textfile collector.

$POLYDUB_METRICS_DIR/polydub.prom in Prometheus' text format. Each run adds to it under a lock that the kernel frees,
and replaces it in one step. Titles are no label: series stay as many as stages x languages, however many the runs.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dub.errors import BadInput
from dub.run_metrics import RunMetrics
from flows.publish import publish_text

FILE = "polydub.prom"
COUNTERS = {
    "polydub_runs_total": "Runs that ended.",
    "polydub_run_seconds_total": "Seconds by the clock that runs took.",
    "polydub_locales_total": "Languages that ended.",
    "polydub_output_seconds_total": "Seconds of finished video.",
    "polydub_stages_total": "Stages that ended: worked, cached (the memo answered) or failed.",
    "polydub_stage_work_seconds_total": "Seconds of work done, without what the memo answered.",
    "polydub_stage_media_seconds_total": "Seconds of film that was worked on: work over this is the real-time factor.",
    "polydub_stage_wait_seconds_total": "Seconds that stages waited for a place to work with their inputs there.",
    "polydub_stage_retries_total": "Times that a stage was tried again.",
}
GAUGES = {
    "polydub_last_run_end_seconds": "Unix time when the last run ended.",
    "polydub_last_run_peak_rss_bytes": "Peak resident memory of the last run's process.",
}
Series = tuple[str, tuple[tuple[str, str], ...]]


def metrics_folder() -> Path | None:
    """$POLYDUB_METRICS_DIR, if it is set. Raises BadInput when it is no folder that we may write to."""
    given = os.environ.get("POLYDUB_METRICS_DIR", "")
    if not given:
        return None
    folder = Path(given)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise BadInput(f"POLYDUB_METRICS_DIR: cannot write to the folder {folder}", mend="make it, or unset it")
    return folder


def add_run(folder: Path, metrics: RunMetrics, ended_at: float) -> None:
    """Add one run to the counters. Raises BadInput when the file that stands there is not ours."""
    with _alone_in(folder):
        series = _read(folder / FILE)
        for name, labels, value in _counted(metrics):
            key = (name, tuple(sorted(labels.items())))
            series[key] = series.get(key, 0.0) + value
        series["polydub_last_run_end_seconds", ()] = ended_at
        series["polydub_last_run_peak_rss_bytes", ()] = metrics.peak_rss_bytes
        publish_text(_written(series), folder / FILE)


def _counted(metrics: RunMetrics) -> Iterator[tuple[str, dict[str, str], float]]:
    yield "polydub_runs_total", {"verdict": metrics.verdict}, 1
    yield "polydub_run_seconds_total", {}, metrics.seconds
    for each in metrics.locales:
        yield "polydub_locales_total", {"locale": each.locale, "verdict": each.verdict}, 1
        yield "polydub_output_seconds_total", {"locale": each.locale}, each.effort.output_s
    for stage in metrics.stages:
        whose = {"stage": stage.stage, "locale": str(stage.locale or "")}
        yield "polydub_stages_total", whose | {"ending": stage.ending}, 1
        yield "polydub_stage_wait_seconds_total", whose, stage.waited_s
        yield "polydub_stage_retries_total", whose, stage.n_retries
        if stage.ending == "worked":
            yield "polydub_stage_work_seconds_total", whose, stage.work_s
            yield "polydub_stage_media_seconds_total", whose, stage.media_s


def _read(path: Path) -> dict[Series, float]:
    from prometheus_client.parser import text_string_to_metric_families

    if not path.exists():
        return {}
    try:
        families = list(text_string_to_metric_families(path.read_text("utf-8")))
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} cannot be read: {error}", mend="remove it: counting starts anew") from error
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in families
        for sample in family.samples
        if sample.name in COUNTERS or sample.name in GAUGES
    }


def _written(series: dict[Series, float]) -> str:
    lines = []
    for kind, names in (("counter", COUNTERS), ("gauge", GAUGES)):
        for name, what in names.items():
            rows = sorted((labels, value) for (of, labels), value in series.items() if of == name)
            if rows:
                lines += [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]
                lines += [f"{name}{_labelled(labels)} {value!r}" for labels, value in rows]
    return "\n".join(lines) + "\n"


def _labelled(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    lock = os.open(folder / f".{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
