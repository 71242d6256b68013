"""Contact sheets of mouths: the source's row above the dub's, so that a person sees at a glance what was done."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub import media
from dub.source import VideoFacts

Rgb = npt.NDArray[np.uint8]

CELL_PX = 160
STRIP_CELL_PX, STRIP_COLUMNS = 240, 6
GAP_PX = 4
RENDERED_RGB, LEFT_ALONE_RGB = (70, 200, 110), (150, 150, 150)


def mouth_contact_sheet(
    source: Path | None,
    dub: Path,
    facts: VideoFacts,
    centre_px: npt.NDArray[np.floating],
    side_px: npt.NDArray[np.floating],
    frames: Sequence[int],
    *,
    is_rendered: npt.NDArray[np.bool_] | None = None,
    n_columns: int = 8,
    cell_px: int = CELL_PX,
) -> bytes:
    """PNG bytes: for each of `frames` the mouth in the source, and under it the mouth in the dub; without a source the
    dub's alone.

    `centre_px` (n_frames, 2) x, y and `side_px` (n_frames,): the square to show, displayed pixels; frames where they
    are NaN are left out. `is_rendered` (n_frames,): a green bar under rendered frames, a grey one under others. Both
    videos are read as `facts` says. Raises ValueError when no frame is left to show.
    """
    shown = [int(i) for i in frames if np.isfinite(centre_px[i]).all() and np.isfinite(side_px[i])]
    if not shown:
        raise ValueError("none of the frames has a mouth to show")
    videos = [video for video in (source, dub) if video is not None]
    columns = zip(*(_mouths(video, facts, centre_px, side_px, shown, cell_px) for video in videos), strict=True)
    n_columns = min(n_columns, len(shown))
    n_rows = -(-len(shown) // n_columns)
    column_px = len(videos) * cell_px
    step_x, step_y = cell_px + GAP_PX, column_px + 3 * GAP_PX
    sheet = np.full((n_rows * step_y, n_columns * step_x, 3), 24, np.uint8)
    for k, cells in enumerate(columns):
        y, x = (k // n_columns) * step_y, (k % n_columns) * step_x
        sheet[y : y + column_px, x : x + cell_px] = np.concatenate(cells)
        if is_rendered is not None:
            colour = RENDERED_RGB if is_rendered[shown[k]] else LEFT_ALONE_RGB
            sheet[y + column_px : y + column_px + GAP_PX, x : x + cell_px] = colour
    return png(sheet)


def slow_motion_strip(
    source: Path,
    dub: Path,
    facts: VideoFacts,
    centre_px: npt.NDArray[np.floating],
    side_px: npt.NDArray[np.floating],
    first: int,
    n: int,
    *,
    is_rendered: npt.NDArray[np.bool_] | None = None,
) -> bytes:
    """PNG bytes: `n` consecutive frames from `first` on, enlarged, the source's mouth over the dub's: what a person who
    steps through the video frame by frame would see. The rest as `mouth_contact_sheet`."""
    return mouth_contact_sheet(
        source,
        dub,
        facts,
        centre_px,
        side_px,
        range(first, min(first + n, facts.n_frames)),
        is_rendered=is_rendered,
        n_columns=STRIP_COLUMNS,
        cell_px=STRIP_CELL_PX,
    )


def _mouths(
    video: Path,
    facts: VideoFacts,
    centre_px: npt.NDArray[np.floating],
    side_px: npt.NDArray[np.floating],
    frames: Sequence[int],
    cell_px: int,
) -> Iterator[Rgb]:
    """The square of each of `frames`, in the order given; the video is decoded once, in pieces around them."""
    wanted = sorted(set(frames))
    pictures = media.read_frames(video, facts, "rgb24", only=wanted)
    cells = {
        i: _square(picture, centre_px[i], float(side_px[i]), cell_px)
        for i, picture in zip(wanted, pictures, strict=True)
    }
    return iter([cells[i] for i in frames])


def _square(picture: Rgb, centre: npt.NDArray[np.floating], side: float, cell_px: int) -> Rgb:
    """Bilinear look-up of a square; what lies outside the picture repeats its border."""
    steps = (np.arange(cell_px) + 0.5) / cell_px - 0.5
    x = np.clip(centre[0] + steps * side - 0.5, 0, picture.shape[1] - 1.001)
    y = np.clip(centre[1] + steps * side - 0.5, 0, picture.shape[0] - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[None, :, None], (y - y0)[:, None, None]
    region = picture[y0[0] : y0[-1] + 2, x0[0] : x0[-1] + 2].astype(np.float32)
    y0, x0 = y0 - y0[0], x0 - x0[0]
    top = region[np.ix_(y0, x0)] * (1 - fx) + region[np.ix_(y0, x0 + 1)] * fx
    bottom = region[np.ix_(y0 + 1, x0)] * (1 - fx) + region[np.ix_(y0 + 1, x0 + 1)] * fx
    return np.asarray(top * (1 - fy) + bottom * fy + 0.5, np.uint8)


def png(picture: Rgb) -> bytes:
    """A PNG file of (height, width, 3) uint8."""
    height, width = picture.shape[:2]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
