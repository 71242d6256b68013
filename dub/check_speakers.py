"""Is it certain who says each line? What diarization alone decided, it may have decided by a hair."""

from __future__ import annotations

from dub.finding import Finding, Level
from dub.script import DubScript
from dub.turns import UNCERTAIN_BELOW, Turns

GIVEN = "given"


def check_speakers(script: DubScript, turns: Turns) -> tuple[Finding, ...]:
    """A finding per line whose voice is nearly as much like another speaker's. A script that the user gave is taken as
    said: it may name its speakers."""
    if script.recogniser == GIVEN or len(turns.speakers) < 2:
        return ()
    found = []
    for line in script.utterances:
        certainty = turns.certainty_of(line.span, turns.speaker_of(line.span))
        if certainty < UNCERTAIN_BELOW:
            found.append(
                Finding(
                    level=Level.DEGRADED,
                    check="speaker_uncertain",
                    message=f"It is not certain that {line.speaker} says this line (certainty {certainty:.2f}; at 0.5 "
                    "another speaker is as near). Listen; give --speakers, or a script that names them.",
                    value=certainty,
                    limit=UNCERTAIN_BELOW,
                    utterance_id=line.id,
                )
            )
    return tuple(found)
