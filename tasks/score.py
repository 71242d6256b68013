"""Score: what a viewer would say of the mouth of any talking or dubbed video, measured without lip-sync weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import progress
from dub.artifact import Record
from dub.av_offset import ROWS_PER_S, av_offset
from dub.compare_pictures import Comparison, compare, lower_faces
from dub.errors import EngineFailed, LanguageNotSupported
from dub.given_text import with_words
from dub.mfcc import mfcc
from dub.mouth_metrics import Floats
from dub.mouth_pictures import mouth_boxes
from dub.on_screen import OnScreen, face_on_stage
from dub.score import METRICS, MouthScore, measured
from dub.script import DubScript, PhonemeSpan, PlacedTake, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, EngineChoice, stage
from dub.timecode import Span, sample_at
from dub.wav import BLOCK_SAMPLES, WAV, Samples, open_wav, write_wav
from engines import registry
from engines.aligner.contract import Aligner
from engines.face.contract import MOUTH_CORNERS, TrackedFaces
from tasks.lip_scene import lines_on_screen
from tasks.score_figures import drawn
from tasks.score_measures import Evidence, measure

N_CEPSTRA = 13
NEW_SOUND = 0.7
"""Two programmes whose cepstra correlate less are not the same sound."""


class Against(Record):
    """The video that the one under test was made from."""

    source: Source
    track: FaceTrack


@stage(version=1, n_cpu=1)
def say_when(desk: Desk, source: Source, stems: Stems, script: DubScript, text: str, aligner: EngineChoice) -> Timeline:
    """What is said in a video, as a Timeline with the times of its phonemes. `text`: the words themselves, where they
    are known, in place of those recognised. A line that cannot be read or heard has no phonemes."""
    store = desk.open_store()
    finder: Aligner = registry.load("aligner", aligner.id, **aligner.options)
    samples, rate_hz = open_wav(store.path(stems.dialogue))
    if text:
        script = with_words(script, text)
    placed = []
    with store.scratch() as folder:
        for number, line in enumerate(script.utterances):
            start, end = (min(samples.shape[1], sample_at(at, rate_hz)) for at in (line.span.start, line.span.end))
            if end <= start:
                continue
            piece = np.asarray(samples[0, start:end], np.float32)
            write_wav(folder / "line.wav", piece, rate_hz)
            placed.append(
                PlacedTake(
                    utterance_id=line.id,
                    speaker=line.speaker,
                    text=line.text,
                    slot=line.span,
                    audio=store.put(folder / "line.wav", WAV),
                    start_sample=start,
                    n_samples=end - start,
                    stretch_ratio=1.0,
                    speed=1.0,
                    phonemes=_phonemes(finder, piece, rate_hz, start, line.text, script),
                )
            )
            progress.report(number + 1, len(script.utterances))
    return Timeline(locale=script.source_locale, placed=tuple(placed), overruns=(), dialogue=stems.dialogue)


def _phonemes(
    finder: Aligner, piece: Samples, rate_hz: int, start: int, text: str, script: DubScript
) -> tuple[PhonemeSpan, ...]:
    try:
        found = finder.align(piece, rate_hz, text, script.source_locale)
    except (EngineFailed, LanguageNotSupported):
        return ()
    return tuple(
        PhonemeSpan(ipa=each.ipa, start_sample=start + each.start_sample, end_sample=start + each.end_sample)
        for each in found
    )


@stage(version=4, n_cpu=1)
def score_mouth(
    desk: Desk,
    video: Source,
    stems: Stems,
    track: FaceTrack,
    script: DubScript | None,
    said: Timeline | None,
    on_screen: OnScreen | None,
    against: Against | None,
) -> MouthScore:
    """Every measure of docs/mouth-metrics.md that this video allows, its figures and a page to look at.

    `script`, `said`, `on_screen`: what is said, when, and by whose face; without them the measures that need words are
    left out. Where several faces are seen, the one who speaks is measured; `on_screen` is then of `against` when that
    is given, because a mouth that does not follow its sound looks like a listener's. Without any face nothing but the
    pictures' comparison is measured.
    """
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    if not faces.faces:
        nothing = tuple(measured(name, None, "no face is seen") for name in METRICS)
        return MouthScore(title=video.title, locale=None, measures=nothing, n_frames=track.n_frames)
    face = faces.on_stage(_on_stage(video, faces, script, on_screen))
    cepstra = _cepstra(store.path(video.programme))
    evidence = Evidence(
        rate=video.video.frame_rate,
        face=face,
        spoken=_spoken(store.path(stems.dialogue)),
        said=None if said is None else tuple(phoneme for take in said.placed for phoneme in take.phonemes),
        offset=av_offset(cepstra, face.aperture, video.video.frame_rate),
        compared=_compared(desk, video, against) if against else None,
        sound_is_new=against is not None
        and _sound_is_new(store.path(video.programme), store.path(against.source.programme)),
    )
    progress.report(8, 10)
    score = MouthScore(
        title=video.title,
        locale=said.locale if said else None,
        measures=measure(evidence),
        n_frames=face.n_frames,
        n_frames_with_face=int(face.is_found.sum()),
    )
    return drawn(store, score, evidence, video, said, against.source if against else None)


def _on_stage(
    video: Source, faces: TrackedFaces, script: DubScript | None, on_screen: OnScreen | None
) -> npt.NDArray[np.int64]:
    """(n_frames,): whose mouth is measured. The only face there is, else who speaks; in silence who spoke nearest."""
    if len(faces.faces) == 1 or script is None or on_screen is None:
        return np.zeros(faces.n_frames, np.int64)
    said = [run for span in lines_on_screen(video, faces, on_screen, script) for run in span.shown]
    return face_on_stage((), said, [int(shot) for shot in faces.shots], faces.n_frames)


def _spoken(dialogue: Path) -> tuple[Span, ...]:
    samples, rate_hz = open_wav(dialogue)
    return speech_islands(levels_db(_blocks(samples), rate_hz))


def _blocks(samples: Samples) -> Iterator[Samples]:
    for start in range(0, samples.shape[1], BLOCK_SAMPLES):
        yield np.asarray(samples[0, start : start + BLOCK_SAMPLES])


def _cepstra(sound: Path) -> Floats:
    samples, rate_hz = open_wav(sound)
    return mfcc(samples[0], rate_hz, ROWS_PER_S, N_CEPSTRA)


def _compared(desk: Desk, video: Source, against: Against) -> Comparison | str:
    """By the source's own mouths: where the video under test was repainted, its landmarks are what is judged."""
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(against.track.landmarks))
    if not faces.faces:
        return "no face is seen in the source"
    face, raster = faces.faces[0], (against.source.video.width_px, against.source.video.height_px)
    centre = face.at(*MOUTH_CORNERS).mean(axis=1)
    return compare(
        store.path(against.source.original), against.source.video, store.path(video.original), video.video,
        mouth_boxes(centre, face.iod_px, *raster), lower_faces(centre, face.iod_px, *raster),
    )  # fmt: skip


def _sound_is_new(ours: Path, theirs: Path) -> bool:
    """Whether the two programmes say different things: their cepstra, moment by moment, have little in common."""
    one, other = _cepstra(ours), _cepstra(theirs)
    n = min(len(one), len(other))
    if not n:
        return False
    alike = [np.corrcoef(one[:n, k], other[:n, k])[0, 1] for k in range(N_CEPSTRA)]
    return float(np.nanmean(alike)) < NEW_SOUND
