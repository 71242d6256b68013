"""Review lips: what was made of a picture whose lips were moved to a sound that the user brought."""

from __future__ import annotations

from dub.figures import timeline_figure
from dub.finding import Finding, Level, Review
from dub.given_dub import AlignedSpeech, FacedSpeech, GivenSound, LearnedFaces
from dub.lips import LipSync
from dub.measured import Measured
from dub.mix import Dub
from dub.script import DubScript
from dub.source import FaceTrack
from dub.stage import Desk, EngineChoice, stage
from dub.video_facts import video_facts
from dub.wav import open_wav
from engines.lipsync.audio_curve import LEAST_CORRELATION
from engines.lipsync.contract import RenderLog
from tasks.review_mouth import look_at_mouth


@stage(version=1)
def review_lips(
    desk: Desk,
    sound: GivenSound,
    script: DubScript,
    speech: AlignedSpeech,
    faced: FacedSpeech,
    learned: LearnedFaces,
    track: FaceTrack,
    lips: LipSync,
    dub: Dub,
    face: EngineChoice,
) -> Review:
    """Where the movements came from, what of it is doubtful, and the mouth measured on the finished file as a dub's is.

    Closures are counted against the phonemes that were aligned: where those are wrong, so is the count.
    """
    store = desk.open_store()
    source, timeline = sound.source, faced.timeline
    found = Measured(findings=list(speech.findings))
    found.findings += [_of_face(own.face, own.correlation, own.speech_s) for own in learned.faces]
    told = sum(bool(take.phonemes) for take in timeline.placed)
    found.metrics |= {
        "lips_moved_by": speech.way,
        "n_lines": len(timeline.placed),
        "n_lines_with_phonemes": told,
        "language_probability": speech.language_probability,
        "sound_s": sound.seconds,
    }
    found.metrics |= {f"sound_to_lips_correlation_of_face_{own.face}": own.correlation for own in learned.faces}
    facts = video_facts(store.path(dub.video))
    look_at_mouth(found, desk, source, facts, script, timeline, track, faced.on_screen, lips, dub, face)
    dialogue, _ = open_wav(store.path(timeline.dialogue))
    log = RenderLog.load(store.path(lips.log))
    kinds = [log.reasons[index].split(":")[0] for index in log.by_frame()]
    figure = timeline_figure(script, timeline, found.findings, dialogue[0], kinds, source.video.frame_rate)
    found.figures["timeline"] = store.put_bytes(figure.encode(), "image/svg+xml")
    return Review(locale=timeline.locale, findings=tuple(found.findings), metrics=found.metrics, figures=found.figures)


def _of_face(face: int, correlation: float, speech_s: float) -> Finding:
    return Finding(
        level=Level.OK,
        check="sound_to_lips",
        message=f"How the lips of face {face + 1} follow its voice was learned from {speech_s:.1f} s of talking; the "
        f"opening found for held-out parts of it correlates with the real one by {correlation:.2f}.",
        value=correlation,
        limit=LEAST_CORRELATION,
    )
