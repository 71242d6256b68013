"""From sound alone to how far this speaker's mouth opens: for a dub whose phonemes nobody knows.

A ridge regression, fitted to the speaker's own voice and lips in the source, from the sound around a frame to the
mouth's aperture and width. It follows loudness and vowels; whether a /p/ or a /t/ is said it cannot tell, so no
closure is certain. Held out in five contiguous parts, the aperture that it finds correlates with the tracked one by
0.32 to 0.49 on four real clips of 5 to 19 s of speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput
from dub.mfcc import N_MELS, mfcc
from dub.speech_activity import levels_db, speech_islands
from dub.timecode import MASTER_RATE_HZ
from dub.wav import open_wav
from engines.face.contract import TrackedFaces, shot_numbers
from engines.lipsync import frame_choice as choice
from engines.lipsync.contract import Scene, SpokenSpan
from engines.lipsync.mouth_curve import SHORTEST_SILENCE_S, MouthCurve, SpeakerRange

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

N_CEPSTRA = 10
"""Loudness and the spectrum's envelope. Learned from one of the four clips and tried on another speaker's, ten
correlate best (0.31 in the mean; 13: 0.27, 20: 0.29; without loudness 0.20): higher ones tell of pitch and person."""
AROUND_S = (-0.16, -0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12, 0.16)
"""Where around a frame's middle the sound is looked at."""
CEPSTRA_PER_S = 100
LOUD_DB = -30.0
"""Against the loudest frames: what is louder tells what the voice is like."""
RIDGE = 1.0
"""Best of 0.3, 1, 3, 10 and 30 on four clips, held out; inputs are standardised."""
N_FOLDS = 5
GAP_FRAMES = 5
"""Left out around a held-out part: their sound reaches into it."""
LEAST_SPEECH_S = 4.0
LEAST_CORRELATION = 0.2
MOST_SPEECH_S = 300.0
"""More does not change the fit, and costs memory."""
MOST_UNUSUAL = 3.0
"""Standard deviations: digital silence is further from any speech than a line through speech reaches."""
MOST_GAIN = 1.6
"""A regression moves the lips too little (0.5 to 0.8 of the speaker's own spread here); more than this would blow up
what is noise."""
SMOOTHED_FRAMES = 7
"""Savitzky-Golay, second order: at 25 fps it takes jitter and leaves syllables."""
CLOSING_FRAMES = 3


@dataclass(frozen=True)
class SoundToMouth:
    """What one speaker's lips do at which sound. `weights` (n_inputs, 2): aperture and width in IOD from inputs
    standardised by `mean` and `sd`; `usual` (2,): both without any sound known. `correlation`: Pearson's, of held-out
    aperture with the tracked one; `speech_s`: what it was learned from."""

    weights: Floats
    mean: Floats
    sd: Floats
    usual: Floats
    correlation: float
    speech_s: float

    def mouth(self, inputs: Floats) -> Floats:
        """(n, 2): aperture and width for inputs (n, n_inputs)."""
        standard = np.clip((inputs - self.mean) / self.sd, -MOST_UNUSUAL, MOST_UNUSUAL)
        return np.asarray(self.usual + standard @ self.weights)


