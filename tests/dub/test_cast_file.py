"""What a cast file says, and how each of its faults is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dub.cast_file import read_cast
from dub.errors import BadInput
from dub.wav import write_wav

GOOD = """
[speakers.anna]
reference = "anna.wav"
says = "Good morning."
[speakers.anna.consent]
given_on = 2026-03-01
purposes = ["reuse"]

[speakers.host]
is = "s2"
voice = ["kokoro/af_heart", "default"]

[speakers.guest]
is = ["s3", "s5"]
"""


def _file(folder: Path, text: str = GOOD, seconds: float = 4.0) -> Path:
    write_wav(folder / "anna.wav", np.full(round(seconds * 16_000), 0.1, np.float32), 16_000)
    (folder / "notes.txt").write_text("no sound")
    path = folder / "cast.toml"
    path.write_text(text)
    return path


def test_everybody_with_what_fixes_them(tmp_path: Path) -> None:
    anna, host, guest = read_cast(_file(tmp_path))
    assert (anna.entry.name, anna.reference, anna.entry.says) == ("anna", tmp_path / "anna.wav", "Good morning.")
    (record,) = anna.consent
    assert (record.speaker, record.given_by, record.given_on) == ("anna", "anna", date(2026, 3, 1))
    assert (host.entry.is_speakers, guest.entry.is_speakers) == (("s2",), ("s3", "s5"))
    assert host.entry.stock_voice("kokoro") == "af_heart"
    assert host.entry.stock_voice("espeak") == "default"
    assert guest.entry.stock_voice("kokoro") == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ('reference = "anna.wav"', 'reference = "lost.wav"'),
            r"\[speakers\.anna\], field 'reference': .*lost\.wav does",
        ),
        (('reference = "anna.wav"', 'reference = "notes.txt"'), r"\[speakers\.anna\], field 'reference'"),
        (('says = "Good', 'say = "Good'), r"\[speakers\.anna\], field 'say': Extra"),
        (('"kokoro/af_heart"', '"af_heart"'), r"\[speakers\.host\], field 'voice': 'af_heart' is not ENGINE/VOICE"),
        (('"default"]', '"kokoro/am_adam"]'), r"field 'voice': two voices for kokoro"),
        (('["s3", "s5"]', '["s2", "s5"]'), r"host and guest are both s2 \(field 'is'\)"),
        (("[speakers.guest]", "[speakers.Anna]"), "names Anna twice"),
        (("given_on = 2026-03-01", ""), r"\[speakers\.anna\], consent, field 'given_on'"),
        (("[speakers.host]", "[people.host]"), "unknown table 'people'"),
        ((GOOD, "[speakers]"), "it names nobody"),
        ((GOOD, "[speakers"), "is not TOML"),
    ],
)
def test_a_fault_is_named_with_the_person_and_the_field(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said) as failed:
        read_cast(_file(tmp_path, GOOD.replace(*change)))
    assert "cast.toml" in str(failed.value)


def test_a_recording_too_short_to_tell_anybody_by_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"lasts 2\.5 s, 3 s is the least"):
        read_cast(_file(tmp_path, seconds=2.5))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read the cast file"):
        read_cast(tmp_path / "cast.toml")
