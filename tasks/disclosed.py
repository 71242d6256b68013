"""Where a disclosure stands in the picture, and as an encoder takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.disclosure import SAFE_MARGIN, SAFE_WIDTH, SHARE_OF_SHORTER_SIDE, Disclosure, Wording
from dub.draw_text import draw_line, width_in_ems
from dub.errors import BadInput
from dub.overlay import Overlay
from dub.source import VideoFacts
from dub.store import Store
from engines.face.contract import TrackedFaces

PADDING_EMS = (0.3, 0.5)
"""(above and below, beside) the letters, inside the box."""
SMALLEST_PX = 8
"""No letters are read below this height."""
AROUND_IOD = 0.2
"""So far from the outline of a face, in distances of its eyes, the box keeps; hair is no face."""

Boxes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Placed:
    """`n_over_face`: frames in which the overlay lies over a face."""

    overlay: Overlay
    n_over_face: int


def overlay_of(store: Store, disclosure: Disclosure | None, frames: range) -> Overlay | None:
    """What stands in these frames; None for nothing."""
    if disclosure is None or not (n := disclosure.n_frames_of(frames)):
        return None
    return Overlay.load(store.path(disclosure.image)).for_frames(n)


def place(text: str, wording: Wording, facts: VideoFacts, faces: Boxes) -> Placed:
    """The text in a box at the top, where no subtitle stands; at the bottom where that covers a face in fewer frames.
    `faces`: see `face_boxes`. Raises BadInput for a picture too small to bear it, EngineUnavailable for a text that no
    font of this machine can write."""
    n_frames, language = wording.end_frame(facts), wording.language.language
    em = min(facts.width_px, facts.height_px) * SHARE_OF_SHORTER_SIDE
    em = min(em, facts.width_px * SAFE_WIDTH / (width_in_ems(text, language) + 2 * PADDING_EMS[1]))
    letters = draw_line(text, language, max(SMALLEST_PX, round(em)))
    above, beside = (round(padding * em) for padding in PADDING_EMS)
    drawn = np.pad(letters, ((above, above + letters.shape[0] % 2), (beside, beside + letters.shape[1] % 2)))
    height, width = drawn.shape
    if width > facts.width_px:
        raise BadInput(
            f"{text!r} cannot be read in a picture of {facts.width_px}x{facts.height_px} px",
            mend='say it in fewer words (disclosure_text), or set disclosure = "off" in the profile',
        )
    left = _even((facts.width_px - width) / 2)
    margin = facts.height_px * SAFE_MARGIN
    tops = (_even(margin), _even(facts.height_px - margin - height))
    n_over = [int(_is_over(faces, top, left, height, width).sum()) for top in tops]
    chosen = int(np.argmin(n_over))
    return Placed(Overlay.of(drawn, tops[chosen], left, n_frames), n_over[chosen])


def face_boxes(faces: TrackedFaces, n_frames: int) -> Boxes:
    """(n_frames, n_faces, 4): top, left, bottom, right in pixels of what is to stay free around each face in the first
    frames; NaN for whom is not seen."""
    boxes = np.full((n_frames, len(faces.faces), 4), np.nan, np.float32)
    for k, face in enumerate(faces.faces):
        low, high = face.points[:n_frames].min(axis=1), face.points[:n_frames].max(axis=1)
        iod = face.iod_px[:n_frames, None]
        boxes[:, k] = np.hstack([low[:, 1:], low[:, :1], high[:, 1:], high[:, :1]])
        boxes[:, k] += AROUND_IOD * iod * np.array([-1, -1, 1, 1], np.float32)
    return boxes


def _is_over(faces: Boxes, top: int, left: int, height: int, width: int) -> npt.NDArray[np.bool_]:
    """(n_frames,): somebody's face meets the box."""
    above, beside, below, beyond = np.moveaxis(faces, 2, 0)
    over = (above < top + height) & (below > top) & (beside < left + width) & (beyond > left)
    return np.asarray(over.any(axis=1), np.bool_)


def _even(number: float) -> int:
    return 2 * round(number / 2)
