"""Checks of the mouth: was it moved wherever the dub speaks, does it close where it must, is it still in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from dub.check_timing import span_of
from dub.finding import Finding, Level
from dub.gates import Gates, not_measured
from dub.mouth_metrics import (
    Closure,
    Floats,
    Mask,
    Rest,
    chance_of_closure,
    closures,
    false_closures,
    is_luck,
    rest,
    silences,
    spoken_frames,
)
from dub.script import DubScript, Timeline
from dub.timecode import Span

FRONTAL_YAW_DEG, FRONTAL_PITCH_DEG = 24.0, 25.0
"""As the face tracker reads them: a real turn of 40 degrees reads as 22 to 24. Beyond, a mouth corner hides. Speech
in faces turned further is not held against the lip-sync, but counted and said."""
LIP_SYNC_OFF = "kept: no lip-sync asked for"
MIN_FRAMES = 5
SPEAKING = 0.06
"""Aperture of a mouth that is plainly open: half of speech's median, three times that of closed lips."""


@dataclass(frozen=True)
class MouthEvidence:
    """What the trackers and the lip-sync engine say about every frame; arrays are (n_frames,).

    `source_aperture` and `dub_aperture` were measured on the pictures, `aimed_aperture` is what the engine wanted
    (NaN where it left a frame alone). `is_frontal`: the source shows the face, within FRONTAL_*. `*_sharpness`: mean
    squared Laplacian of the mouth box. `flicker_ratio`: dub against source over rendered frames, None if unknown.
    """

    frame_rate: Fraction
    source_aperture: Floats
    dub_aperture: Floats
    aimed_aperture: Floats
    is_frontal: Mask
    is_rendered: Mask
    reason_counts: dict[str, int]
    source_sharpness: Floats
    dub_sharpness: Floats
    flicker_ratio: float | None = None
    of_line: dict[str, tuple[Floats, Mask]] = field(default_factory=dict)
    """(dub_aperture, is_rendered) of a line's own faces, by utterance id, where they are not who is judged overall:
    two who speak at once."""
    slack: Fraction = Fraction(0)
    """By how many seconds phonemes may be off: those aligned to a sound are, a voice's own are not."""
    is_judged: Mask | None = None
    """Frames whose closures and open vowels count; None: those that were rendered."""

    @property
    def n_frames(self) -> int:
        return len(self.source_aperture)


@dataclass(frozen=True)
class MouthReading:
    """What was measured; None and () where there was nothing to measure."""

    closures: dict[str, tuple[Closure, ...]]
    """By utterance id."""
    n_open_vowels: int
    n_shut_vowels: int
    rest: Rest | None
    source_rest: Rest | None
    n_speech_frames: int
    """Frames in which the dub speaks and the source shows a frontal face."""
    n_speech_frames_rendered: int
    n_turned_speech_frames: int
    """Frames in which the dub speaks and the source shows a face that is turned away."""
    n_turned_speech_frames_rendered: int
    sharpness_ratio: float | None
    source_lips_left_s: float
    """Seconds in which the source speaks, the dub is silent, and the dub's lips are open all the same."""
    by_chance: float | None = None
    """The closure recall that this mouth would reach with any other words; None where phonemes are exact."""
    said_by: dict[str, str] = field(default_factory=dict)
    """By utterance id, in words: whose mouth says it and how much of it was moved."""

    @property
    def all_closures(self) -> tuple[Closure, ...]:
        return tuple(closure for of_line in self.closures.values() for closure in of_line)

    @property
    def is_luck(self) -> bool:
        """So many closures would any words have: they say nothing."""
        return self.by_chance is not None and is_luck(self.by_chance, len(self.all_closures))

    @property
    def closure_recall(self) -> float | None:
        found = self.all_closures
        return sum(closure.is_closed for closure in found) / len(found) if found else None


