"""A photo made to talk without a network: lips and lids warped, the mouth's inside painted, the head turned by its
depth. The lips follow the same curve as the lip-sync of videos (engines/lipsync/mouth_curve.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import media, progress
from dub.avatar import Backdrop, PhotoFacts
from dub.overlay import Overlay
from dub.source import VideoFacts
from dub.wav import open_wav
from engines.face import mediapipe_landmarker as mesh
from engines.lipsync import mouth_blend as blend
from engines.lipsync.contract import RenderLog
from engines.lipsync.mouth_curve import mouth_curve
from engines.lipsync.mouth_geometry import Placement
from engines.portrait.contract import Performance
from engines.portrait.eyelids import eyelids
from engines.portrait.head_motion import HeadMotion, frame_loudness, head_motion
from engines.portrait.head_warp import HeadFields, Look
from engines.portrait.person_matte import PersonMatte, blurred_behind, own_colours
from engines.portrait.photo_face import OPEN_EYE, FaceFinder, PhotoFace
from engines.portrait.photo_file import as_planes, read_photo
from engines.portrait.photo_mouth import MouthShape, PhotoMouth, eye_terms, face_shape, outline, usual_range
from engines.spec import EngineSpec

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

BLUR_SHARE = 0.02
"""Standard deviation of the backdrop's blur, share of the long side."""
MOVED = "rendered"


class WarpedPhoto:
    """PortraitAnimator. Holds nothing between calls, so any number of threads may use it."""

    def __init__(self) -> None:
        self._finder, self._matte = FaceFinder(), PersonMatte()

    def pose(self, photo: Path, name: str, long_side_px: int, posed: Path) -> PhotoFacts:
        picture = read_photo(photo, name, long_side_px)
        face = self._finder.find(picture, name)
        planes = as_planes(picture)
        matte = np.rint(255 * self._matte.cut(picture, face)).astype(np.uint8)
        with posed.open("wb") as file:
            np.savez(file, allow_pickle=False, planes=planes, points=face.points, matte=matte)
        height, width = picture.shape[:2]
        shape = face_shape(_canonical(face.points))
        return PhotoFacts(
            width_px=width,
            height_px=height,
            iod_px=face.iod_px,
            yaw_deg=face.yaw_deg,
            pitch_deg=face.pitch_deg,
            roll_deg=face.roll_deg,
            sharpness=face.sharpness,
            aperture=PhotoMouth(planes, shape, outline(face.points), eye_terms(face.points)).aperture,
            mouth_sharpness=mesh.mouth_look(planes[:height], face.points[:, :2])[0],
            can_blink=face.eye_opening >= OPEN_EYE,
        )

    def render(
        self, posed: Path, facts: VideoFacts, performance: Performance, out: Path, overlay: Overlay | None = None
    ) -> RenderLog:
        with np.load(posed, allow_pickle=False) as arrays:
            photo, points, matte = arrays["planes"], arrays["points"], arrays["matte"]
        face = PhotoFace(points, 0.0, 0.0, 0.0, 0.0)
        dialogue = open_wav(performance.dialogue)[0][0]
        loudness = frame_loudness(dialogue, facts.frame_rate, facts.n_frames)
        motion = head_motion(loudness, facts.frame_rate, performance.motion.amplitude, performance.motion.seed)
        speaker = usual_range(face_shape(_canonical(points)))
        curve = mouth_curve(performance.phonemes, facts.frame_rate, facts.n_frames, speaker)
        aims = [MouthShape(*map(float, aim)) for aim in zip(curve.aperture, curve.width, curve.lip, strict=True)]
        backdrop = _Backdrop.of(photo, matte.astype(np.float32) / 255, performance)
        if backdrop is not None:
            photo = backdrop.person
        with media.FrameWriter(out, facts, overlay=overlay) as writer:
            for i, frame in enumerate(_frames(photo, face, motion, aims, backdrop)):
                writer.write(frame)
                progress.report(i + 1, facts.n_frames)
        return RenderLog(
            reasons=(MOVED,), decision=np.zeros((1, facts.n_frames), np.uint8), aperture=curve.aperture[None].copy()
        )


