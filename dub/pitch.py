"""Pitch of speech over time, and how a line ends: rising like a question or falling like a statement.

YIN: A. de Cheveigné, H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 111(4), 2002.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LOWEST_HZ, HIGHEST_HZ = 65.0, 450.0
"""Men's to children's voices; what is found beyond is an octave error."""
HOP_S = 0.01
RISE_WINDOW_S = 0.25
"""A final rise or fall takes about one syllable."""
LEAST_RISE_ST = 1.0
"""What is called rising: a straight line that gains a semitone over the window, well over the just noticeable."""

_WINDOW_S = 2 / LOWEST_HZ
_UNVOICED = 0.3
"""YIN's aperiodicity from which a frame has no pitch."""
_QUIET_DB = -35.0
_LARGEST_LEAP_ST = 7.0
_LEAST_FRAMES = 5

Curve = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]


def pitch_hz(samples: Samples, rate_hz: int) -> Curve:
    """F0 in Hz every 10 ms, float64 (n_frames,); 0 where there is none: unvoiced, or 35 dB under the loudest.

    `samples`: mono float32 (n,) at any rate; frame i is centred at i * 10 ms.
    """
    step = max(1, rate_hz // 12_000)
    sound = _thinned(np.asarray(samples, np.float64), step)
    rate = rate_hz / step
    shortest, longest = int(rate / HIGHEST_HZ), int(np.ceil(rate / LOWEST_HZ))
    window = int(_WINDOW_S * rate)
    n_frames = int(len(samples) / rate_hz / HOP_S)
    reach = window + longest
    padded = np.pad(sound, (reach // 2, reach))
    found = np.zeros(n_frames)
    power = np.zeros(n_frames)
    for frame in range(n_frames):
        start = round(frame * HOP_S * rate)
        piece = padded[start : start + reach]
        power[frame] = float((piece**2).mean())
        found[frame] = _frame_hz(piece, window, shortest, longest, rate)
    loud = power > power.max(initial=0.0) * 10 ** (_QUIET_DB / 10)
    return np.where(loud, found, 0.0)


def final_rise_st(samples: Samples, rate_hz: int) -> float | None:
    """Semitones by which the pitch rises (falls, where negative) over the last quarter of a second in which the voice
    sounds, by a straight line through it. None where too little of the end is voiced: a whisper, a creak.

    `samples`: mono float32 (n,); its last second is looked at.
    """
    return final_rise_of(pitch_hz(samples[-rate_hz:], rate_hz))


def final_rise_of(f0_hz: Curve) -> float | None:
    """As `final_rise_st`, of a pitch curve."""
    voiced = np.flatnonzero(f0_hz > 0)
    if len(voiced) < _LEAST_FRAMES:
        return None
    last = voiced[voiced > voiced[-1] - RISE_WINDOW_S / HOP_S]
    if len(last) < _LEAST_FRAMES:
        return None
    semitones = 12 * np.log2(f0_hz[last])
    near = np.abs(semitones - np.median(semitones)) <= _LARGEST_LEAP_ST  # an octave error is no melody
    if near.sum() < _LEAST_FRAMES:
        return None
    slope = np.polyfit(last[near] * HOP_S, semitones[near], 1)[0]
    return float(slope * RISE_WINDOW_S)


def _thinned(sound: Curve, step: int) -> Curve:
    """Every `step`-th sample of a running mean: enough of a low-pass for a pitch under 450 Hz."""
    if step == 1:
        return sound
    n = len(sound) // step * step
    return np.asarray(sound[:n].reshape(-1, step).mean(axis=1))


def _frame_hz(piece: Curve, window: int, shortest: int, longest: int, rate_hz: float) -> float:
    """YIN on one frame: the first lag whose mean-normalised difference dips under the threshold, 0 for none."""
    head = piece[:window]
    energy = np.concatenate([[0.0], np.cumsum(piece**2)])
    lags = np.arange(longest + 1)
    if energy[window] <= 1e-10 * window:
        return 0.0
    size = 1 << (len(piece) + window).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(piece, size) * np.conj(np.fft.rfft(head, size)), size)[: longest + 1]
    difference = energy[window] + (energy[lags + window] - energy[lags]) - 2 * crossed
    normalised = np.ones(longest + 1)
    normalised[1:] = difference[1:] * lags[1:] / np.maximum(np.cumsum(difference[1:]), 1e-12)
    under = np.flatnonzero(normalised[shortest:longest] < _UNVOICED)
    if not under.size:
        return 0.0
    lag = int(under[0]) + shortest
    while lag + 1 < longest and normalised[lag + 1] < normalised[lag]:
        lag += 1
    before, here, after = normalised[lag - 1 : lag + 2]
    bend = before - 2 * here + after
    return rate_hz / (lag + (0.5 * (before - after) / bend if bend > 0 else 0.0))
