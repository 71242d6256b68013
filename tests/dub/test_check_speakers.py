"""A line that diarization gave to a speaker by a hair is named."""

from fractions import Fraction

from dub.check_speakers import check_speakers
from dub.script import DubScript, Utterance
from dub.timecode import Span
from dub.turns import Turn, Turns
from lang.bcp47 import Locale


def script(recogniser: str = "faster-whisper 1") -> DubScript:
    lines = [("u0001", "anna", 0, 2), ("u0002", "s2", 2, 4)]
    return DubScript(
        source_locale=Locale("en"),
        duration=Fraction(5),
        utterances=tuple(
            Utterance(id=name, speaker=who, span=Span.of_seconds(start, end), text="well")
            for name, who, start, end in lines
        ),
        recogniser=recogniser,
    )


def turns(*certainties: float) -> Turns:
    return Turns(
        turns=tuple(
            Turn(speaker=f"s{k + 1}", span=Span.of_seconds(2 * k, 2 * k + 2), certainty=certainty)
            for k, certainty in enumerate(certainties)
        )
    )


def test_only_the_line_in_doubt_is_named_by_the_name_it_goes_by() -> None:
    (finding,) = check_speakers(script(), turns(0.52, 0.9))
    assert (finding.utterance_id, finding.value) == ("u0001", 0.52)
    assert "anna" in finding.message
    assert check_speakers(script(), turns(0.7, 0.9)) == ()


def test_one_voice_and_a_given_script_leave_no_doubt() -> None:
    assert check_speakers(script(), turns(0.2)) == ()
    assert check_speakers(script("given"), turns(0.2, 0.2)) == ()
