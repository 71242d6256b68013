"""A video held against the one that it was made from, frame by frame: what was changed, how well, and what else.

Both are read once, side by side, as luma; nothing is kept but a few numbers per frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.media import read_frames
from dub.mouth_metrics import Floats, Mask, laplacian_energy, second_difference
from dub.mouth_pictures import MouthBox, Picture, flicker_ratio
from dub.source import VideoFacts

LOWER_FACE_HALF_WIDTH_IOD, LOWER_FACE_UP_IOD, LOWER_FACE_DOWN_IOD = 1.1, 0.75, 1.1
"""Around the mouth's middle: what lip-sync may repaint, from the nose's tip to under the chin, cheeks included."""
BLOCK_PX = 8
MOST_LAG = 12
THUMB = (64, 36)
TOUCHED_LEVELS, TOUCHED_RATIO = 1.0, 2.0
"""A mouth box was changed when it differs by so many grey levels in the mean more than the ring around the lower face,
and by so many times as much: what encoding does to the picture, it does to both."""
MIN_FRAMES = 10


@dataclass(frozen=True)
class Comparison:
    """Arrays (n_frames,) over the frames of the video under test; NaN where there is no mouth box or no such frame.

    `lag`: frame i is held against the source's frame i + lag. `mouth_change`, `ring_change`: mean |difference| of the
    mouth box and of the rest of the picture near the face. `psnr`: dB, of all pixels outside the lower face.
    `worst_block`: largest difference of 8 px block means outside the lower face, grey levels. `*_sharpness`: mean
    squared Laplacian of the mouth box. `*_flicker`: as mouth_pictures.flicker.
    """

    lag: int
    mouth_change: Floats
    ring_change: Floats
    psnr: Floats
    worst_block: Floats
    source_sharpness: Floats
    sharpness: Floats
    source_flicker: Floats
    flicker: Floats

    @property
    def is_touched(self) -> Mask:
        touched: Mask = self.mouth_change > np.maximum(
            self.ring_change + TOUCHED_LEVELS, self.ring_change * TOUCHED_RATIO
        )
        return touched

    @property
    def is_compared(self) -> Mask:
        return np.isfinite(self.mouth_change)

    def sharpness_ratio(self) -> float | None:
        """Median sharpness over the source's, on touched frames; on all where under 10 were: softening a soft mouth
        hardly changes its grey levels. None under 10 frames."""
        both = np.isfinite(self.sharpness) & np.isfinite(self.source_sharpness)
        if (both & self.is_touched).sum() >= MIN_FRAMES:
            both &= self.is_touched
        still = float(np.median(self.source_sharpness[both])) if both.any() else 0.0
        return float(np.median(self.sharpness[both])) / still if both.sum() >= MIN_FRAMES and still > 0 else None

    def flicker_ratio(self) -> float | None:
        return flicker_ratio(self.source_flicker, self.flicker, self.is_touched)


def compare(
    source: Path,
    source_facts: VideoFacts,
    video: Path,
    facts: VideoFacts,
    boxes: Sequence[MouthBox | None],
    lower_faces: Sequence[MouthBox | None],
) -> Comparison | str:
    """Hold `video` against `source`; or say why that cannot be done. `boxes`, `lower_faces`: by the source's frames.

    Needs the same raster and frame rate: scaling alone would change sharpness. A video that starts some frames late or
    early (up to 12) is moved back first.
    """
    lag = lag_of(source, source_facts, video, facts)
    if isinstance(lag, str):
        return lag
    first, last = max(0, -lag), min(facts.n_frames, source_facts.n_frames - lag)
    ours = read_frames(video, facts, "gray", first=first, n=last - first)
    theirs = read_frames(source, source_facts, "gray", first=first + lag, n=last - first)
    columns = np.full((facts.n_frames, 8), np.nan, np.float32)
    span = slice(first + lag, last + lag)
    for frame, row in enumerate(_rows(zip(theirs, ours, strict=True), boxes[span], lower_faces[span]), first):
        columns[frame] = row
    return Comparison(lag, *np.ascontiguousarray(columns.T))


def lag_of(source: Path, source_facts: VideoFacts, video: Path, facts: VideoFacts) -> int | str:
    """By how many frames, up to 12, the source's picture comes later in its own file; or why no two frames agree."""
    raster, other = (facts.width_px, facts.height_px), (source_facts.width_px, source_facts.height_px)
    if raster != other:
        return f"the source is {other[0]}x{other[1]}, the video {raster[0]}x{raster[1]}"
    if facts.frame_rate != source_facts.frame_rate:
        return f"the source has {_rate(source_facts)} frames a second, the video {_rate(facts)}"
    return _lag(source, source_facts, video, facts)


