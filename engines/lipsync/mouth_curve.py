"""From phonemes to how far this speaker's mouth opens, how wide and how far forward it is, and how the lower lip lies.

Order: viseme targets -> dominance curves (Cohen & Massaro 1993: each sound pulls the lips towards its target, the pull
fades with time, neighbours overlap) -> the speaker's own ranges -> hard constraints last, so that nothing smooths a
closure away (Edwards et al. 2016, JALI: bilabials close, labiodentals tuck, sibilants keep the jaw up).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dub.script import PhonemeSpan
from dub.timecode import MASTER_RATE_HZ
from lang.phonemes import VOWELS, Viseme, visemes

Floats = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]

LEAD_S = 0.02
"""Lips are ahead of the sound: talking faces lead their phoneme labels by 40 to 120 ms, of which the tables' own ramps
and holds give the most. Of five dubs `polydub score` hears shifts of 35 to 48 ms with 60 ms here, of 27 to 39 with 40,
and of 15 to 29 with 20, which also fits their sound best; the clips themselves have -5 to 41 (measured)."""


@dataclass(frozen=True)
class LipTarget:
    """What a viseme asks for, each 0..1 of the speaker's own range. `pull`: how much it insists against neighbours;
    a tongue sound hardly does. `lip`: lower lip's visible height, 0.5 = as it comes. `forward`: lips pushed out."""

    aperture: float
    width: float
    lip: float = 0.5
    pull: float = 0.85
    forward: float = 0.0


TARGETS: dict[Viseme, LipTarget] = {
    Viseme.SILENCE: LipTarget(0.0, 0.50),
    Viseme.BILABIAL: LipTarget(0.0, 0.45, lip=0.35),
    Viseme.BILABIAL_NARROW: LipTarget(0.08, 0.45, lip=0.45),
    Viseme.LABIODENTAL: LipTarget(0.12, 0.50, lip=0.0),
    Viseme.DENTAL: LipTarget(0.22, 0.50, pull=0.6),
    Viseme.ALVEOLAR: LipTarget(0.25, 0.55, pull=0.35),
    Viseme.NASAL: LipTarget(0.25, 0.55, pull=0.3),
    Viseme.VELAR: LipTarget(0.30, 0.50, pull=0.25),
    Viseme.SIBILANT: LipTarget(0.14, 0.65, pull=0.75),
    Viseme.POSTALVEOLAR: LipTarget(0.22, 0.20, lip=0.8, forward=0.8),
    Viseme.RHOTIC: LipTarget(0.25, 0.40, lip=0.6, pull=0.5, forward=0.4),
    Viseme.OPEN: LipTarget(0.95, 0.50, pull=1.0),
    Viseme.MID: LipTarget(0.55, 0.68, pull=1.0),
    Viseme.SPREAD: LipTarget(0.28, 0.90, pull=1.0),
    Viseme.MID_ROUNDED: LipTarget(0.60, 0.20, lip=0.7, pull=1.0, forward=0.7),
    Viseme.CLOSE_ROUNDED: LipTarget(0.20, 0.04, lip=0.9, pull=1.0, forward=1.0),
    Viseme.ROUNDED_FRONT: LipTarget(0.22, 0.10, lip=0.85, pull=1.0, forward=0.9),
}
"""After lipsync targets in common use for the Oculus classes and the JALI rules (bilabial, labiodental, sibilant)."""

VOWEL_FADE_PER_S = 13.0
CONSONANT_FADE_PER_S = 17.0
"""How fast a sound's pull fades. Steeper than Cohen and Massaro's: at conversational rates theirs keeps the mouth half
open, and second differences of the aperture fall under real talking's 0.016 to 0.034."""
USUAL_SOUND_S = 0.09
DIPHTHONG_SPLIT = 0.55
LEAST_OPEN = 0.5
"""A sound that wants the mouth open gets at least this share of it, however wide its neighbours are."""
SAME_MOVEMENT_S = 0.05
"""Equal neighbours with a shorter gap are one movement."""
ROUNDING_FADE = 0.4
"""How much slower the lips' part of a fully rounded sound fades: some 0.15 s of rounding before and after (JALI)."""
UNROUNDED = 0.4
"""Where unrounded lips stand among the speaker's own frames, from drawn back to pushed forward."""
AROUND_S = 6.0
"""What a sound's opening is measured against: the speech so far before and after it, nearer speech counting more. Not
the whole title's, or one changed line would change every frame."""
USUAL_WANTED, USUAL_WANTED_SD, USUAL_WEIGHT_S = 0.45, 0.16, 1.0
"""Opening asked for in speech, 0..1: mean and spread over 15 languages (means 0.35 to 0.53, spreads 0.13 to 0.21,
measured on Article 1 as espeak-ng says it). Counts as one second of speech, so that a lone word is not blown up."""
SHORTEST_SILENCE_S = 0.27
"""Shorter gaps inside speech are no silence: the lips go on to the next sound."""

