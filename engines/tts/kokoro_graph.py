"""The Kokoro-82M graph: phonemes and a style in; samples and the samples at which every phoneme begins out.

Input `tokens` int64 (1, n + 2), padded with one 0 on each side; `style` float32 (1, 256), row n - 1 of a
voice pack; `speed` float32 (1,). Outputs: 24 kHz audio, and the node "duration": 25 ms frames (600 samples)
per token, both pads included, so that their sum is the audio's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import EngineFailed

RATE_HZ = 24_000
FRAME_SAMPLES = 600
STYLE_ROWS = 510
STYLE_DIM = 256
MAX_PHONEMES = 510

# Token ids of Kokoro-82M's config.json, "vocab".
# fmt: off
VOCABULARY: dict[str, int] = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, "—": 9, "…": 10, '"': 11, "(": 12, ")": 13, "“": 14,
    "”": 15, " ": 16, "\u0303": 17, "ʣ": 18, "ʥ": 19, "ʦ": 20, "ʨ": 21, "ᵝ": 22, "\uab67": 23, "A": 24,
    "I": 25, "O": 31, "Q": 33, "S": 35, "T": 36, "W": 39, "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "c": 45,
    "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52, "k": 53, "l": 54, "m": 55, "n": 56, "o": 57,
    "p": 58, "q": 59, "r": 60, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "x": 66, "y": 67, "z": 68,
    "ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72, "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78, "ɖ": 80, "ð": 81, "ʤ": 82,
    "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90, "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ʝ": 103, "ɯ": 110,
    "ɰ": 111, "ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115, "ø": 116, "ɸ": 118, "θ": 119, "œ": 120, "ɹ": 123,
    "ɾ": 125, "ɻ": 126, "ʁ": 128, "ɽ": 129, "ʂ": 130, "ʃ": 131, "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136,
    "ʌ": 138, "ɣ": 139, "ɤ": 140, "χ": 142, "ʎ": 143, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157, "ː": 158,
    "ʰ": 162, "ʲ": 164, "↓": 169, "→": 171, "↗": 172, "↘": 173, "ᵻ": 177,
}
# fmt: on


@dataclass(frozen=True)
class Rendering:
    """`samples` float32 (n,) at 24 kHz, as the graph gave them; phoneme i of `phonemes` sounds from
    `edges[i]` to `edges[i + 1]` (int64 samples, by the graph's own durations)."""

    samples: npt.NDArray[np.float32]
    phonemes: str
    edges: npt.NDArray[np.int64]


class KokoroGraph:
    """One onnxruntime session of one thread: two calls side by side take a third less CPU than one on two
    threads. Thread-safe, calls run concurrently; the same inputs give the same samples.
    """

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def render(self, phonemes: str, pack: npt.NDArray[np.float32], speed: float) -> Rendering:
        """Say up to 510 phonemes, all in the vocabulary (raises EngineFailed naming the ones that are not).

        `pack`: float32 (510, 256), one style row per length. `speed` 0.5..2.0.
        """
        unknown = sorted(set(phonemes) - VOCABULARY.keys())
        if unknown or not 0 < len(phonemes) <= MAX_PHONEMES:
            raise EngineFailed(
                f"Kokoro has no token for {' '.join(unknown)} (in {phonemes!r})"
                if unknown
                else f"Kokoro says 1..{MAX_PHONEMES} phonemes at once, not {len(phonemes)}",
                mend="add the symbols to engines/tts/kokoro_locales.py" if unknown else "",
            )
        tokens = [0, *(VOCABULARY[symbol] for symbol in phonemes), 0]
        audio, duration = self._session.run(
            ["audio", "duration"],
            {
                "tokens": np.array([tokens], dtype=np.int64),
                "style": pack[len(phonemes) - 1].reshape(1, STYLE_DIM).astype(np.float32),
                "speed": np.array([speed], dtype=np.float32),
            },
        )
        samples = np.asarray(audio, dtype=np.float32).reshape(-1)
        edges = np.cumsum(np.asarray(duration, dtype=np.int64).reshape(-1)) * FRAME_SAMPLES
        if int(edges[-1]) != samples.size:
            raise EngineFailed(f"Kokoro's durations give {edges[-1]} samples, its audio has {samples.size}")
        return Rendering(samples, phonemes, edges[:-1])


def split_phonemes(phonemes: str, at_most: int = 400) -> list[str]:
    """Pieces of at most `at_most` symbols, cut after sentence marks where possible, else clause marks, else
    words."""
    pieces: list[str] = []
    rest = phonemes.strip()
    while len(rest) > at_most:
        window = rest[:at_most]
        cut = next(
            (i + 1 for marks in (".!?…", ";:,—", " ") if (i := max(window.rfind(m) for m in marks)) > 0),
            at_most,
        )
        pieces.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return [piece for piece in [*pieces, rest] if piece]