def read_mouth(script: DubScript, timeline: Timeline, evidence: MouthEvidence) -> MouthReading:
    """Measure the dub's mouth against the phonemes that it should speak."""
    rate, n_frames = evidence.frame_rate, evidence.n_frames
    spoken = [span_of(take) for take in timeline.placed]
    speaks = spoken_frames(spoken, rate, n_frames)
    speech = speaks & evidence.is_frontal
    turned = speaks & np.isfinite(evidence.source_aperture) & ~evidence.is_frontal
    judged = evidence.is_rendered if evidence.is_judged is None else evidence.is_judged
    overall = (evidence.dub_aperture, judged)
    mouths = [(take, *evidence.of_line.get(take.utterance_id, overall)) for take in timeline.placed]
    vowels = [false_closures(aperture, rate, take.phonemes, counted) for take, aperture, counted in mouths]
    quiet = silences(spoken, n_frames / rate)
    both = evidence.is_rendered & np.isfinite(evidence.source_sharpness) & np.isfinite(evidence.dub_sharpness)
    sharpness = None
    if both.sum() >= MIN_FRAMES and (source := float(np.median(evidence.source_sharpness[both]))) > 0:
        sharpness = float(np.median(evidence.dub_sharpness[both])) / source
    return MouthReading(
        closures={
            take.utterance_id: closures(aperture, rate, take.phonemes, counted, evidence.slack)
            for take, aperture, counted in mouths
        },
        n_open_vowels=sum(n_counted for _, n_counted in vowels),
        n_shut_vowels=sum(n_shut for n_shut, _ in vowels),
        rest=rest(evidence.dub_aperture, rate, quiet),
        source_rest=rest(evidence.source_aperture, rate, quiet),
        n_speech_frames=int(speech.sum()),
        n_speech_frames_rendered=int((speech & evidence.is_rendered).sum()),
        n_turned_speech_frames=int(turned.sum()),
        n_turned_speech_frames_rendered=int((turned & evidence.is_rendered).sum()),
        sharpness_ratio=sharpness,
        source_lips_left_s=_source_lips_left_s(script, quiet, evidence),
        by_chance=_by_chance(timeline, evidence, judged) if evidence.slack else None,
    )


def _by_chance(timeline: Timeline, evidence: MouthEvidence, judged: Mask) -> float | None:
    said = [phoneme for take in timeline.placed for phoneme in take.phonemes]
    return chance_of_closure(evidence.dub_aperture, evidence.frame_rate, said, judged, evidence.slack)


def _source_lips_left_s(script: DubScript, quiet: Sequence[Span], evidence: MouthEvidence) -> float:
    """`quiet`: the dub's silences. 200 ms at both ends of the source's words are left out: lips open before the
    sound and close after it."""
    rate, n_frames = evidence.frame_rate, evidence.n_frames
    words = [word.span for line in script.utterances for word in line.words] or [
        line.span for line in script.utterances
    ]
    margin = Fraction(1, 5)
    inner = [Span(start=span.start + margin, end=span.end - margin) for span in quiet if span.duration > 2 * margin]
    frames = spoken_frames(inner, rate, n_frames) & spoken_frames(words, rate, n_frames)
    with np.errstate(invalid="ignore"):
        return float((frames & (evidence.dub_aperture > SPEAKING)).sum() / rate)


def check_untold_sounds(timeline: Timeline) -> tuple[Finding, ...]:
    """Lines whose voice told no phonemes and whose aligner found none: no closure of theirs can be aimed at."""
    return tuple(
        Finding(
            level=Level.DEGRADED,
            check="untold_sounds",
            message="What sounds this line is made of is not known: its lips follow its loudness or stay shut.",
            utterance_id=take.utterance_id,
        )
        for take in timeline.placed
        if not take.phonemes
    )


def check_mouth(evidence: MouthEvidence, reading: MouthReading, gates: Gates) -> tuple[Finding, ...]:
    """Judge a reading. A picture without a face has nothing to move, which is said and is no fault."""
    if set(evidence.reason_counts) == {LIP_SYNC_OFF}:
        return (not_measured("rendered_share", "lip-sync is switched off in this profile", matters=False),)
    if not np.isfinite(evidence.source_aperture).any():
        return (not_measured("rendered_share", "no face is in the picture, so no mouth was moved", matters=False),)
    return (
        _coverage(evidence, reading, gates),
        _closed(reading, gates),
        *_lines_left_open(reading),
        _shut_vowels(reading, gates),
        _still(reading, gates),
        _left(reading, gates),
        *_picture(evidence, reading, gates),
    )


def _coverage(evidence: MouthEvidence, reading: MouthReading, gates: Gates) -> Finding:
    aside = ""
    if n_kept := reading.n_turned_speech_frames - reading.n_turned_speech_frames_rendered:
        aside = f" In {n_kept} more the face is turned away and keeps the source's mouth."
    if not reading.n_speech_frames:
        why = f"wherever the dub speaks, no frontal face is in the picture.{aside}"
        return not_measured("rendered_share", why, matters=False)
    share = reading.n_speech_frames_rendered / reading.n_speech_frames
    refused = {reason: n for reason, n in evidence.reason_counts.items() if reason.startswith("refused")}
    why = "; ".join(f"{reason.removeprefix('refused: ')}: {n}" for reason, n in sorted(refused.items(), key=_most))
    return gates.finding(
        "rendered_share",
        share,
        f"The mouth was moved in {reading.n_speech_frames_rendered} of {reading.n_speech_frames} frames in which the "
        f"dub speaks and a frontal face is seen.{aside}",
        todo=f"The rest keeps the source's mouth ({why or 'kept'} frames). Look at the coverage below.",
    )


