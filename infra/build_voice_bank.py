"""Render Kokoro's stock voices and mixes of them, and write what the speaker encoder hears: the voice bank.

    python infra/build_voice_bank.py [--out engines/tts/data/voice_bank.npz] [--n-mixes 107]

54 stock voices and 107 mixes (2-4 voices, Dirichlet 0.7 weights on their z, scaled by 1..1.45, plus noise of
0.12), two fixed sentences each, seed 7. Takes about 6 minutes of one core; every entry is kept in a
work file beside the output, so a stopped run goes on where it was. Run it again whenever Kokoro's graph, its
voices or the encoder change.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyworld

from engines import registry, weights
from engines.tts.espeak_phonemes import phonemize
from engines.tts.kokoro_graph import RATE_HZ, KokoroGraph
from engines.tts.kokoro_voices import BANK_FILE, StockVoices, read_stock_voices

SENTENCES = (
    "The quick boat turned north, and nobody on the old pier could hear the captain shouting.",
    "She bought fresh bread, yellow cheese and a jar of honey before the market closed.",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=BANK_FILE)
    parser.add_argument("--n-mixes", type=int, default=107)
    arguments = parser.parse_args()

    folder = weights.folder("kokoro")
    voices = read_stock_voices(folder)
    graph = KokoroGraph(folder / "kokoro-v1.0.int8.dur.onnx")
    encoder = registry.load("speaker", "ge2e-voicefilter")
    phonemes = [phonemize(sentence, "en-us") for sentence in SENTENCES]

    z, packs = entries(voices, arguments.n_mixes)
    work = arguments.out.with_suffix(".partial.npz")
    embeddings, f0_hz = resume(work, len(z))
    for i, pack in enumerate(packs):
        if f0_hz[i] > 0:
            continue
        spoken = [trimmed(graph.render(line, pack, 1.0).samples) for line in phonemes]
        embeddings[i] = [encoder.embed(samples, RATE_HZ) for samples in spoken]
        f0_hz[i] = median_pitch(spoken[0])
        if i % 10 == 9 or i == len(z) - 1:
            np.savez(work, embeddings=embeddings, f0_hz=f0_hz)
            print(f"{i + 1} / {len(z)}", flush=True)

    np.savez_compressed(
        arguments.out,
        names=np.array(voices.names),
        z=z.astype(np.float16),
        embeddings=embeddings.astype(np.float16),
        f0_hz=f0_hz.astype(np.float16),
    )
    work.unlink()
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")


def entries(voices: StockVoices, n_mixes: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """z (n, 40) and packs of the stock voices (as they are), then of the mixes."""
    space = voices.space
    stock_z = np.array([space.z_of(pack) for pack in voices.packs])
    random = np.random.default_rng(7)
    mixes = []
    for _ in range(n_mixes):
        chosen = random.choice(len(stock_z), size=random.integers(2, 5), replace=False)
        weight = random.dirichlet(np.full(len(chosen), 0.7))
        mix = (weight @ stock_z[chosen]) * random.uniform(1.0, 1.45)
        mixes.append(mix + random.normal(0, 0.12, stock_z.shape[1]))
    # float16 is what the bank keeps: render exactly what it will say was rendered.
    mixes_z = np.array(mixes).astype(np.float16).astype(np.float64)
    return np.concatenate([stock_z, mixes_z]), [*voices.packs, *(space.pack_of(mix) for mix in mixes_z)]


def resume(work: Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    if work.exists():
        with np.load(work, allow_pickle=False) as stored:
            return stored["embeddings"], stored["f0_hz"]
    work.parent.mkdir(parents=True, exist_ok=True)
    return np.zeros((n, len(SENTENCES), 256)), np.zeros(n)


def trimmed(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1]


def median_pitch(samples: np.ndarray) -> float:
    f0, _ = pyworld.dio(samples.astype(np.float64), RATE_HZ, f0_floor=65, f0_ceil=420)
    voiced = f0[f0 > 0]
    # A whispering voice has no pitch: 1 Hz marks the entry as done, no speaker is near it.
    return float(np.median(voiced)) if voiced.size else 1.0


if __name__ == "__main__":
    main()