CLOSE_BEFORE_S, CLOSE_AFTER_S = 0.025, 0.050
"""A bilabial's lips are shut from before its onset is heard to shortly after, at least two frames at 25 fps."""
CLOSING_S = 0.065
"""From speaking to shut, and back."""
LARGEST_STEP_PER_S = 3.0
"""IOD per second: 0.12 per frame at 25 fps, the fastest lips seen outside closures."""


@dataclass(frozen=True)
class SpeakerRange:
    """How this speaker's mouth moves while talking, in IOD: mean and standard deviation over speech frames, ends (2nd
    and 98th percentile), and the mouth at rest."""

    aperture_mean: float
    aperture_sd: float
    aperture_high: float
    width_low: float
    width_mid: float
    width_high: float
    width_rest: float
    lip_low: float
    lip_mid: float
    lip_high: float


@dataclass(frozen=True)
class MouthCurve:
    """float32 (n_frames,) each: inner-lip aperture (0 = shut), mouth width and height of the lower lip in IOD;
    `forward` 0..1, how far the lips are pushed out: the share of the speaker's own frames that push them out less."""

    aperture: Floats
    width: Floats
    lip: Floats
    forward: Floats


@dataclass(frozen=True)
class _Sound:
    """`last_onset_s`: where the last of several equal neighbours begins that were made one."""

    viseme: Viseme
    start_s: float
    end_s: float
    last_onset_s: float

    @property
    def centre_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def mouth_curve(
    phonemes: Sequence[PhonemeSpan], frame_rate: Fraction, n_frames: int, speaker: SpeakerRange
) -> MouthCurve:
    """The speaker's mouth saying `phonemes` (48 kHz samples from frame 0's time, in order). Frame i is judged at its
    middle, (i + 0.5) / rate. Without phonemes the mouth is shut and at rest throughout."""
    frame_s = 1 / float(frame_rate)
    times = (np.arange(n_frames) + 0.5) * frame_s
    sounds = _with_silences(_merged(_sounds(phonemes)), n_frames * frame_s)
    wanted, silence = _dominance(sounds, times + LEAD_S)
    aperture = _as_spoken_by(speaker, wanted[0], silence, frame_s)
    aperture = _limit_speed(aperture, LARGEST_STEP_PER_S * frame_s)
    width = np.interp(wanted[1], [0.0, 0.5, 1.0], [speaker.width_low, speaker.width_mid, speaker.width_high])
    lip = np.interp(wanted[2], [0.0, 0.5, 1.0], [speaker.lip_low, speaker.lip_mid, speaker.lip_high])
    width += silence * (speaker.width_rest - width)
    for sound in sounds:
        if sound.viseme is Viseme.BILABIAL:
            hold = (sound.start_s - CLOSE_BEFORE_S, min(sound.end_s, sound.last_onset_s + CLOSE_AFTER_S))
            near, shut = _hold(times, max(hold[0], 0.0), max(hold[1], hold[0] + 2 * frame_s), frame_s)
            aperture[near] *= 1 - shut
        elif sound.viseme is Viseme.LABIODENTAL:
            near, tucked = _hold(times, sound.start_s - CLOSE_BEFORE_S, sound.end_s - 0.02, frame_s)
            aperture[near] += tucked * (np.minimum(aperture[near], 0.12 * speaker.aperture_high) - aperture[near])
            lip[near] += tucked * (speaker.lip_low - lip[near])
        elif sound.viseme in (Viseme.SIBILANT, Viseme.POSTALVEOLAR):
            near, kept_up = _hold(times, sound.start_s - 0.02, sound.end_s - 0.02, frame_s)
            aperture[near] += kept_up * (np.minimum(aperture[near], 0.35 * speaker.aperture_high) - aperture[near])
        elif sound.viseme is Viseme.SILENCE:
            near, shut = _hold(times, sound.start_s + 0.04, sound.end_s - 0.10, frame_s)
            aperture[near] *= 1 - shut
    forward = UNROUNDED + (1 - UNROUNDED) * wanted[3]
    return MouthCurve(*(values.astype(np.float32) for values in (aperture, width, lip, forward)))


