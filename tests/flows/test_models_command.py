"""`polydub models`: what is pulled when nothing is named, what is listed, what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from rich.console import Console

from engines import weights_lock
from flows.cli import main
from flows.models_command import models_of
from flows.preflight import PROFILES, read_plan

CONTENT = b'{"model_type": "tiny"}'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty $POLYDUB_HOME and a lock of three models: one by path, one of a hub that cannot be reached, a family."""
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setattr(weights_lock, "LOCK_FILE", tmp_path / "models.lock")
    (tmp_path / "mine.json").write_bytes(CONTENT)
    (tmp_path / "home").mkdir()
    known = f'n_bytes = {len(CONTENT)}, sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"'
    (tmp_path / "models.lock").write_text(
        "schema_version = 1\n"
        '[models.mine]\nfamily = "asr"\nlicence = "MIT"\norigin = "test"\n'
        f'files."mine.json" = {{ {known}, sources = [[{{ path = "mine.json" }}]] }}\n'
        '[models.far]\nfamily = "tts"\nlicence = "CC-BY-4.0"\norigin = "test"\nhub = "someone/far"\nrevision = "main"\n'
        'files."config.json" = { n_bytes = 2000000, sha256 = "unknown" }\n'
        '[families.voices]\nengine_codes = "mms_tts"\nid = "mms-tts-{name}"\nfamily = "tts"\nlicence = "CC-BY-NC-4.0"\n'
        'origin = "test"\nhub = "facebook/mms-tts-{code}"\nrevision = "main"\n'
        'files."config.json" = { n_bytes = 1600, sha256 = "unknown" }\n'
    )
    return tmp_path / "home"


def test_without_ids_a_profile_pulls_what_its_engines_load() -> None:
    named = models_of(read_plan("embedded"), Console(quiet=True))
    assert {"whisper-base", "kokoro", "deepfilternet3", "face-landmarker", "dnsmos", "bergamot-en-pt"} <= set(named)
    assert not [model_id for model_id in named if model_id.startswith(("nllb", "whisper-large", "mms"))]
    assert len(set(named)) == len(named)


def test_the_option_of_a_profile_chooses_the_model(tmp_path: Path) -> None:
    text = (PROFILES / "embedded.toml").read_text()
    (tmp_path / "mine.toml").write_text(f'{text}\n[options.faster-whisper]\nmodel = "whisper-small"\n')
    named = models_of(read_plan(str(tmp_path / "mine.toml")), Console(quiet=True))
    assert "whisper-small" in named
    assert "whisper-base" not in named


def test_an_engine_with_a_model_per_language_is_told_of_not_pulled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PROFILES / "embedded.toml").read_text().replace('tts = ["kokoro"', 'tts = ["mms", "kokoro"')
    (tmp_path / "mine.toml").write_text(text)
    named = models_of(read_plan(str(tmp_path / "mine.toml")), Console())
    assert not [model_id for model_id in named if model_id.startswith("mms")]
    assert "mms has a model per language" in capsys.readouterr().out


def test_a_list_tells_licence_size_source_and_what_is_here(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "mine"]) == 0
    capsys.readouterr()
    assert main(["models", "list"]) == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["mine"][1:] == ["MIT", "0", "your", "own", "files", "yes", "yes"]
    assert rows["far"][1:] == ["CC-BY-4.0", "~2", "someone/far@main", "no", "no"]
    n_voices = len(weights_lock.read_lock().families["voices"].codes)
    assert rows["mms-tts-ace"][-4:] == ["no", "0", "of", str(n_voices)]


def test_what_is_not_known_needs_trust(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "pull", "far"]) == 2
    assert "polydub models pull far --trust-first" in capsys.readouterr().err
    assert main(["models", "pull", "far", "--trust-first"]) == 2
    assert "someone/far at main, config.json, from 127.0.0.1: could not be fetched" in capsys.readouterr().err


def test_verify_looks_at_what_is_here(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify"]) == 0
    assert main(["models", "pull", "mine"]) == 0
    assert main(["models", "verify"]) == 0
    assert "ok       mine" in capsys.readouterr().out
    (home / "models" / "mine" / "mine.json").write_bytes(CONTENT[:-1] + b"!")
    assert main(["models", "verify"]) == 1
    assert main(["models", "verify", "far"]) == 1


def test_an_unknown_id_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("list", "pull", "verify"):
        assert main(["models", action, "nowhere"]) == 2
        assert "no model is called 'nowhere'" in capsys.readouterr().err
