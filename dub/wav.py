"""WAV files of 32-bit float samples: written in blocks, read as a memory map, beyond 4 GB too (RF64).

The header is always 80 bytes and carries nothing but the format, so the same samples give the same file.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from dub.errors import UnreadableMedia

Samples = npt.NDArray[np.float32]
"""float32 (n_channels, n_samples), full scale +-1.0; may exceed it."""

WAV = "audio/wav"
"""Media type of every sound artifact."""

BLOCK_SAMPLES = 512 * 480
"""Samples that a stage holds at a time: 5.12 s at 48 kHz, 2 MB in stereo; whole hundredths of a second."""

_FLOAT = 3
_HEADER_BYTES = 80
_MAX_RIFF = 0xFFFFFFFF


class WavWriter:
    """A context manager that writes blocks of samples; the header is completed when it closes."""

    def __init__(self, path: Path, rate_hz: int, n_channels: int) -> None:
        self._rate_hz, self._n_channels = rate_hz, n_channels
        self.n_samples = 0
        self._file = path.open("wb")
        self._file.write(bytes(_HEADER_BYTES))

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            self._file.seek(0)
            self._file.write(_header(self._rate_hz, self._n_channels, self.n_samples))

    def write(self, samples: Samples) -> None:
        """Append float32 (n_channels, n) or, for mono, (n,)."""
        block = np.atleast_2d(samples)
        if block.shape[0] != self._n_channels:
            raise ValueError(f"{block.shape[0]} channels for a file of {self._n_channels}")
        self._file.write(np.ascontiguousarray(block.T, dtype="<f4").tobytes())
        self.n_samples += block.shape[1]


def write_wav(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write float32 (n_channels, n_samples) or (n_samples,) at once."""
    with WavWriter(path, rate_hz, np.atleast_2d(samples).shape[0]) as file:
        file.write(samples)


def blank_wav(path: Path, rate_hz: int, n_channels: int, n_samples: int) -> Samples:
    """A new file of silence as a writable memory map, float32 (n_channels, n_samples): sounds are added in place.

    The file is complete once the map is deleted.
    """
    with path.open("wb") as file:
        file.write(_header(rate_hz, n_channels, n_samples))
        file.truncate(_HEADER_BYTES + 4 * n_channels * n_samples)
    if not n_samples:
        return np.zeros((n_channels, 0), np.float32)
    return np.memmap(path, np.dtype("<f4"), "r+", _HEADER_BYTES, (n_samples, n_channels)).T


def open_wav(path: Path) -> tuple[Samples, int]:
    """A float WAV as a read-only memory map, float32 (n_channels, n_samples), and its rate in Hz.

    Nothing is read until it is looked at, so a long file costs no memory. Raises UnreadableMedia for a file
    that is not a 32-bit float WAV: those of the store are; use `read_audio` for a user's.
    """
    rate_hz = n_channels = n_data_bytes = 0
    with path.open("rb") as file:
        form, _, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        if form not in (b"RIFF", b"RF64") or kind != b"WAVE":
            raise UnreadableMedia(f"{path.name} is not a WAV file")
        while len(head := file.read(8)) == 8:
            name, n_bytes = struct.unpack("<4sI", head)
            if name == b"data":
                offset = file.tell()
                n_data_bytes = n_data_bytes if n_bytes == _MAX_RIFF else n_bytes
                break
            body = file.read(n_bytes + n_bytes % 2)
            if name == b"ds64":
                n_data_bytes = struct.unpack("<QQ", body[:16])[1]
            elif name == b"fmt ":
                code, n_channels, rate_hz, _, _, n_bits = struct.unpack("<HHIIHH", body[:16])
                if code == 0xFFFE:
                    code = struct.unpack("<H", body[24:26])[0]
                if (code, n_bits) != (_FLOAT, 32):
                    raise UnreadableMedia(f"{path.name}: not 32-bit float but {n_bits}-bit, kind {code}")
        else:
            raise UnreadableMedia(f"{path.name} has no samples")
    n_samples = n_data_bytes // (4 * max(n_channels, 1))
    if not n_channels or path.stat().st_size < offset + n_samples * 4 * n_channels:
        raise UnreadableMedia(f"{path.name} is cut off")
    if not n_samples:
        return np.zeros((n_channels, 0), np.float32), rate_hz
    interleaved = np.memmap(path, np.dtype("<f4"), "r", offset, (n_samples, n_channels))
    return interleaved.T, rate_hz


def let_go(sound: Samples) -> None:
    """Give back the memory of what was read of a mapped file; it is read again when looked at again."""
    mapped = getattr(sound.base, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


def _header(rate_hz: int, n_channels: int, n_samples: int) -> bytes:
    """A JUNK chunk keeps the place of RF64's 64-bit sizes, so that the header never changes its length."""
    n_bytes = n_samples * n_channels * 4
    riff_bytes = _HEADER_BYTES - 8 + n_bytes
    if riff_bytes <= _MAX_RIFF:
        form, spare, riff_size, data_size = b"RIFF", b"JUNK", riff_bytes, n_bytes
        sizes = bytes(28)
    else:
        form, spare, riff_size, data_size = b"RF64", b"ds64", _MAX_RIFF, _MAX_RIFF
        sizes = struct.pack("<QQQI", riff_bytes, n_bytes, n_samples, 0)
    frame_bytes = 4 * n_channels
    form_chunk = struct.pack("<HHIIHH", _FLOAT, n_channels, rate_hz, rate_hz * frame_bytes, frame_bytes, 32)
    return (
        struct.pack("<4sI4s", form, riff_size, b"WAVE")
        + struct.pack("<4sI", spare, 28)
        + sizes
        + struct.pack("<4sI", b"fmt ", 16)
        + form_chunk
        + struct.pack("<4sI", b"data", data_size)
    )
