"""Checks of the sound track: is it as loud as asked, unclipped, in step with the picture, in the speaker's voice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.finding import Finding, Level
from dub.gates import Gates, not_measured

Samples = npt.NDArray[np.float32]

MAX_OFFSET_S = 1.0
FOUND_CORRELATION = 0.1
"""A dialogue over a loud bed still correlates by 0.3 and more; another recording stays under 0.05."""


@dataclass(frozen=True)
class SpeakerMatch:
    """How like the source's speaker the dub's lines sound, by one encoder. `is_unseen`: the encoder took no part in
    fitting the voice. `same_speaker`: what it says of two pieces of the source's own speech, None where that is too
    short to be halved. `when_cast`: what it said of the voice when that was made, None where it was not asked."""

    speaker: str
    encoder: str
    similarity: float
    threshold: float
    is_unseen: bool
    same_speaker: float | None = None
    when_cast: float | None = None


def sound_offset_s(found: Samples, expected: Samples, rate_hz: int) -> tuple[float, float]:
    """(seconds by which `found` comes after `expected`, normalised correlation there 0..1), searched over +-1 s.

    Both mono float32. The correlation is of the samples themselves, so a bed under the speech only lowers it.
    """
    n = max(len(found), len(expected))
    if not n or not np.any(found) or not np.any(expected):
        return 0.0, 0.0
    reach = int(MAX_OFFSET_S * rate_hz)
    size = 1 << (n + reach).bit_length()
    product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(expected, size))
    correlation = np.fft.irfft(product, size)
    lags = np.concatenate([correlation[-reach:], correlation[: reach + 1]])
    best = int(np.argmax(lags))
    norm = float(np.linalg.norm(found) * np.linalg.norm(expected))
    return (best - reach) / rate_hz, float(lags[best]) / norm


def check_level(target_lufs: float, measured_lufs: float, true_peak_db: float, gates: Gates) -> tuple[Finding, ...]:
    """Programme loudness (EBU R 128) and true peak of the finished file, as measured on it."""
    return (
        gates.finding(
            "loudness_error",
            abs(measured_lufs - target_lufs) if np.isfinite(measured_lufs) else float("nan"),
            f"The dub is at {measured_lufs:.1f} LUFS; {target_lufs:.0f} was asked for.",
            todo="Players will sound louder or quieter than their neighbours: mix again.",
        ),
        gates.finding(
            "true_peak",
            true_peak_db,
            f"The sound peaks at {true_peak_db:.1f} dBTP.",
            todo="It may distort on phones and after compression: lower the peaks.",
        ),
    )


def check_length(
    n_frames: int, n_source_frames: int, sound_s: float, picture_s: float, frame_s: float, gates: Gates
) -> tuple[Finding, ...]:
    """Frames of the dub against the source's, and the sound's length against the picture's."""
    frames_off = abs(n_frames - n_source_frames)
    sound_off = abs(sound_s - picture_s) / frame_s
    return (
        gates.finding(
            "duration_error",
            float(frames_off),
            f"The dub has {n_frames} frames, the source {n_source_frames}.",
            todo="Subtitles and cuts no longer match: this must not be published.",
        ),
        gates.finding(
            "duration_error",
            sound_off,
            f"The sound lasts {sound_s:.3f} s, the picture {picture_s:.3f} s.",
            todo="Sound and picture must end together: remux.",
        ),
    )


def check_offset(offset_s: float, correlation: float, gates: Gates) -> Finding:
    """Does the dub's speech sound where the timeline placed it, and so where the mouth moves?"""
    if correlation < FOUND_CORRELATION:
        return Finding(
            level=Level.FAILED,
            check="sound_late",
            message="The dub's speech was not found on its default sound track. Listen to the file; remux it.",
            value=None,
        )
    offset_ms = 1000 * offset_s
    check = "sound_late" if offset_ms >= 0 else "sound_early"
    said = f"{abs(offset_ms):.0f} ms {'after' if offset_ms >= 0 else 'before'}"
    return gates.finding(
        check,
        abs(offset_ms),
        f"The speech sounds {said} the mouth was moved for it."
        if round(offset_ms)
        else "Sound and picture are in step.",
        todo="Lips and voice are visibly apart: remux.",
    )


def check_voice(matches: tuple[SpeakerMatch, ...], not_cloned: tuple[str, ...]) -> tuple[Finding, ...]:
    """Is it the speaker's own voice? The judge is an encoder that the fit never saw, where the plan names one; the
    other's number stands beside it. `not_cloned`: speakers whose profile says that the fit missed its threshold."""
    if not matches:
        return (not_measured("speaker_similarity", "too little speech to tell a voice by", matters=True),)
    judges = [match for match in matches if match.is_unseen] or list(matches)
    findings = []
    for match in judges:
        others = [other for other in matches if other.speaker == match.speaker and other is not match]
        beside = "".join(
            f"; {other.similarity:.2f} by {other.encoder}, which fitted it (limit {other.threshold:.2f})"
            for other in others
        )
        own = "" if match.same_speaker is None else f"; two pieces of their own speech {match.same_speaker:.2f}"
        said = (
            f"The voice is like {match.speaker}'s by {match.similarity:.2f} as {match.encoder} hears it"
            f"{', which the fit never did' if match.is_unseen else ''} (limit {match.threshold:.2f}{own}){beside}."
        )
        if not match.is_unseen:
            said += " The same encoder fitted the voice, so this number flatters it."
        todo = ""
        if match.similarity < match.threshold:
            todo = " Do not call it cloned: it is a voice chosen to be near. Another voice engine may do better."
        elif match.speaker in not_cloned:
            todo = " Fitting it missed its limit, so do not call it cloned. Another voice engine may do better."
        findings.append(
            Finding(
                level=Level.DEGRADED if todo else Level.OK,
                check="speaker_similarity",
                message=said + todo,
                value=match.similarity,
                limit=match.threshold,
                unit="cosine",
            )
        )
    return tuple(findings)


def check_as_cast(matches: tuple[SpeakerMatch, ...], gates: Gates) -> tuple[Finding, ...]:
    """Is it still the voice that was cast for the speaker? Another that is not unlike them passes for theirs, but it is
    less like them than the one that was made for them."""
    return tuple(
        gates.finding(
            "voice_as_cast",
            match.when_cast - match.similarity,
            f"The lines are like {match.speaker} by {match.similarity:.2f} as {match.encoder} hears them; the voice "
            f"that was made for them was by {match.when_cast:.2f}.",
            todo="Another voice may have been taken: listen, and speak the lines again.",
        )
        for match in matches
        if match.when_cast is not None
    )
