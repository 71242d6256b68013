"""Find whose mouth says what: once per source."""

from __future__ import annotations

import itertools
import math

from dub.active_speaker import who_speaks
from dub.on_screen import OnScreen, SeenSpan
from dub.script import DubScript, Utterance
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, stage
from engines.face.contract import TrackedFaces


@stage(version=1, n_cpu=1)
def find_speaking_faces(desk: Desk, source: Source, stems: Stems, script: DubScript, track: FaceTrack) -> OnScreen:
    """Every utterance, cut at shots, with the face that says it; none where the speaker is off screen or unclear."""
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    parts = [part for line in script.utterances for part in _parts(line, source, track)]
    return who_speaks(parts, [face.aperture for face in faces.faces], float(source.video.frame_rate))


def _parts(line: Utterance, source: Source, track: FaceTrack) -> list[SeenSpan]:
    """One line cut at shots."""
    rate, n_frames = source.video.frame_rate, source.video.n_frames
    first = min(n_frames - 1, int(line.span.start * rate))
    end = min(n_frames, max(first + 1, math.ceil(line.span.end * rate)))
    cuts = [first, *(shot for shot in track.shots if first < shot < end), end]
    return [
        SeenSpan(utterance_id=line.id, speaker=line.speaker, first_frame=a, end_frame=b, verdict="off screen")
        for a, b in itertools.pairwise(cuts)
    ]
