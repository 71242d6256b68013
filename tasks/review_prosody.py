"""The review's ear for expression: pauses, loudness line by line, and questions."""

from __future__ import annotations

from collections.abc import Iterator

from dub.artifact import Artifact
from dub.check_prosody import (
    asking_lines,
    check_levels,
    check_pauses,
    check_questions,
    pauses_kept,
    question_rises,
)
from dub.levels import power_curve
from dub.measured import Measured
from dub.prosody import SourceProsody
from dub.script import PlacedTake, Timeline
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ
from dub.wav import Samples, open_wav


def hear_prosody(found: Measured, store: Store, timeline: Timeline, sound: Artifact, prosody: SourceProsody) -> None:
    """Findings and metrics on the takes as placed and on the finished `sound` (48 kHz WAV)."""

    def sounds(takes: list[PlacedTake]) -> Iterator[tuple[PlacedTake, Samples]]:
        for take in takes:
            yield take, open_wav(store.path(take.audio))[0][0]

    paused = [take for take in timeline.placed if prosody.of(take.utterance_id).pauses]
    kept = [pauses_kept(take, prosody.of(take.utterance_id), sound, MASTER_RATE_HZ) for take, sound in sounds(paused)]
    found.findings.append(check_pauses(kept, found.gates))
    levels, errors = check_levels(timeline, prosody, power_curve(open_wav(store.path(sound))[0]), found.gates)
    rises = question_rises(sounds(asking_lines(timeline, prosody)), MASTER_RATE_HZ)
    found.findings += [*levels, *check_questions(rises, timeline.locale, found.gates)]
    off_s = [abs(off) for line in kept for off in line.off_s]
    found.metrics |= {
        "source_pauses": sum(line.n_source for line in kept),
        "pauses_kept": len(off_s),
        "pauses_off_s": round(sum(off_s) / len(off_s), 3) if off_s else None,
        "line_level_error_db": round(max(map(abs, errors.values())), 2) if errors else None,
        "questions": len(rises),
        "questions_rising": sum(rise is not None and rise >= found.gates.questions_rise.ok for rise in rises.values()),
    }
