"""The sample's voice: our own text read by a Kokoro voice, with the time of every phoneme and word.

The duration output of the graph counts 600-sample steps at 24 kHz per token, pads included; measured against
forced alignment the labels run 55 ms late, hence LABEL_LAG_S.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

SAMPLE_RATE_HZ = 24_000
MASTER_RATE_HZ = 48_000
STEP_SAMPLES = 600
LABEL_LAG_S = 0.055
VOICE = "af_heart"
SPEED = 0.97
SENTENCES = (
    "Hello, my name is Anna Bloom.",
    "Every Friday, about forty-five people bring homemade bread to our village market.",
    "Please come by for breakfast, and maybe bring a friend.",
)
LEAD_IN_S = 0.48
PAUSE_S = 0.52
TAIL_S = 0.6
SPEECH_LUFS = -20.0
STRESS_MARKS = "ˈˌ"
PUNCTUATION = '.,!?;:—…"()“” '


@dataclass(frozen=True)
class Phone:
    """One phoneme; `stress` is 2 (primary), 1 (secondary) or 0, `word` counts over the whole text."""

    ipa: str
    start_s: float
    end_s: float
    stress: int
    word: int


@dataclass(frozen=True)
class Word:
    text: str
    start_s: float
    end_s: float
    utterance: int


@dataclass(frozen=True)
class Reading:
    """The whole reading: 48 kHz mono voice (float64, n samples) and what is said when."""

    voice: np.ndarray
    phones: list[Phone]
    words: list[Word]
    utterances: list[tuple[str, float, float]]

    @property
    def length_s(self) -> float:
        return len(self.voice) / MASTER_RATE_HZ


def read_aloud(kokoro_folder: Path) -> Reading:
    """Synthesize SENTENCES one after another with PAUSE_S of rest between them."""
    import onnxruntime
    from kokoro_onnx.tokenizer import Tokenizer

    names = (kokoro_folder / "voices.txt").read_text(encoding="utf-8").split()
    packs = np.fromfile(kokoro_folder / "voices.bin", np.float32).reshape(len(names), 510, 256)
    style = packs[names.index(VOICE)]
    graph = onnxruntime.InferenceSession(str(kokoro_folder / "kokoro-v1.0.int8.dur.onnx"))
    tokenizer = Tokenizer()

    pieces: list[np.ndarray] = []
    phones: list[Phone] = []
    words: list[Word] = []
    utterances: list[tuple[str, float, float]] = []
    clock_s = LEAD_IN_S
    for number, sentence in enumerate(SENTENCES):
        ipa = tokenizer.phonemize(sentence, "en-us")
        tokens = tokenizer.tokenize(ipa)
        if len(tokens) != len(ipa):
            raise ValueError(f"a phoneme of {sentence!r} has no token: {ipa}")
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[len(tokens) - 1][None],
            "speed": np.array([SPEED], np.float32),
        }
        audio, steps = (np.asarray(x).ravel() for x in graph.run(["audio", "duration"], feed))
        edges_s = np.concatenate([[0], np.cumsum(steps)]) * STEP_SAMPLES / SAMPLE_RATE_HZ
        loud = np.flatnonzero(np.abs(audio) > 0.01)
        head = max(0, loud[0] - SAMPLE_RATE_HZ // 25)
        tail = min(len(audio), loud[-1] + SAMPLE_RATE_HZ // 12)
        shift_s = clock_s - head / SAMPLE_RATE_HZ - LABEL_LAG_S
        spoken = _phones(ipa, edges_s[1:] + shift_s, first_word=len(words))
        # The graph gives the silence after the last phoneme to it.
        heard_until_s = clock_s + (loud[-1] - head) / SAMPLE_RATE_HZ + 0.03
        spoken[-1] = replace(spoken[-1], end_s=min(spoken[-1].end_s, heard_until_s))
        groups = sorted({p.word for p in spoken})
        if len(groups) != len(sentence.split()):
            raise ValueError(f"words and phoneme groups differ in {sentence!r}: {ipa}")
        for group, text in zip(groups, sentence.split(), strict=True):
            own = [p for p in spoken if p.word == group]
            words.append(Word(text.strip(PUNCTUATION), own[0].start_s, own[-1].end_s, number))
        phones += spoken
        utterances.append((sentence, spoken[0].start_s, spoken[-1].end_s))
        pieces += [np.zeros(round(clock_s * SAMPLE_RATE_HZ) - sum(map(len, pieces))), audio[head:tail]]
        clock_s += (tail - head) / SAMPLE_RATE_HZ + PAUSE_S
    pieces.append(np.zeros(round(TAIL_S * SAMPLE_RATE_HZ)))
    voice = _twice_the_rate(np.concatenate(pieces))
    return Reading(voice * _gain_to(voice, SPEECH_LUFS), phones, words, utterances)


def _phones(ipa: str, edges_s: np.ndarray, first_word: int) -> list[Phone]:
    """Fold stress and length marks (tokens with a duration of their own) into the phoneme they belong to."""
    found: list[Phone] = []
    word, stress, mark_start_s = first_word, 0, None
    for i, symbol in enumerate(ipa):
        start_s, end_s = float(edges_s[i]), float(edges_s[i + 1])
        if symbol in PUNCTUATION:
            if symbol == " ":
                word = (found[-1].word + 1) if found else first_word
        elif symbol in STRESS_MARKS:
            stress, mark_start_s = (2 if symbol == "ˈ" else 1), start_s
        elif symbol == "ː" and found:
            last = found[-1]
            found[-1] = Phone(last.ipa + symbol, last.start_s, end_s, last.stress, last.word)
        else:
            begin_s = start_s if mark_start_s is None else mark_start_s
            found.append(Phone(symbol, begin_s, end_s, stress, word))
            stress, mark_start_s = 0, None
    return found


def _twice_the_rate(audio: np.ndarray) -> np.ndarray:
    """24 kHz to 48 kHz through the spectrum: exact for a band-limited signal, no filter to design."""
    spectrum = np.fft.rfft(audio)
    return np.fft.irfft(np.pad(spectrum, (0, len(audio) - len(spectrum) + 1)), 2 * len(audio)) * 2


def _gain_to(audio: np.ndarray, lufs: float) -> float:
    """Gain that brings ungated-pause speech near `lufs`: RMS over 400 ms blocks within 20 dB of the loudest.

    The same voice in both channels counts 3 dB more than in one; check.py measures the result with ebur128.
    """
    block = MASTER_RATE_HZ * 2 // 5
    power = (audio[: len(audio) // block * block].reshape(-1, block) ** 2).mean(1)
    level_db = 10 * np.log10(power[power > power.max() / 100].mean()) - 0.691 + 3.01
    return float(10 ** ((lufs - level_db) / 20))


def bed(n_samples: int, seed: int = 3) -> np.ndarray:
    """A faint room tone and a very quiet pad of slow chords: (n_samples, 2), about -48 and -40 dB RMS."""
    rng = np.random.default_rng(seed)
    freq = np.fft.rfftfreq(n_samples, 1 / MASTER_RATE_HZ)
    shape = 1 / np.sqrt(np.maximum(freq, 40)) / (1 + (freq / 3000) ** 2)
    noise = [np.fft.irfft(np.fft.rfft(rng.standard_normal(n_samples)) * shape, n_samples) for _ in range(2)]
    room = np.stack([x / x.std() for x in noise], 1) * 10 ** (-54 / 20)
    t = np.arange(n_samples) / MASTER_RATE_HZ
    chords = ((146.8, 220.0, 277.2, 370.0), (123.5, 185.0, 246.9, 293.7), (98.0, 196.0, 246.9, 370.0))
    pad = np.zeros((n_samples, 2))
    chord_s = 4.4
    for k in range(int(t[-1] / chord_s) + 1):
        rise = np.clip((t - k * chord_s + 0.8) / 1.6, 0, 1) * np.clip(((k + 1) * chord_s + 0.8 - t) / 1.6, 0, 1)
        for n, hz in enumerate(chords[k % len(chords)]):
            for harmonic, level in ((1, 1.0), (2, 0.25), (3, 0.08)):
                for side in (0, 1):
                    detune = 1 + (0.0012 if side else -0.0012) * (n % 2 * 2 - 1)
                    tone = np.sin(2 * np.pi * hz * harmonic * detune * t + n + side)
                    pad[:, side] += np.sin(np.pi / 2 * rise) ** 2 * level * tone
    pad *= 10 ** (-43 / 20) / pad.std()
    fade = np.clip(np.minimum(t / 0.7, (t[-1] - t) / 0.9), 0, 1)[:, None]
    return room + pad * fade


def soundtrack(reading: Reading) -> np.ndarray:
    """Voice in the middle over the bed: float64 (n, 2) at 48 kHz."""
    mixed = reading.voice[:, None] + bed(len(reading.voice))
    peak = np.abs(mixed).max()
    if peak > 0.98:
        raise ValueError(f"the mix clips: peak {peak:.2f}; lower SPEECH_LUFS")
    return mixed
