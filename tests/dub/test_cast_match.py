"""Who of the cast is who: by likeness, by hand, and what is said when it does not come out even."""

from __future__ import annotations

import numpy as np
import pytest

from dub.artifact import Artifact
from dub.cast import CastEntry, Casting
from dub.cast_match import cast_speakers
from dub.errors import BadInput
from dub.finding import Level

WAV = Artifact(sha256="0" * 64, n_bytes=1, media_type="audio/wav")
NAN = float("nan")


def entry(name: str, *is_speakers: str) -> CastEntry:
    return CastEntry(name=name, reference=WAV, reference_name=f"{name}.wav", is_speakers=is_speakers)


def matched(entries: list[CastEntry], speakers: str, likeness: list[list[float]]) -> Casting:
    return cast_speakers(entries, speakers.split(), np.array(likeness), 0.6, "cast.toml")


def test_the_most_alike_pairs_are_matched() -> None:
    casting = matched([entry("anna"), entry("ben")], "s1 s2", [[0.65, 0.9], [0.8, 0.62]])
    assert casting.names == {"s2": "anna", "s1": "ben"}
    assert casting.identified["anna"] == "sounds like anna.wav: 0.90, 0.60 needed"
    assert not casting.notes
    assert casting.entry_of("anna") == entry("anna")
    assert casting.entry_of("s1") is None


def test_what_the_user_fixed_counts_more_than_likeness_and_may_join_two() -> None:
    casting = matched([entry("anna", "s1", "s3"), entry("ben")], "s1 s2 s3", [[0.1, 0.9, 0.2], [0.8, 0.7, 0.1]])
    assert casting.names == {"s1": "anna", "s3": "anna", "s2": "ben"}
    assert casting.identified["anna"] == "fixed by cast.toml"


def test_a_speaker_who_already_bears_the_name_is_the_person() -> None:
    casting = matched([CastEntry(name="Anna")], "Anna s2", [[NAN, NAN]])
    assert casting.names == {"Anna": "Anna"}


def test_two_people_as_like_one_speaker_are_refused_and_clear_ones_are_not() -> None:
    with pytest.raises(BadInput, match=r'anna \(0\.80\) and ben \(0\.75\) both sound like s1[\s\S]*is = "s1"'):
        matched([entry("anna"), entry("ben")], "s1", [[0.8], [0.75]])
    casting = matched([entry("anna"), entry("ben")], "s1", [[0.8], [0.65]])
    assert casting.names == {"s1": "anna"}


def test_who_matches_nobody_is_a_note_that_weighs_while_somebody_is_unnamed() -> None:
    casting = matched([entry("anna"), entry("ben")], "s1", [[0.8], [0.3]])
    (note,) = casting.notes
    assert note.level is Level.OK
    assert "ben of cast.toml matches no speaker; the nearest, s1, is alike by 0.30" in note.message
    (note,) = matched([entry("ben")], "s1", [[0.3]]).notes
    assert note.level is Level.DEGRADED
    assert 'write is = "s1"' in note.message
    (note,) = matched([CastEntry(name="cleo")], "s1", [[NAN]]).notes
    assert "has no recording to be told by" in note.message


def test_one_person_under_two_speakers_is_said() -> None:
    casting = matched([entry("anna")], "s1 s2", [[0.9, 0.7]])
    assert casting.names == {"s1": "anna"}
    (note,) = casting.notes
    assert note.level is Level.DEGRADED
    assert 'write is = ["s1", "s2"]' in note.message


def test_is_of_nobody_and_a_name_that_another_bears_are_refused() -> None:
    with pytest.raises(BadInput, match=r"field 'is': 's9' is no speaker of this title[\s\S]*s1, s2"):
        matched([entry("anna", "s9")], "s1 s2", [[0.9, 0.1]])
    with pytest.raises(BadInput, match="the name 's2' to one speaker while another"):
        matched([CastEntry(name="s2", is_speakers=("s1",))], "s1 s2", [[NAN, NAN]])
