"""Learn lips: how well the speakers' lips follow their voices in the source, before sound alone has to move them."""

from __future__ import annotations

from dub.given_dub import FacedSpeech, LearnedFace, LearnedFaces
from dub.on_screen import OnScreen
from dub.script import DubScript
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.face.contract import TrackedFaces
from engines.lipsync.audio_curve import learn
from tasks.lip_scene import scene_of, takes_on_screen


@stage(version=1)
def learn_lips(
    desk: Desk,
    source: Source,
    track: FaceTrack,
    stems: Stems,
    script: DubScript,
    on_screen: OnScreen,
    speech: FacedSpeech,
    engine: EngineChoice,
) -> LearnedFaces:
    """One entry per face that says a line without phonemes; () for an engine that reads sound without learning it.
    Raises BadInput where a face speaks too little in the source, or where its lips do not follow its voice."""
    if not registry.spec("lipsync", engine.id).capabilities.get("learns_from_sound"):
        return LearnedFaces()
    store = desk.open_store()
    faces = TrackedFaces.load(store.path(track.landmarks))
    scene = scene_of(store, source, track, stems, script, on_screen)
    spoken = takes_on_screen(source, faces, speech.on_screen, speech.timeline)
    untold = {run.face for span in spoken if not span.phonemes for run in span.shown if run.face >= 0}
    learned = [(k, learn(scene, faces, k)) for k in sorted(untold)]
    return LearnedFaces(
        faces=tuple(LearnedFace(face=k, correlation=own.correlation, speech_s=own.speech_s) for k, own in learned)
    )
