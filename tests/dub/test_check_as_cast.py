"""A voice that is not the one made for the speaker is told, though it may still pass for theirs."""

from __future__ import annotations

import pytest

from dub.check_sound import SpeakerMatch, check_as_cast, check_voice
from dub.finding import Level
from dub.gates import Gates


def match(similarity: float, when_cast: float | None = 0.9) -> SpeakerMatch:
    return SpeakerMatch("Anna", "ge2e", similarity, 0.6, is_unseen=False, when_cast=when_cast)


@pytest.mark.parametrize(("similarity", "level"), [(0.95, Level.OK), (0.87, Level.OK), (0.66, Level.DEGRADED)])
def test_less_like_the_speaker_than_when_cast(similarity: float, level: Level) -> None:
    [finding] = check_as_cast((match(similarity),), Gates())
    assert finding.level is level
    assert finding.check == "voice_as_cast"
    assert check_voice((match(similarity),), ())[0].level is Level.OK, "it passes for the speaker's own"


def test_without_a_number_from_then_nothing_is_said() -> None:
    assert check_as_cast((match(0.7, None),), Gates()) == ()
