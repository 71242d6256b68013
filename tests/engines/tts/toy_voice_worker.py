"""A speaking worker with no model, for tests/engines/tts/test_worker_voice.py: a tone of 50 ms per character, as loud
as the reference, lower by an octave for `es`; a few texts make it misbehave."""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3] / "engines" / "workers"))

import worker_protocol

RATE_HZ = 24_000


def load(folder: str, device: str, n_threads: int) -> dict[str, Any]:
    return {}


def speak(text: str, language: str, reference: str, transcript: str, speed: float, out: str) -> dict[str, Any]:
    if language not in ("en", "es"):
        raise worker_protocol.Refused(f"this model does not speak {language!r}")
    data = Path(reference).read_bytes()[80:]
    loudest = max(abs(value) for (value,) in struct.iter_unpack("<f", data))
    n_samples = round(len(text) * 0.05 * RATE_HZ / speed)
    pitch_hz = 110 if language == "es" else 220
    samples = [loudest * math.sin(2 * math.pi * pitch_hz * i / RATE_HZ) for i in range(n_samples)]
    if text == "endless":
        samples[5] = math.inf
    if text == "missing":
        return {"n_samples": n_samples, "rate_hz": RATE_HZ}
    Path(out).write_bytes(struct.pack(f"<{n_samples}f", *samples))
    told = n_samples + 1 if text == "longer" else n_samples
    return {"n_samples": told, "rate_hz": 16_000 if text == "other rate" else RATE_HZ, "heard": transcript}


if __name__ == "__main__":
    worker_protocol.serve("toy-voice", "", {"load": load, "speak": speak})
