"""Weights from a model hub: a real server on this machine speaks its protocol, and misbehaves in every way we know."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dub.errors import BadInput, DubError, ToolFailed, WeightsCorrupt, WeightsMissing
from engines import weights, weights_hub
from engines.weights_lock import read_lock
from tests.engines.local_hub import COMMIT, LocalHub, serving


def safetensors(n_bytes: int = 40_000, fill: int = 7) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [n_bytes], "data_offsets": [0, n_bytes]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([fill]) * n_bytes


WEIGHTS, CONFIG = safetensors(), b'{"model_type": "tiny"}'


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """The hub of this machine, an empty $POLYDUB_HOME, and no waiting between attempts."""
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(weights_hub, "WAIT_S", 0.01)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(LocalHub({"model.safetensors": WEIGHTS, "config.json": CONFIG})) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def home() -> Path:
    return Path(os.environ["POLYDUB_HOME"])


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def table(name: str, content: bytes, sha256: str = "") -> str:
    return f'files."{name}" = {{ n_bytes = {len(content)}, sha256 = "{sha256 or digest(content)}" }}\n'


def write_lock(*lines: str, revision: str = COMMIT) -> None:
    head = '[models.tiny]\nfamily = "tts"\nlicence = "MIT"\norigin = "made for this test"\n'
    (home() / "models.lock").write_text(
        f'schema_version = 1\n{head}hub = "someone/tiny"\nrevision = "{revision}"\n{"".join(lines)}'
    )


def known() -> None:
    write_lock(table("model.safetensors", WEIGHTS), table("config.json", CONFIG))


def unknown(revision: str = COMMIT) -> None:
    write_lock(table("model.safetensors", WEIGHTS, "unknown"), table("config.json", CONFIG), revision=revision)


def pull(*, trust_first: bool = False) -> list[tuple[str, int, int]]:
    reports: list[tuple[str, int, int]] = []
    weights.pull(["tiny"], lambda *report: reports.append(report), trust_first=trust_first)
    return reports


def left_behind() -> list[str]:
    return sorted(path.name for path in (home() / "models").iterdir() if path.name != ".pull.lock")


def test_files_of_a_commit_are_pulled_and_verified(hub: LocalHub) -> None:
    known()
    reports = pull()
    assert (weights.folder("tiny") / "model.safetensors").read_bytes() == WEIGHTS
    assert sorted(path.name for path in weights.folder("tiny").iterdir()) == ["config.json", "model.safetensors"]
    weights.verify("tiny")
    assert reports[-1] == ("tiny", len(WEIGHTS + CONFIG), len(WEIGHTS + CONFIG))
    assert all(f"/someone/tiny/resolve/{COMMIT}/" in path for _, path, _ in hub.seen)
    assert left_behind() == ["tiny"]


def test_a_file_may_name_its_own_repository(hub: LocalHub) -> None:
    source = f'[[{{ hub = "someone/else", revision = "{COMMIT}", file = "model.safetensors" }}]]'
    (home() / "models.lock").write_text(
        'schema_version = 1\n[models.tiny]\nfamily = "tts"\nlicence = "MIT"\norigin = "test"\n'
        f'[models.tiny.files."weights.safetensors"]\nn_bytes = {len(WEIGHTS)}\nsha256 = "{digest(WEIGHTS)}"\n'
        f"sources = {source}\n"
    )
    pull()
    assert (weights.folder("tiny") / "weights.safetensors").read_bytes() == WEIGHTS


def test_a_hub_can_be_the_second_choice(hub: LocalHub) -> None:
    """As whisper-base, which registry packages carry too."""
    sources = (
        f'[[{{ path = "absent.safetensors" }}], [{{ hub = "someone/tiny", revision = "{COMMIT}", '
        f'file = "model.safetensors" }}]]'
    )
    known = f'n_bytes = {len(WEIGHTS)}, sha256 = "{digest(WEIGHTS)}"'
    (home() / "models.lock").write_text(
        'schema_version = 1\n[models.tiny]\nfamily = "tts"\nlicence = "MIT"\norigin = "test"\n'
        f'files."model.safetensors" = {{ {known}, sources = {sources} }}\n'
    )
    pull()
    weights.verify("tiny")
    assert left_behind() == ["tiny"]


def test_a_file_in_a_subfolder_lies_in_one(hub: LocalHub) -> None:
    """As OmniVoice's audio tokenizer."""
    hub.files = {"audio/model.safetensors": WEIGHTS, "config.json": CONFIG}
    write_lock(table("audio/model.safetensors", WEIGHTS, "unknown"), table("config.json", CONFIG))
    pull(trust_first=True)
    assert (weights.folder("tiny") / "audio" / "model.safetensors").read_bytes() == WEIGHTS
    (weights.folder("tiny") / "audio" / "model.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"audio/model\.safetensors"):
        weights.folder("tiny")


def test_a_digest_without_an_exact_size_is_enforced(hub: LocalHub) -> None:
    about = f'files."model.safetensors" = {{ n_bytes = 50000, sha256 = "{digest(WEIGHTS)}", about = true }}\n'
    write_lock(about, table("config.json", CONFIG))
    pull()
    weights.verify("tiny")
    os.truncate(weights.folder("tiny") / "model.safetensors", 50_000 - 1)
    with pytest.raises(WeightsCorrupt, match="bytes"):
        weights.folder("tiny")
    hub.files["model.safetensors"] = safetensors(fill=8)
    with pytest.raises(WeightsCorrupt, match=r"^model\.safetensors: sha256"):
        pull()


def test_a_pull_killed_in_the_middle_goes_on_where_it_ended(hub: LocalHub) -> None:
    hub.files["model.safetensors"] = large = safetensors(4_000_000)
    hub.pause_s = 0.002
    write_lock(table("model.safetensors", large))
    script = "from engines import weights; weights.pull(['tiny'], lambda *_: None)"
    puller = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 60
    while not any(part.stat().st_size > 1 << 20 for part in (home() / "models").rglob("*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    puller.kill()
    puller.wait()
    with pytest.raises(WeightsMissing):
        weights.folder("tiny")
    [part] = (home() / "models").rglob("*.part")
    n_kept = part.stat().st_size
    hub.pause_s, hub.n_sent = 0.0, 0
    pull()
    weights.verify("tiny")
    assert hub.n_sent == len(large) - n_kept
    assert left_behind() == ["tiny"]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_body_that_breaks_off_is_asked_for_again(hub: LocalHub, knows_ranges: bool) -> None:
    hub.cut_at, hub.knows_ranges = 20_000, knows_ranges
    known()
    pull()
    weights.verify("tiny")
    assert len(hub.requests("GET")) == 3


def test_a_body_that_always_breaks_off_is_given_up(hub: LocalHub) -> None:
    hub.cut_at, hub.n_cuts, hub.knows_ranges = 20_000, 1000, False
    known()
    with pytest.raises(ToolFailed, match=r"someone/tiny(.|\n)*connection failed(.|\n)*mend"):
        pull()
    assert len(hub.requests("GET")) <= weights_hub.N_ATTEMPTS + 1
    assert not (home() / "models" / "tiny").exists()


@pytest.mark.parametrize(
    ("status", "error_code", "complaint"),
    [
        (404, "EntryNotFound", "no such commit or file"),
        (404, "RevisionNotFound", "no such commit or file"),
        (404, "RepoNotFound", "not there, or is private"),
        (403, "GatedRepo", "is gated(.|\n)*HF_TOKEN"),
        (503, "", "HTTP 503"),
    ],
)
def test_a_refusal_is_told_in_words(hub: LocalHub, status: int, error_code: str, complaint: str) -> None:
    hub.status, hub.error_code = status, error_code
    known()
    with pytest.raises(ToolFailed, match=rf"someone/tiny at 0123456789ab, model\.safetensors(.|\n)*{complaint}"):
        pull()
    assert not (home() / "models" / "tiny").exists()
    assert len(hub.seen) == (weights_hub.N_ATTEMPTS if status == 503 else 1)


def test_nobody_at_the_endpoint_is_told(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://user:password@127.0.0.1:9")
    known()
    with pytest.raises(ToolFailed, match=r"127\.0\.0\.1: could not be fetched") as failure:
        pull()
    assert "password" not in str(failure.value)


def test_an_answer_of_another_commit_is_refused(hub: LocalHub) -> None:
    hub.claims = "f" * 40
    unknown()
    with pytest.raises(WeightsCorrupt, match=r"answered with commit f{40}"):
        pull(trust_first=True)
    assert hub.requests("GET") == []


def test_a_server_that_is_no_hub_is_refused(hub: LocalHub) -> None:
    hub.claims = None
    known()
    with pytest.raises(ToolFailed, match=r"does not answer as a model hub does(.|\n)*HF_ENDPOINT"):
        pull()


def test_wrong_bytes_are_refused_and_not_kept(hub: LocalHub) -> None:
    hub.files["model.safetensors"] = WEIGHTS[:-1] + b"!"
    known()
    with pytest.raises(WeightsCorrupt, match=r"model\.safetensors: sha256"):
        pull()
    assert left_behind() == []
    hub.files["model.safetensors"] = WEIGHTS
    pull()
    weights.verify("tiny")


def test_what_the_hub_promises_is_compared_before_it_is_fetched(hub: LocalHub) -> None:
    hub.store = f"http://localhost:{hub.port}"
    hub.files["model.safetensors"] = WEIGHTS[:-1] + b"!"
    known()
    with pytest.raises(WeightsCorrupt, match=r"on the hub, models\.lock says"):
        pull()
    write_lock(table("config.json", b"{}", "unknown"))
    hub.files["config.json"] = b"[" + b"1," * 900_000 + b"1]"
    with pytest.raises(WeightsCorrupt, match=r"models\.lock says about 2"):
        pull(trust_first=True)
    assert hub.requests("GET") == []


def test_an_unknown_digest_needs_trust_and_is_held_to_ever_after(hub: LocalHub) -> None:
    unknown()
    with pytest.raises(BadInput, match=r"polydub models pull tiny --trust-first"):
        pull()
    assert hub.seen == []
    with pytest.raises(WeightsMissing, match="models pull tiny"):
        weights.folder("tiny")
    before = read_lock()["tiny"].digest
    pull(trust_first=True)
    first = read_lock()["tiny"].digest
    assert first != before
    record = json.loads((weights.folder("tiny") / "pulled.json").read_text())
    assert record["fetched"]["model.safetensors"]["sha256"] == digest(WEIGHTS)
    assert record["revisions"] == {"someone/tiny": COMMIT}
    model = weights.folder("tiny") / "model.safetensors"
    model.write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(WeightsCorrupt, match=r"it was .* when pulled"):
        weights.folder("tiny")  # same size: only its time tells that it was touched
    with pytest.raises(WeightsCorrupt):
        weights.verify("tiny")
    hub.files["model.safetensors"] = safetensors(fill=8)
    with pytest.raises(WeightsCorrupt, match="sha256"):
        pull(trust_first=True)  # the first is trusted, not the latest
    hub.files["model.safetensors"] = WEIGHTS
    pull()
    weights.verify("tiny")
    assert read_lock()["tiny"].digest == first


def test_verify_reads_even_what_was_not_touched(hub: LocalHub) -> None:
    unknown()
    pull(trust_first=True)
    model = weights.folder("tiny") / "model.safetensors"
    before = model.stat()
    model.write_bytes(WEIGHTS[:-1] + b"!")
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    weights.folder("tiny")
    with pytest.raises(WeightsCorrupt):
        weights.verify("tiny")


def test_other_bytes_that_were_trusted_are_another_digest(hub: LocalHub, tmp_path: Path) -> None:
    """Two machines that pulled an unknown file do not share what they computed, unless they got the same."""
    unknown()
    digests = []
    for fill in (7, 8, 7):
        hub.files["model.safetensors"] = safetensors(fill=fill)
        pull(trust_first=True)
        digests.append(read_lock()["tiny"].digest)
        shutil.rmtree(home() / "models" / "tiny")
    assert digests[0] == digests[2] != digests[1]


def test_an_interrupted_pull_ends_its_download_and_keeps_what_came(hub: LocalHub) -> None:
    hub.files["model.safetensors"] = large = safetensors(4_000_000)
    hub.pause_s = 0.002
    write_lock(table("model.safetensors", large))

    def interrupt(_model_id: str, done: int, _total: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        weights.pull(["tiny"], interrupt)
    assert time.monotonic() - started < 10
    sent = hub.n_sent
    assert sent < len(large)
    hub.pause_s = 0.0
    pull()
    assert hub.n_sent < 2 * len(large)
    weights.verify("tiny")


def test_a_pull_killed_between_two_renames_does_not_lose_the_record(hub: LocalHub) -> None:
    """Else the next pull would have to be trusted anew."""
    unknown()
    pull(trust_first=True)
    (weights.folder("tiny") / "config.json").write_text("{ }")
    staging = home() / "models" / ".pulling-killed"
    staging.mkdir()
    (home() / "models" / "tiny").rename(staging / "replaced-tiny")
    hub.files["model.safetensors"] = safetensors(fill=8)
    with pytest.raises(WeightsCorrupt, match="sha256"):
        pull()
    hub.files["model.safetensors"] = WEIGHTS
    pull()
    weights.verify("tiny")
    assert left_behind() == ["tiny"]


def test_main_is_resolved_once(hub: LocalHub) -> None:
    unknown("main")
    pull(trust_first=True)
    asked = [path for method, path, _ in hub.seen if method == "HEAD"]
    assert ["/main/" in path for path in asked] == [True, False]
    (weights.folder("tiny") / "config.json").write_text("{ }")
    hub.seen.clear()
    pull()
    assert all(f"/resolve/{COMMIT}/" in path for _, path, _ in hub.seen)


def test_a_model_of_another_commit_is_pulled_anew(hub: LocalHub) -> None:
    unknown()
    pull(trust_first=True)
    other = "f" * 40
    unknown(other)
    with pytest.raises(WeightsMissing, match=f"it is of commit {COMMIT}"):
        weights.folder("tiny")
    hub.commit = hub.claims = other
    hub.files["model.safetensors"] = safetensors(fill=9)
    with pytest.raises(BadInput, match="trust-first"):
        pull()
    pull(trust_first=True)
    weights.verify("tiny")


def test_the_token_goes_to_the_hub_and_nowhere_else(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither to the store that the hub redirects to, nor into a log or an error, nor does the store's signature."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    caplog.set_level("DEBUG")
    hub.store = f"http://localhost:{hub.port}"
    hub.cut_at, hub.n_cuts = 10_000, 1000
    hub.knows_ranges = False
    known()
    with pytest.raises(ToolFailed) as failure:
        pull()
    assert all(headers.get("authorization") == "Bearer hf_secret" for headers in hub.requests("HEAD"))
    assert all("authorization" not in headers for headers in hub.requests("GET"))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("engines", "polydub"))]
    assert ours
    assert "hf_secret" not in caplog.text
    assert not any("signature" in told for told in [*ours, str(failure.value)])
    hub.status = 503
    with pytest.raises(DubError) as refusal:
        pull()
    assert "hf_secret" not in str(refusal.value)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(home() / "exploded"),)


def torch_like_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["model.safetensors", "model.bin", "config.json", "spiece.model", "voice.onnx"])
@pytest.mark.parametrize("kind", ["pickle", "zip", "old pickle"])
def test_a_pickle_under_another_name_is_refused(hub: LocalHub, name: str, kind: str) -> None:
    content = {"pickle": pickle.dumps(Bomb()), "zip": torch_like_zip(), "old pickle": pickle.dumps(Bomb(), 0)}[kind]
    hub.files = {name: content}
    write_lock(table(name, content, "unknown"))
    with pytest.raises(WeightsCorrupt, match="may be a pickle"):
        pull(trust_first=True)
    assert left_behind() == []
    assert not (home() / "exploded").exists()


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "pytorch_model-00001-of-00003.bin", "model.pt", "model.pth", "conds.pkl", "w.ckpt"]
)
def test_a_lock_that_names_a_pickle_is_refused(hub: LocalHub, name: str) -> None:
    write_lock(table(name, b"any"))
    with pytest.raises(BadInput, match=f"{name} is a pickle"):
        pull()


@pytest.mark.parametrize("name", ["run.py", "library.so", "other.bin", "weights"])
def test_a_lock_that_names_another_kind_of_file_is_refused(hub: LocalHub, name: str) -> None:
    write_lock(table(name, b"any"))
    with pytest.raises(BadInput, match="no format that is loaded here"):
        pull()


@pytest.mark.parametrize("field", ['revision = "v1.0"', 'hub = "no-owner"', 'hub = "a/../b"'])
def test_a_malformed_repository_is_refused(hub: LocalHub, field: str) -> None:
    known()
    lock = home() / "models.lock"
    key = field.split(" ")[0]
    lines = [field if line.startswith(f"{key} =") else line for line in lock.read_text().splitlines()]
    lock.write_text("\n".join(lines))
    with pytest.raises(BadInput, match=key):
        pull()
