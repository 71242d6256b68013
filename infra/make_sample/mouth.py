"""From phoneme times to face units, frame by frame.

Visemes pull articulators with Cohen-Massaro dominance functions (D = alpha exp(-theta |t - c|), Cohen and
Massaro 1993), the lips lead the sound by LEAD_S, and three rules come last and win: lips meet on every
bilabial, the lower lip tucks under the teeth on every labiodental, the mouth rests closed in pauses.
"""

from dataclasses import dataclass

import numpy as np
from speech import Phone, Reading

LEAD_S = 0.050
BILABIAL, LABIODENTAL = frozenset("pbm"), frozenset("fv")
OPEN_VOWELS = frozenset("aæɑɛʌɔ")
CHANNELS = ("jaw", "wide", "round", "funnel", "upper", "tongue")
# Targets per viseme in the order of CHANNELS; jaw is the jawOpen weight, the rest 0..1.
VISEMES: dict[str, tuple[float, ...]] = {
    "rest": (0.00, 0.10, 0.00, 0.00, 0.00, 0.0),
    "pp": (0.06, 0.05, 0.10, 0.00, 0.00, 0.0),
    "ff": (0.08, 0.15, 0.00, 0.00, 0.30, 0.0),
    "th": (0.12, 0.20, 0.00, 0.00, 0.20, 0.8),
    "dd": (0.09, 0.25, 0.00, 0.05, 0.22, 0.7),
    "kk": (0.14, 0.15, 0.00, 0.05, 0.15, 0.1),
    "ch": (0.08, 0.00, 0.55, 0.45, 0.20, 0.3),
    "ss": (0.05, 0.40, 0.00, 0.05, 0.30, 0.4),
    "rr": (0.14, 0.00, 0.40, 0.30, 0.12, 0.3),
    "aa": (0.56, 0.25, 0.00, 0.10, 0.35, 0.0),
    "ah": (0.38, 0.15, 0.00, 0.10, 0.25, 0.1),
    "eh": (0.40, 0.45, 0.00, 0.00, 0.35, 0.1),
    "ih": (0.20, 0.50, 0.00, 0.00, 0.30, 0.2),
    "ee": (0.16, 0.75, 0.00, 0.00, 0.40, 0.3),
    "oh": (0.42, 0.00, 0.45, 0.50, 0.05, 0.0),
    "oo": (0.16, 0.00, 0.90, 0.40, 0.00, 0.0),
}
IPA = {
    **dict.fromkeys("pbm", "pp"), **dict.fromkeys("fv", "ff"), **dict.fromkeys("θð", "th"),
    **dict.fromkeys("tdnlɾ", "dd"), **dict.fromkeys("kɡgŋh", "kk"), **dict.fromkeys("ʃʒʧʤ", "ch"),
    **dict.fromkeys("sz", "ss"), **dict.fromkeys("ɹrɚɜ", "rr"), **dict.fromkeys("aɑæ", "aa"),
    **dict.fromkeys("ʌɐə", "ah"), **dict.fromkeys("ɛe", "eh"), **dict.fromkeys("ɪ", "ih"),
    **dict.fromkeys("ij", "ee"), **dict.fromkeys("oɔ", "oh"), **dict.fromkeys("uʊw", "oo"),
}  # fmt: skip
VOWELS = frozenset("aɑæʌɐəɛeɪiIoɔuʊɜɚ")
REDUCED = frozenset("ɐəɪɚ")


@dataclass(frozen=True)
class Face:
    """Face-unit weights per frame, (n_frames,) each, and which frames the lips must be shut or tucked in."""

    units: dict[str, np.ndarray]
    shut: np.ndarray
    tucked: np.ndarray


def viseme(phone: Phone) -> str:
    return IPA[phone.ipa[0]]


