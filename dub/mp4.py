"""What ffmpeg cannot say about an MP4: which tracks a player shows unasked."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

_ENABLED = 1


def switch_off(path: Path, handler: bytes) -> int:
    """Clear the flag "enabled" of every track of a kind (`b"sbtl"`: subtitles), in place; returns how many.

    ffmpeg enables the first track of each kind, whatever its disposition, and players then show subtitles that
    nobody asked for. ISO/IEC 14496-12, 8.3.2: the flag is bit 0 of the track header's flags.
    """
    n_switched = 0
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        for moov in _boxes(content, 0, len(content), b"moov"):
            for track in _boxes(content, *moov, b"trak"):
                kinds = [
                    bytes(content[start + 8 : start + 12])
                    for media in _boxes(content, *track, b"mdia")
                    for start, _ in _boxes(content, *media, b"hdlr")
                ]
                if handler in kinds:
                    for start, _ in _boxes(content, *track, b"tkhd"):
                        content[start + 3] &= ~_ENABLED & 0xFF
                        n_switched += 1
    return n_switched


def _boxes(content: mmap.mmap, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """[start, end) of the contents of every box of this name, one level deep."""
    while start + 8 <= end:
        n_bytes, kind = struct.unpack(">I4s", content[start : start + 8])
        n_head = 8
        if n_bytes == 1:
            n_bytes, n_head = struct.unpack(">Q", content[start + 8 : start + 16])[0], 16
        n_bytes = n_bytes or end - start
        if kind == name:
            yield start + n_head, start + n_bytes
        start += max(n_bytes, n_head)
