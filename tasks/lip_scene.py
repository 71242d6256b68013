"""What the lip-sync engines are told: the source as a Scene, the placed takes as SpokenSpans."""

from __future__ import annotations

import math
from dataclasses import replace

from dub.on_screen import OnScreen, shown_runs
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ, sample_at
from engines.face.contract import TrackedFaces
from engines.lipsync.contract import Scene, SpokenSpan


def scene_of(
    store: Store, source: Source, track: FaceTrack, stems: Stems, script: DubScript, on_screen: OnScreen
) -> Scene:
    faces = TrackedFaces.load(store.path(track.landmarks))
    return Scene(
        video=store.path(source.original),
        facts=source.video,
        faces=store.path(track.landmarks),
        dialogue=store.path(stems.dialogue),
        said=lines_on_screen(source, faces, on_screen, script),
    )


def lines_on_screen(
    source: Source, faces: TrackedFaces, on_screen: OnScreen, script: DubScript
) -> tuple[SpokenSpan, ...]:
    """The source's own lines, each with the faces that say it, to the end of their sound."""
    rate = source.video.frame_rate
    spoken = []
    for line in script.utterances:
        own = [span for span in on_screen.spans if span.utterance_id == line.id]
        start = min([line.span.start, *(span.first_frame / rate for span in own)])
        end = max([line.span.end, *(span.end_frame / rate for span in own)])
        spoken.append(_spoken(source, faces, on_screen, line.id, line.speaker, sample_at(start), sample_at(end)))
    return tuple(spoken)


def takes_on_screen(
    source: Source, faces: TrackedFaces, on_screen: OnScreen, timeline: Timeline
) -> tuple[SpokenSpan, ...]:
    """The placed takes, each with the faces that say it."""
    return tuple(
        replace(
            _spoken(source, faces, on_screen, take.utterance_id, take.speaker, take.start_sample, take.end_sample),
            phonemes=take.phonemes,
        )
        for take in timeline.placed
    )


def _spoken(
    source: Source, faces: TrackedFaces, on_screen: OnScreen, utterance_id: str, speaker: str, start: int, end: int
) -> SpokenSpan:
    rate, n_frames = source.video.frame_rate, source.video.n_frames
    first = min(n_frames - 1, int(start * rate / MASTER_RATE_HZ))
    last = min(n_frames, max(first + 1, math.ceil(end * rate / MASTER_RATE_HZ)))
    is_seen = [face.is_found for face in faces.faces]
    shots = [int(shot) for shot in faces.shots]
    shown = shown_runs(on_screen, utterance_id, speaker, range(first, last), shots, is_seen)
    return SpokenSpan(utterance_id, start, end, shown)