def _frames(
    photo: Bytes, face: PhotoFace, motion: HeadMotion, aims: list[MouthShape], backdrop: _Backdrop | None
) -> Iterator[Bytes]:
    height, width = photo.shape[0] * 2 // 3, photo.shape[1]
    terms, canonical = eye_terms(face.points), _canonical(face.points)
    mouth = PhotoMouth(photo, face_shape(canonical), outline(face.points), terms)
    lids = eyelids(canonical, terms, (width, height)) if face.eye_opening >= OPEN_EYE else ()
    fields = HeadFields.of(face, width, height)
    for i, aim in enumerate(aims):
        frame = photo.copy()
        for lid in lids:
            lid.shut(frame, photo, float(motion.lids[i]))
        mouth.set(frame, aim)
        look = Look.of(fields.displacement(motion, i), width, height)
        yield look.of_frame(frame) if backdrop is None else backdrop.behind(look.of_frame(frame), look)


@dataclass(frozen=True)
class _Backdrop:
    """What stands behind the person, who is cut out. Without one the photo's own backdrop stays: near the head it moves
    along by a pixel or two, and has no seam. `planes`: of the picture behind; `mattes`: 0..255 for luma and for chroma;
    `person`: the photo, its person's colours carried out under the soft edge."""

    planes: list[Floats]
    mattes: tuple[Bytes, Bytes]
    person: Bytes

    @classmethod
    def of(cls, photo: Bytes, matte: Floats, performance: Performance) -> _Backdrop | None:
        import cv2

        if performance.backdrop.kind == "original":
            return None
        half = np.asarray(cv2.resize(matte, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)
        person = photo.copy()
        for plane, cut in zip(blend.planes(person), (matte, half, half), strict=True):
            plane[:] = own_colours(plane, cut)
        planes = _planes_behind(photo, (matte, half, half), performance.backdrop, performance.backdrop_image)
        whole, quarter = (np.rint(255 * cut).astype(np.uint8) for cut in (matte, half))
        return cls([plane.astype(np.float32) for plane in planes], (whole, quarter), person)

    def behind(self, frame: Bytes, look: Look) -> Bytes:
        """Set behind the person of a frame that was looked up by `look`, in place."""
        shares = [look.at(matte, is_chroma=k > 0) * np.float32(1 / 255) for k, matte in enumerate(self.mattes)]
        for plane, back, share in zip(blend.planes(frame), self.planes, (*shares, shares[1]), strict=True):
            plane[:] = back + share * (plane - back) + np.float32(0.5)
        return frame


def _planes_behind(
    photo: Bytes, mattes: tuple[Floats, Floats, Floats], backdrop: Backdrop, image: Path | None
) -> list[Bytes]:
    height, width = mattes[0].shape
    if backdrop.kind == "blur":
        sd = BLUR_SHARE * max(width, height)
        planes = zip(blend.planes(photo), mattes, (1.0, 0.5, 0.5), strict=True)
        return [blurred_behind(plane, matte, sd * scale) for plane, matte, scale in planes]
    if backdrop.kind == "image":
        assert image is not None
        picture = _filling(read_photo(image, image.name, 8 * max(width, height)), width, height)
    else:
        picture = np.empty((height, width, 3), np.uint8)
        picture[:] = backdrop.colour[::-1]
    return list(blend.planes(as_planes(picture)))


def _filling(picture: Bytes, width: int, height: int) -> Bytes:
    """Scaled to cover width x height, its middle cut out."""
    import cv2

    scale = max(width / picture.shape[1], height / picture.shape[0])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    large = cv2.resize(picture, size, interpolation=method)
    x0, y0 = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(large[y0 : y0 + height, x0 : x0 + width])


def _canonical(points: Floats) -> npt.NDArray[np.float64]:
    """(478, 2) of a mesh in pixels."""
    placed: npt.NDArray[np.float64] = Placement(eye_terms(points)[None]).to_canonical(
        points[None, :, :2].astype(np.float64)
    )[0]
    return placed


ENGINE = EngineSpec(
    id="warped-photo",
    family="portrait",
    version=4,
    summary="One photo, warped: lips, jaw, eyelids and head; no network but for finding the face; CPU.",
    load=WarpedPhoto,
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    weights=("face-landmarker", "selfie-segmenter"),
    extra="embedded",
    packages=("mediapipe", "cv2", "scipy"),
)