def lower_faces(centre: Floats, iod_px: Floats, width_px: int, height_px: int) -> list[MouthBox | None]:
    """What lip-sync may repaint, per frame, cut at the picture's edges; None without a face."""
    found: list[MouthBox | None] = []
    for (x, y), iod in zip(centre, iod_px, strict=True):
        if not np.isfinite(iod + x + y):
            found.append(None)
            continue
        left, right = max(0, int(x - LOWER_FACE_HALF_WIDTH_IOD * iod)), int(x + LOWER_FACE_HALF_WIDTH_IOD * iod)
        top, bottom = max(0, int(y - LOWER_FACE_UP_IOD * iod)), int(y + LOWER_FACE_DOWN_IOD * iod)
        found.append(MouthBox(left, top, max(1, min(right, width_px) - left), max(1, min(bottom, height_px) - top)))
    return found


def _rows(
    pairs: Iterable[tuple[Picture, Picture]], boxes: Sequence[MouthBox | None], faces: Sequence[MouthBox | None]
) -> Iterator[list[float]]:
    """Per frame the columns of Comparison; the two flickers are of the frame before, so they come one frame late and
    the rows are held back by one."""
    held: list[tuple[Picture, Picture]] = []
    waiting: list[float] | None = None
    for frame, pair in enumerate(pairs):
        held = [*held[-2:], pair]
        box = boxes[frame - 1] if len(held) == 3 else None
        if waiting is not None:
            if box is not None:
                waiting[6:] = [second_difference(*(box.of(pictures[which]) for pictures in held)) for which in (0, 1)]
            yield waiting
        waiting = _changes(*pair, boxes[frame], faces[frame])
    if waiting is not None:
        yield waiting


def _changes(theirs: Picture, ours: Picture, box: MouthBox | None, face: MouthBox | None) -> list[float]:
    if box is None or face is None:
        return [np.nan] * 8
    difference = theirs.astype(np.int16) - ours
    size = np.abs(difference)
    inside = face.of(size)
    squared = np.square(difference, dtype=np.int32)
    wrong = float(squared.sum()) - float(face.of(squared).sum())
    noise = max(wrong / max(size.size - inside.size, 1), 255**2 / 1e10)  # 100 dB: identical
    around = MouthBox(
        max(0, face.left - face.width // 2), max(0, face.top - face.height // 2), 2 * face.width, 2 * face.height
    ).of(size)
    ring = (float(around.sum()) - float(inside.sum())) / max(around.size - inside.size, 1)
    return [
        float(box.of(size).mean()),
        ring,
        10 * float(np.log10(255**2 / noise)),
        _worst_block(difference, face),
        laplacian_energy(box.of(theirs)),
        laplacian_energy(box.of(ours)),
        np.nan,
        np.nan,
    ]


def _worst_block(difference: npt.NDArray[np.int16], face: MouthBox) -> float:
    """Largest |mean difference| of an 8 px block that does not reach into the lower face."""
    height, width = (size // BLOCK_PX for size in difference.shape)
    blocks = difference[: height * BLOCK_PX, : width * BLOCK_PX].reshape(height, BLOCK_PX, width, BLOCK_PX)
    means = np.abs(blocks.mean(axis=(1, 3), dtype=np.float32))
    means[
        face.top // BLOCK_PX : -(-(face.top + face.height) // BLOCK_PX),
        face.left // BLOCK_PX : -(-(face.left + face.width) // BLOCK_PX),
    ] = 0
    return float(means.max())


def _lag(source: Path, source_facts: VideoFacts, video: Path, facts: VideoFacts) -> int:
    """By how many frames the source's picture comes later in its own file; 0 where no shift fits clearly better."""
    n = min(source_facts.n_frames, facts.n_frames, 10 * round(facts.frame_rate))
    theirs, ours = (
        np.stack(list(read_frames(path, its, "gray", n=n, scale=THUMB))).astype(np.float32)
        for path, its in ((source, source_facts), (video, facts))
    )
    lags = range(-min(MOST_LAG, n - 1), min(MOST_LAG, n - 1) + 1)
    wrong = [
        float(np.square(theirs[max(0, lag) : n + min(0, lag)] - ours[max(0, -lag) : n - max(0, lag)]).mean())
        for lag in lags
    ]
    best = int(np.argmin(wrong))
    return lags[best] if wrong[best] < 0.8 * wrong[lags.index(0)] else 0


def _rate(facts: VideoFacts) -> str:
    return f"{float(Fraction(facts.frame_rate)):.4g}"
