"""Pauses taken out of speech before it is compared with other speech, and put back into the times found in it.

Where a speaker pauses and for how long is theirs alone: two readings of a text agree on their sounds, not on their
silences, and a comparison that has to cross a second of silence loses its way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.speech_activity import levels_db, speech_islands

Floats = npt.NDArray[np.float64]

MARGIN_S = 0.03
"""Sound kept around speech: soft beginnings and ends."""
LEFT_S = 0.08
"""What remains of a pause, so that both readings have one."""


@dataclass(frozen=True)
class Squeezed:
    """`samples` float32 (n,): the speech with short pauses. `pieces` (n_pieces, 2): first and last second, in the
    original, of each stretch of speech; `_at` (n_pieces, 2): where they lie in `samples`."""

    samples: npt.NDArray[np.float32]
    pieces: Floats
    _at: Floats

    def squeezed(self, times_s: Floats) -> Floats:
        """Times in the original, in `samples`: a pause's own fall on what is left of it."""
        return np.interp(times_s, self.pieces.reshape(-1), self._at.reshape(-1))

    def starts(self, times_s: Floats) -> Floats:
        """Times in `samples` at which sounds begin, in the original: what begins in a pause begins with the speech
        after it."""
        piece = np.clip(np.searchsorted(self._at[:, 1], times_s, side="right"), 0, len(self.pieces) - 1)
        return self._in_piece(piece, times_s)

    def ends(self, times_s: Floats) -> Floats:
        """... and end: what ends in a pause ends with the speech before it."""
        piece = np.clip(np.searchsorted(self._at[:, 0], times_s, side="left") - 1, 0, len(self.pieces) - 1)
        return self._in_piece(piece, times_s)

    def _in_piece(self, piece: npt.NDArray[np.int64], times_s: Floats) -> Floats:
        inside = np.clip(times_s, self._at[piece, 0], self._at[piece, 1])
        return np.asarray(self.pieces[piece, 0] + inside - self._at[piece, 0])


def squeeze(samples: npt.NDArray[np.float32], rate_hz: int) -> Squeezed:
    """Speech with pauses of LEFT_S + 2 MARGIN_S at most, beginning and ending with speech. Sound in which no speech is
    told from silence stays whole."""
    islands = speech_islands(levels_db([samples], rate_hz))
    length_s = samples.size / rate_hz
    pieces: list[list[float]] = []
    for island in islands:
        start, end = max(0.0, float(island.start) - MARGIN_S), min(length_s, float(island.end) + MARGIN_S)
        if pieces and start - pieces[-1][1] <= LEFT_S:
            pieces[-1][1] = end
        else:
            pieces.append([start, end])
    kept = np.array(pieces or [[0.0, length_s]])
    edges = np.rint(kept * rate_hz).astype(int)
    silence = np.zeros(round(LEFT_S * rate_hz), np.float32)
    parts: list[npt.NDArray[np.float32]] = []
    at, n = [], 0
    for first, last in edges:
        if parts:
            parts.append(silence)
            n += silence.size
        parts.append(samples[first:last])
        at.append([n / rate_hz, (n + last - first) / rate_hz])
        n += last - first
    return Squeezed(np.concatenate(parts), edges / rate_hz, np.array(at))
