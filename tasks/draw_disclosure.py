"""draw_disclosure: the line that says in the picture that it was made by AI, drawn once per language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dub.avatar import Performed, Portrait
from dub.disclosure import Disclosure, Wording
from dub.lips import LipPlan
from dub.source import FaceTrack, Source, VideoFacts
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from engines import registry
from engines.face.contract import TrackedFaces
from tasks.disclosed import Placed, face_boxes, place

NPZ = "application/x-npz"


def _what_it_says(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the lips' plan, whether a mouth is moved at all: a line said anew draws nothing anew."""
    read = {name: arguments[name] for name in arguments if name not in ("source", "plan")}
    return read | {"video": arguments["source"].video, "is_moved": arguments["plan"].n_rendered > 0}


@stage(version=2, reads=_what_it_says)
def draw_disclosure(desk: Desk, source: Source, track: FaceTrack, plan: LipPlan, wording: Wording) -> Disclosure:
    """What a dub's picture says, away from its faces. Raises EngineUnavailable where no font can write it."""
    store, n_frames = desk.open_store(), wording.end_frame(source.video)
    faces = face_boxes(TrackedFaces.load(store.path(track.landmarks)), n_frames)
    text = wording.said(plan.n_rendered)
    return _kept(store, text, wording, place(text, wording, source.video, faces))


@stage(version=2)
def draw_portrait_disclosure(
    desk: Desk, portrait: Portrait, performed: Performed, wording: Wording, face: EngineChoice
) -> Disclosure:
    """What a portrait's picture says, away from the face in the photo. Raises as `draw_disclosure`."""
    store, video = desk.open_store(), performed.source.video
    tracker = registry.load("face", face.id, **face.options)
    still: VideoFacts = portrait.facts.as_video(1)
    face_of_photo = face_boxes(tracker.track(store.path(portrait.still), still), 1)
    faces = face_of_photo.repeat(wording.end_frame(video), axis=0)
    return _kept(store, wording.moved, wording, place(wording.moved, wording, video, faces))


def _kept(store: Store, text: str, wording: Wording, placed: Placed) -> Disclosure:
    with store.scratch() as folder:
        placed.overlay.save(folder / "overlay.npz")
        return Disclosure(
            text=text,
            language=wording.language,
            is_users=wording.is_users,
            image=store.put(folder / "overlay.npz", NPZ),
            end_frame=placed.overlay.n_frames,
            n_over_face=placed.n_over_face,
        )
