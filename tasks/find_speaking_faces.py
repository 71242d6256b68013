"""Find whose mouth says what: once per source."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from dub.active_speaker import Mouth, openness, who_speaks
from dub.levels import blocks
from dub.on_screen import OnScreen, SeenSpan, with_their_sound
from dub.script import DubScript
from dub.source import FaceTrack, Source, Stems, VideoFacts
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, stage
from dub.timecode import Span
from dub.wav import open_wav
from engines.face.contract import TrackedFaces


@stage(version=2, n_cpu=1)
def find_speaking_faces(desk: Desk, source: Source, stems: Stems, script: DubScript, track: FaceTrack) -> OnScreen:
    """Every utterance, cut at shots, with the face that says it; none where the speaker is off screen or unclear.

    A sound that runs on from a line belongs to it: recognisers end words early.
    """
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks)).faces
    rate, n_frames = source.video.frame_rate, source.video.n_frames
    if not faces:
        return who_speaks(_parts(script, (), source.video, track.shots), (), np.zeros(n_frames), float(rate))
    dialogue, rate_hz = open_wav(store.path(stems.dialogue))
    islands = speech_islands(levels_db((block[0] for block in blocks(dialogue)), rate_hz))
    parts = _parts(script, islands, source.video, track.shots)
    is_speech = np.zeros(n_frames, bool)
    for part in parts:
        is_speech[part.first_frame : part.end_frame] = True
    return who_speaks(
        parts,
        [Mouth(face.aperture, face.jaw_open, face.iod_px) for face in faces],
        openness(dialogue[0], rate_hz, float(rate), is_speech),
        float(rate),
        track.shots,
    )


def _parts(script: DubScript, islands: Sequence[Span], video: VideoFacts, shots: Sequence[int]) -> list[SeenSpan]:
    """Every line with its sound, cut at shots."""
    parts = []
    for line, span in zip(script.utterances, with_their_sound(script.utterances, islands), strict=True):
        first = min(video.n_frames - 1, int(span.start * video.frame_rate))
        end = min(video.n_frames, max(first + 1, math.ceil(span.end * video.frame_rate)))
        cuts = [first, *(shot for shot in shots if first < shot < end), end]
        parts += [
            SeenSpan(utterance_id=line.id, speaker=line.speaker, first_frame=a, end_frame=b, verdict="off screen")
            for a, b in itertools.pairwise(cuts)
        ]
    return parts