def _sounds(phonemes: Sequence[PhonemeSpan]) -> list[_Sound]:
    """One or two sounds per phoneme; marks and blanks give none."""
    sounds = []
    for phoneme in phonemes:
        start_s, end_s = phoneme.start_sample / MASTER_RATE_HZ, phoneme.end_sample / MASTER_RATE_HZ
        shapes = visemes(phoneme.ipa)
        shares = [0.0, DIPHTHONG_SPLIT, 1.0] if len(shapes) == 2 else np.linspace(0, 1, len(shapes) + 1)
        edges = [start_s + float(share) * (end_s - start_s) for share in shares]
        sounds += [
            _Sound(shape, start, end, start) for shape, start, end in zip(shapes, edges[:-1], edges[1:], strict=True)
        ]
    return sounds


def _merged(sounds: list[_Sound]) -> list[_Sound]:
    """Equal neighbours are one movement, within words and across them: `pop man` shuts the lips once (JALI)."""
    merged: list[_Sound] = []
    for sound in sounds:
        last = merged[-1] if merged else None
        if last and last.viseme is sound.viseme and sound.start_s - last.end_s < SAME_MOVEMENT_S:
            merged[-1] = _Sound(sound.viseme, last.start_s, max(last.end_s, sound.end_s), sound.start_s)
        else:
            merged.append(sound)
    return merged


def _with_silences(sounds: list[_Sound], duration_s: float) -> list[_Sound]:
    """Fill what lies before, between and after the sounds; gaps under SHORTEST_SILENCE_S stay unfilled."""
    filled: list[_Sound] = []
    ended_s = 0.0
    for sound in sounds:
        if sound.start_s - ended_s >= SHORTEST_SILENCE_S:
            filled.append(_Sound(Viseme.SILENCE, ended_s, sound.start_s, ended_s))
        filled.append(sound)
        ended_s = max(ended_s, sound.end_s)
    if duration_s - ended_s >= SHORTEST_SILENCE_S or not filled:
        filled.append(_Sound(Viseme.SILENCE, ended_s, duration_s, ended_s))
    return filled


def _dominance(sounds: list[_Sound], times_s: Curve) -> tuple[Curve, Curve]:
    """Weighted mean of the targets: (4, n_frames) for aperture, width, lip and forward in 0..1; and silence's share in
    the jaw's pull, 0..1 (n_frames,).

    Width and forwardness have pulls of their own: a rounded sound's lips are on their way long before it. Sound by
    sound over the frames it can reach, so that an hour costs an hour's arithmetic and no more memory than its frames.
    """
    total = np.full((4, len(times_s)), 1e-6)
    rest = TARGETS[Viseme.SILENCE]
    sums = 1e-6 * np.repeat([[rest.aperture], [rest.width], [rest.lip], [rest.forward]], len(times_s), axis=1)
    silence = np.zeros(len(times_s))
    for sound in sounds:
        reach = slice(*np.searchsorted(times_s, [sound.start_s - 0.8, sound.end_s + 0.8]))
        target = TARGETS[sound.viseme]
        jaw, lips = _pull(sound, times_s[reach]), _pull(sound, times_s[reach], ROUNDING_FADE * target.forward)
        pulls = np.stack([jaw, lips, jaw, lips])
        total[:, reach] += pulls
        sums[:, reach] += pulls * np.array([[target.aperture], [target.width], [target.lip], [target.forward]])
        if sound.viseme is Viseme.SILENCE:
            silence[reach] += jaw
    return sums / total, silence / total[0]