def learn(scene: Scene, faces: TrackedFaces, k: int) -> SoundToMouth:
    """Face `k`'s regression, from the source's lines that it says. Raises BadInput where too little is said to learn
    it, or where what was learned does not foretell the parts held out."""
    face, rate = faces.faces[k], scene.facts.frame_rate
    said = [span for span in scene.said if k in {run.face for run in span.shown}]
    sound, _ = open_wav(scene.dialogue)
    inputs = sound_around(sound[0], said, rate, faces.n_frames)
    is_known = choice.speech_of(k, scene.said, shot_numbers(faces), rate) & face.is_found & np.isfinite(inputs[:, 0])
    known = np.flatnonzero(is_known)[: int(MOST_SPEECH_S * rate)]
    seconds = len(known) / float(rate)
    if seconds < LEAST_SPEECH_S:
        raise BadInput(
            f"the video shows {seconds:.1f} s of its speaker's talking face; to learn from it how the lips follow the "
            f"voice, {LEAST_SPEECH_S:.0f} s are needed",
            mend="say what the dub says: --text FILE, so that its phonemes move the lips",
        )
    mouth = np.stack([face.aperture[known], face.mouth_width[known]], axis=1).astype(np.float64)
    correlation = _held_out(inputs[known], mouth)
    if not correlation >= LEAST_CORRELATION:
        raise BadInput(
            f"in the video the lips do not follow the voice (correlation {correlation:.2f} of held-out speech, "
            f"{LEAST_CORRELATION} is needed)",
            mend="say what the dub says: --text FILE, so that its phonemes move the lips; and check that picture and "
            "sound of the video belong together",
        )
    return _fitted(inputs[known], mouth, correlation, seconds)


def with_sound(
    curve: MouthCurve,
    scene: Scene,
    faces: TrackedFaces,
    k: int,
    spoken: Sequence[SpokenSpan],
    dialogue: Path,
    speaker: SpeakerRange,
) -> MouthCurve:
    """The curve of face `k` with the spans of the dub that have no phonemes moved by their sound; where that cannot be
    learned they stay shut."""
    untold = [span for span in spoken if not span.phonemes and k in {run.face for run in span.shown}]
    if not untold:
        return curve
    try:
        learned, rate = learn(scene, faces, k), scene.facts.frame_rate
    except BadInput:
        return curve
    sound, _ = open_wav(dialogue)
    inputs = sound_around(sound[0], untold, rate, faces.n_frames)
    frames = np.flatnonzero(np.isfinite(inputs[:, 0]))
    if not len(frames):
        return curve
    opened = _sounding(sound[0], untold, rate, faces.n_frames)[frames]
    aperture, width = as_spoken_by(speaker, learned.mouth(inputs[frames]), opened > 0.5).T
    moved = replace(curve, aperture=curve.aperture.copy(), width=curve.width.copy(), lip=curve.lip.copy())
    moved.aperture[frames] = aperture * opened
    moved.width[frames] = speaker.width_rest + opened * (width - speaker.width_rest)
    moved.lip[frames] = speaker.lip_mid
    return moved


def sound_around(sound: npt.NDArray[np.float32], spans: Sequence[SpokenSpan], rate: Fraction, n_frames: int) -> Floats:
    """(n_frames, n_inputs): the cepstra around the middle of every frame in which a span sounds, each without the mean
    and spread of the spans together (so that another voice's colour does not count); NaN elsewhere.

    `sound`: float32 (n,) at 48 kHz.
    """
    n_inputs = N_CEPSTRA * len(AROUND_S)
    inputs = np.full((n_frames, n_inputs), np.nan)
    reach = max(AROUND_S)
    pieces = []
    for span in spans:
        first = max(0, span.start_sample - round(2 * reach * MASTER_RATE_HZ))
        piece = np.asarray(sound[first : span.end_sample + round(2 * reach * MASTER_RATE_HZ)])
        if len(piece) >= MASTER_RATE_HZ // 50:
            values = mfcc(piece, MASTER_RATE_HZ, CEPSTRA_PER_S, N_CEPSTRA).astype(np.float64)
            pieces.append((span, first / MASTER_RATE_HZ, values, _is_loud(values[:, 0])))
    if not pieces:
        return inputs
    loud = np.concatenate([values[is_loud] for _, _, values, is_loud in pieces])
    mean, sd = loud.mean(axis=0), loud.std(axis=0) + 1e-6
    for span, start_s, values, _ in pieces:
        frames = _frames(span, rate, n_frames, reach)
        times = (np.arange(len(values)) + 0.5) / CEPSTRA_PER_S + start_s
        middles = (frames + 0.5) / float(rate)
        normal = (values - mean) / sd
        inputs[frames] = np.hstack(
            [np.stack([np.interp(middles + off, times, column) for column in normal.T], axis=1) for off in AROUND_S]
        )
    return inputs