def _most(counted: tuple[str, int]) -> int:
    return -counted[1]


def _closed(reading: MouthReading, gates: Gates) -> Finding:
    found = reading.all_closures
    if reading.closure_recall is None:
        why = "no p, b or m is spoken while a moved mouth is on screen"
        return not_measured("closure_recall", why, matters=False)
    n_closed = sum(closure.is_closed for closure in found)
    if reading.is_luck:
        why = f"{n_closed} of {len(found)} p, b, m meet, {reading.by_chance:.0%} would with any words: too few to tell"
        return not_measured("closure_recall", why, matters=False)
    return gates.finding(
        "closure_recall",
        reading.closure_recall,
        f"The lips meet on {n_closed} of {len(found)} p, b and m.",
        todo="Viewers see these first: look at the contact sheet of the worst moments.",
    )


def _lines_left_open(reading: MouthReading) -> list[Finding]:
    """Lines in which most lip closures are missed, so that the overall number has an address."""
    findings = []
    for utterance_id, of_line in reading.closures.items():
        n_open = sum(not closure.is_closed for closure in of_line)
        if n_open >= 2 and n_open > len(of_line) / 2:
            findings.append(
                Finding(
                    level=Level.DEGRADED,
                    check="closure_recall",
                    message=f"The lips stay open on {n_open} of this line's {len(of_line)} p, b and m.",
                    value=1 - n_open / len(of_line),
                    utterance_id=utterance_id,
                )
            )
    return findings


def _shut_vowels(reading: MouthReading, gates: Gates) -> Finding:
    if not reading.n_open_vowels:
        why = "no open vowel is spoken while a moved mouth is on screen"
        return not_measured("false_closures", why, matters=False)
    return gates.finding(
        "false_closures",
        reading.n_shut_vowels / reading.n_open_vowels,
        f"The lips are shut at some time in {reading.n_shut_vowels} of {reading.n_open_vowels} open vowels.",
        todo="The mouth hardly opens: it will look like mumbling.",
    )


def _still(reading: MouthReading, gates: Gates) -> Finding:
    if reading.rest is None:
        why = "no pause of 300 ms or more shows a face"
        return not_measured("silence_stability", why, matters=False)
    before = f"; the source's own mouth: {reading.source_rest.movement:.3f}" if reading.source_rest else ""
    return gates.finding(
        "silence_stability",
        reading.rest.movement,
        f"In pauses the lips move by {reading.rest.movement:.3f} of the eye distance{before}; "
        f"they are closed in {100 * reading.rest.closed_share:.0f} % of these frames.",
        todo="The mouth speaks while nothing is heard. Look at the pauses of the timeline.",
    )


def _left(reading: MouthReading, gates: Gates) -> Finding:
    seconds = reading.source_lips_left_s
    said = f"For {seconds:.2f} s the lips go on with the source's words while the dub is silent."
    return gates.finding(
        "source_lips_left",
        seconds,
        said if seconds else "Where the dub is silent, the lips say nothing of the source's.",
        todo="Use a longer wording there, or let the lip-sync close the mouth.",
    )


def _picture(evidence: MouthEvidence, reading: MouthReading, gates: Gates) -> list[Finding]:
    if not evidence.is_rendered.any():
        return []
    findings = []
    if reading.sharpness_ratio is None:
        findings.append(not_measured("sharpness_ratio", "the moved mouth was not found again", matters=True))
    else:
        findings.append(
            gates.finding(
                "sharpness_ratio",
                reading.sharpness_ratio,
                f"The moved mouth is {reading.sharpness_ratio:.2f}x as sharp as the source's.",
                todo="It looks blurred beside the rest of the face.",
            )
        )
    if evidence.flicker_ratio is None:
        findings.append(not_measured("flicker_ratio", "too few frames in a row were moved", matters=False))
    else:
        findings.append(
            gates.finding(
                "flicker_ratio",
                evidence.flicker_ratio,
                f"The moved mouth flickers {evidence.flicker_ratio:.2f}x as much as the source's.",
                todo="Look for trembling or popping at the mouth's edge.",
            )
        )
    return findings