def _pull(sound: _Sound, times_s: Curve, slower: float = 0.0) -> Curve:
    """pull * exp(-fade * distance), the fade `slower` by a share 0..1. A silence pulls evenly over its whole length; a
    short sound fades faster."""
    target = TARGETS[sound.viseme]
    if sound.viseme is Viseme.SILENCE:
        away_s = np.maximum(0.0, np.maximum(sound.start_s + 0.05 - times_s, times_s - sound.end_s + 0.05))
        return target.pull * np.exp(-CONSONANT_FADE_PER_S * away_s)
    duration_s = max(sound.end_s - sound.start_s, 0.02)
    base = VOWEL_FADE_PER_S if sound.viseme in VOWELS else CONSONANT_FADE_PER_S
    fade = base * min(1.6, max(0.6, (USUAL_SOUND_S / duration_s) ** 0.5)) * (1 - slower)
    weight = target.pull * min(1.0, max(0.35, duration_s / USUAL_SOUND_S))
    return weight * np.exp(-fade * np.abs(times_s - sound.centre_s))


def _as_spoken_by(speaker: SpeakerRange, wanted: Curve, silence: Curve, frame_s: float) -> Curve:
    """Aperture in IOD with the mean and spread that this speaker's own talking has; fades to 0 in silence."""
    mean, sd = _speech_around(wanted, silence < 0.3, frame_s)
    gain = speaker.aperture_sd / np.maximum(sd, 0.05)
    spoken = speaker.aperture_mean + (wanted - mean) * gain
    spoken = np.maximum(spoken, LEAST_OPEN * wanted * speaker.aperture_high)
    return np.clip(spoken, 0.0, speaker.aperture_high) * (1 - np.clip(silence, 0, 1))


def _speech_around(wanted: Curve, is_speech: npt.NDArray[np.bool_], frame_s: float) -> tuple[Curve, Curve]:
    """Mean and standard deviation (n_frames,) of what is wanted in the speech around each frame."""
    reach = round(AROUND_S / frame_s)
    bell = 0.5 + 0.5 * np.cos(np.pi * np.arange(-reach, reach + 1) / (reach + 1))
    usual_weight = USUAL_WEIGHT_S / frame_s

    def around(values: Curve) -> Curve:
        return np.convolve(values, bell)[reach : reach + len(values)]

    weight = around(is_speech.astype(float)) + usual_weight
    mean = (around(wanted * is_speech) + usual_weight * USUAL_WANTED) / weight
    square = (around(wanted**2 * is_speech) + usual_weight * (USUAL_WANTED**2 + USUAL_WANTED_SD**2)) / weight
    return mean, np.sqrt(np.maximum(0.0, square - mean**2))


def _hold(times_s: Curve, start_s: float, end_s: float, frame_s: float) -> tuple[slice, Curve]:
    """Where a hold is felt, and how much there: 1 from start to end, smooth ramps of CLOSING_S outside; nowhere where
    end <= start. A hold that falls between two frames' middles takes the nearest frame, so that no closure is lost to
    sampling."""
    if end_s <= start_s:
        return slice(0, 0), np.zeros(0)
    around_s = CLOSING_S + frame_s
    near = slice(*(int(at) for at in np.searchsorted(times_s, [start_s - around_s, end_s + around_s])))
    away_s = np.maximum(0.0, np.maximum(start_s - times_s[near], times_s[near] - end_s))
    if len(away_s) and (nearest := float(away_s.min())) < frame_s:
        away_s = np.maximum(0.0, away_s - nearest)
    ramp = np.clip(1 - away_s / CLOSING_S, 0.0, 1.0)
    return near, ramp * ramp * (3 - 2 * ramp)


def _limit_speed(curve: Curve, step: float) -> Curve:
    """Bound the change per frame to `step`, forwards then backwards, lowering peaks rather than filling valleys."""
    limited = curve.copy()
    for i in range(1, len(limited)):
        limited[i] = min(limited[i], limited[i - 1] + step)
    for i in range(len(limited) - 2, -1, -1):
        limited[i] = min(limited[i], limited[i + 1] + step)
    return limited