def _is_loud(level: Floats) -> Mask:
    """`level` (n,): cepstrum 0, which is the mean of the bands' log power, times the root of their number."""
    return np.asarray(level > np.quantile(level, 0.95) + LOUD_DB / 10 * np.log(10) * np.sqrt(N_MELS))


def as_spoken_by(speaker: SpeakerRange, mouth: Floats, is_speech: Mask) -> Floats:
    """Apertures and widths (n, 2) with the mean and, as far as MOST_GAIN goes, the spread that this speaker's own
    talking has, while there is speech (n,); steadied over a few frames."""
    from scipy.signal import savgol_filter

    if len(mouth) >= SMOOTHED_FRAMES:
        mouth = savgol_filter(mouth, SMOOTHED_FRAMES, 2, axis=0)
    heard = mouth[is_speech] if is_speech.any() else mouth
    middle = heard.mean(axis=0)
    gain = np.array([min(MOST_GAIN, speaker.aperture_sd / max(float(heard[:, 0].std()), 1e-6)), 1.0])
    aimed = np.array([speaker.aperture_mean, middle[1]]) + (mouth - middle) * gain
    low, high = [0.0, speaker.width_low], [speaker.aperture_high, speaker.width_high]
    return np.asarray(np.clip(aimed, low, high))


def _frames(span: SpokenSpan, rate: Fraction, n_frames: int, reach_s: float) -> npt.NDArray[np.int64]:
    """Frames in which the span sounds, and those around it in which the lips open for it and close after it."""
    first = int((span.start_sample / MASTER_RATE_HZ - reach_s) * rate)
    last = int((span.end_sample / MASTER_RATE_HZ + reach_s) * rate)
    return np.arange(max(0, first), min(n_frames, last + 1))


def _sounding(sound: npt.NDArray[np.float32], spans: Sequence[SpokenSpan], rate: Fraction, n_frames: int) -> Floats:
    """0..1 (n_frames,): 1 while there is speech, falling to 0 in pauses longer than SHORTEST_SILENCE_S."""
    speaks = np.zeros(n_frames, bool)
    for span in spans:
        piece = np.asarray(sound[span.start_sample : span.end_sample])
        for island in speech_islands(levels_db([piece], MASTER_RATE_HZ)):
            first, last = (float(at) + span.start_sample / MASTER_RATE_HZ for at in (island.start, island.end))
            speaks[max(0, int(first * rate)) : int(last * rate) + 1] = True
    speaks = choice.bridged(speaks, SHORTEST_SILENCE_S, rate)
    ramp = np.ones(2 * CLOSING_FRAMES - 1) / (2 * CLOSING_FRAMES - 1)
    return np.convolve(np.pad(speaks.astype(float), CLOSING_FRAMES - 1, mode="edge"), ramp, mode="valid")


def _held_out(inputs: Floats, mouth: Floats) -> float:
    """Correlation of the aperture with what the rest of the speech foretells, over five contiguous parts."""
    everywhere = np.arange(len(mouth))
    foretold = np.empty(len(mouth))
    for part in np.array_split(everywhere, N_FOLDS):
        rest = everywhere[(everywhere < part[0] - GAP_FRAMES) | (everywhere > part[-1] + GAP_FRAMES)]
        foretold[part] = _fitted(inputs[rest], mouth[rest], np.nan, np.nan).mouth(inputs[part])[:, 0]
    if min(float(foretold.std()), float(mouth[:, 0].std())) < 1e-9:
        return float("nan")
    return float(np.corrcoef(foretold, mouth[:, 0])[0, 1])


def _fitted(inputs: Floats, mouth: Floats, correlation: float, speech_s: float) -> SoundToMouth:
    mean, sd, usual = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6, mouth.mean(axis=0)
    standard = (inputs - mean) / sd
    gram = standard.T @ standard / len(mouth) + RIDGE * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, standard.T @ (mouth - usual) / len(mouth))
    return SoundToMouth(weights, mean, sd, usual, correlation, speech_s)