def _dominance(phones: list[Phone], t: np.ndarray) -> dict[str, np.ndarray]:
    weighted = {c: np.zeros_like(t) for c in CHANNELS}
    total = {c: np.full_like(t, 1e-6) for c in CHANNELS}
    spans = [(viseme(p), p.start_s, p.end_s, p) for p in phones]
    spans += [("rest", a, b, None) for a, b in _rests(phones, float(t[-1]) + 1)]
    for name, start, end, phone in spans:
        vowel = phone is not None and phone.ipa[0] in VOWELS
        length = max(end - start, 0.03)
        alpha = 1.0 if vowel else 0.85
        gain = 1.0
        if vowel:
            gain = {2: 1.12, 1: 1.0, 0: 0.86}[phone.stress] * (0.85 if phone.ipa[0] in REDUCED else 1.0)
        theta = (20.0 if vowel else 24.0) * np.sqrt(0.09 / length)
        away = np.maximum(0, np.maximum(start + 0.25 * length - t, t - (end - 0.25 * length)))
        for k, channel in enumerate(CHANNELS):
            # Tongue consonants hardly move lips; lip consonants hardly move the tongue.
            hold = alpha
            if name in ("dd", "kk", "th") and channel in ("round", "wide", "funnel"):
                hold = 0.12
            if name in ("pp", "ff") and channel in ("round", "wide", "funnel", "tongue"):
                hold = 0.25
            if name == "rest":
                hold = 1.3
            pull = hold * np.exp(-theta * (0.7 if channel in ("round", "funnel") else 1.0) * away)
            weighted[channel] += pull * VISEMES[name][k] * (gain if channel in ("jaw", "upper") else 1.0)
            total[channel] += pull
    return {c: weighted[c] / total[c] for c in CHANNELS}


def _rests(phones: list[Phone], end_s: float) -> list[tuple[float, float]]:
    """Silences of 0.2 s or more."""
    edges = [-1.0] + [x for p in phones for x in (p.start_s, p.end_s)] + [end_s]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(a + 0.03, b - 0.02) for a, b in pairs if b - a >= 0.2]


def _frames_of(phones: list[Phone], which: frozenset[str], fps: int, n: int) -> np.ndarray:
    """At least two frames per phoneme, the first at or just before its (advanced) onset."""
    marked = np.zeros(n, bool)
    for p in phones:
        if p.ipa[0] in which:
            first = int(np.floor((p.start_s - LEAD_S + 0.012) * fps + 0.5))
            last = max(first + 1, int(np.floor((p.end_s - LEAD_S - 0.25 * (p.end_s - p.start_s)) * fps)))
            marked[max(0, first) : last + 1] = True
    return marked


def _soft(marked: np.ndarray, ramp: float) -> np.ndarray:
    """1 on marked frames, `ramp` on their neighbours, 0 elsewhere."""
    near = np.convolve(marked.astype(float), np.ones(3), "same") > 0
    return np.where(marked, 1.0, np.where(near, ramp, 0.0))


