"""`polydub voices`: a person goes into a cast file once and is then known in every title."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dub.cast_file import read_cast
from dub.store import open_store
from dub.wav import open_wav, write_wav
from flows.cli import main

TOY = str(Path(__file__).with_name("toy.toml"))


def tone(path: Path, pitch_hz: float, seconds: float = 4.0) -> Path:
    at = np.arange(round(seconds * 24_000)) / 24_000
    write_wav(path, (0.1 * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32), 24_000)
    return path


def test_people_are_added_and_listed_with_who_they_could_be_taken_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = tmp_path / "cast.toml"
    for name, pitch_hz in (("anna", 220), ("Ben B.", 700), ("annas twin", 222)):
        assert main(["voices", "add", str(cast), name, str(tone(tmp_path / "recorded.wav", pitch_hz))]) == 0
    assert [person.entry.name for person in read_cast(cast)] == ["anna", "Ben B.", "annas twin"]
    assert open_wav(tmp_path / "Ben B..wav")[1] == 48_000
    assert 'purposes = ["reuse"]' in capsys.readouterr().out
    assert main(["voices", "list", str(cast), "--profile", TOY]) == 0
    anna, ben, _ = capsys.readouterr().out.splitlines()
    assert anna.startswith("anna             anna.wav; most like annas twin by ")
    assert anna.endswith("too alike to be told apart; no consent record in this file")
    assert "too alike" not in ben


def test_what_cannot_be_added_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cast = tmp_path / "cast.toml"
    short = tone(tmp_path / "short.wav", 220, seconds=1)
    assert main(["voices", "add", str(cast), "anna", str(short)]) == 2
    assert "1.0 s, 3 s is the least" in capsys.readouterr().err
    assert main(["voices", "add", str(cast), "anna", str(tmp_path / "lost.wav")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"short.wav"}
    assert main(["voices", "add", str(cast), "anna", str(tone(tmp_path / "long.wav", 220))]) == 0
    assert main(["voices", "add", str(cast), "Anna", str(tmp_path / "long.wav")]) == 2
    assert "has a Anna already" in capsys.readouterr().err


def test_a_speaker_of_a_dubbed_title_is_added_from_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(str(tmp_path / "store"))
    artifact = store.put_copy(tone(tmp_path / "reference.wav", 220), "audio/wav")
    report = tmp_path / "talk.es.report.json"
    report.write_text(json.dumps({"metrics": {"reference of s1": f"{artifact.sha256} {artifact.n_bytes}", "x": 1}}))
    add = ["voices", "add", str(tmp_path / "cast.toml"), "anna", str(report), "--store", str(tmp_path / "store")]
    assert main([*add, "--speaker", "s2"]) == 2
    assert "there is no speaker 's2'" in capsys.readouterr().err
    assert main(add) == 0
    samples, _ = open_wav(tmp_path / "anna.wav")
    assert samples.shape[1] == 4 * 48_000