def _drift(t: np.ndarray, seed: int, period_s: float) -> np.ndarray:
    """Smooth motion of unit size: five sines with random phases around a period."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.5, 1.6, 5) / period_s
    waves = np.sin(2 * np.pi * rates[:, None] * t + rng.uniform(0, 2 * np.pi, (5, 1))) / np.sqrt(rates[:, None])
    mixed = waves.sum(0)
    return mixed / np.abs(mixed).max()


def speak(reading: Reading, fps: int) -> Face:
    n = round(reading.length_s * fps)
    t = np.arange(n) / fps
    pull = _dominance(reading.phones, t + LEAD_S)
    shut = _frames_of(reading.phones, BILABIAL, fps, n)
    tucked = _frames_of(reading.phones, LABIODENTAL, fps, n) & ~shut
    resting = np.zeros(n, bool)
    for a, b in _rests(reading.phones, reading.length_s + 1):
        resting |= (t >= a + 0.12) & (t <= b - 0.16)
    meet, tuck = _soft(shut, 0.5), _soft(tucked, 0.3)
    jaw = np.minimum(pull["jaw"], 0.62)
    jaw = jaw * (1 - 0.55 * meet) * (1 - 0.45 * tuck)
    calm = _soft(resting, 0.5)
    close = np.maximum(meet, calm)
    jaw = jaw * (1 - 0.8 * calm)
    free = 1 - np.maximum(meet, tuck)
    voiced = np.clip(pull["jaw"] * 6, 0, 1)
    smile = 0.10 + 0.05 * _drift(t, 1, 4.0) + 0.10 * calm
    units = {
        "jawOpen": jaw,
        "mouthClose": jaw * close,
        "mouthPucker": 0.55 * pull["round"] * (1 - 0.4 * tuck),
        "mouthFunnel": 0.55 * pull["funnel"] * free,
        "mouthRollLower": 0.75 * tuck + 0.28 * meet,
        "mouthRollUpper": 0.24 * meet,
        "mouthShrugLower": 0.35 * tuck,
    }
    for side in ("Left", "Right"):
        units[f"mouthStretch{side}"] = 0.35 * pull["wide"] * (1 - 0.5 * meet)
        units[f"mouthSmile{side}"] = smile + 0.16 * pull["wide"]
        units[f"mouthUpperUp{side}"] = 0.55 * pull["upper"] * (1 - meet) + 0.25 * tuck
        units[f"mouthLowerDown{side}"] = 0.42 * pull["upper"] * free * voiced
        units[f"mouthPress{side}"] = 0.35 * meet
        units[f"cheekSquint{side}"] = 0.10 + 0.25 * smile
    units["tongueUp"] = pull["tongue"] * (1 - meet)
    units |= _eyes_and_brows(reading, t)
    return Face({k: np.clip(v, 0, 1) for k, v in units.items()}, shut, tucked)


def _eyes_and_brows(reading: Reading, t: np.ndarray) -> dict[str, np.ndarray]:
    """Blinks near phrase edges and now and then between; brows rise with the strongest stresses."""
    blinks_s = [0.30, 2.36, 4.02, 5.62, 7.62, 9.62, 11.0]
    blink = np.zeros_like(t)
    for at in blinks_s:
        blink = np.maximum(blink, np.interp(t - at, [-0.09, -0.02, 0.03, 0.17], [0, 1, 1, 0]))
    stressed = [p for p in reading.phones if p.stress == 2]
    raised = sum(np.exp(-(((t - p.start_s) / 0.16) ** 2)) for p in stressed[::3])
    lift = 0.22 * np.clip(raised, 0, 1) + 0.07 * (1 + _drift(t, 2, 3.0))
    squint = 0.06 * (1 + _drift(t, 3, 5.0))
    found = {"browInnerUp": lift}
    for side in ("Left", "Right"):
        found[f"browOuterUp{side}"] = 0.8 * lift
        found[f"eyeBlink{side}"] = 0.92 * blink
        found[f"eyeSquint{side}"] = squint
        found[f"eyeWide{side}"] = 0.22 * (1 - blink)
    return found


def head_motion(reading: Reading, fps: int) -> np.ndarray:
    """Yaw, pitch, roll in degrees, (n_frames, 3): slow drift, and a small nod on stresses."""
    t = np.arange(round(reading.length_s * fps)) / fps
    nod = sum(np.exp(-(((t - p.start_s - 0.04) / 0.15) ** 2)) for p in reading.phones if p.stress == 2)
    talking = np.interp(t, [0.2, 0.7, t[-1] - 0.7, t[-1] - 0.1], [0.35, 1, 1, 0.5])
    yaw = 4.2 * _drift(t, 11, 4.2) * talking
    pitch = 1.3 * _drift(t, 12, 3.1) * talking + 1.1 * np.clip(nod, 0, 1.2)
    roll = 1.7 * _drift(t, 13, 4.8) * talking
    return np.stack([yaw, pitch, roll], 1)


def gaze(n: int, motion_deg: np.ndarray, fps: int) -> np.ndarray:
    """Eye (yaw, pitch) in degrees against the head, (n, 2): eyes stay on the lens, with tiny saccades."""
    rng = np.random.default_rng(17)
    jumps = rng.normal(0, 0.9, (n, 2))
    held = np.repeat(np.arange(0, n, max(1, int(0.9 * fps))), int(0.9 * fps))[:n]
    return -0.9 * motion_deg[:, :2] + jumps[held]
