"""Kokoro in Japanese: the same graph and voices, with readings by Open JTalk, whose dictionaries take 330 MB."""

from __future__ import annotations

from dataclasses import replace

from engines.tts import kokoro
from engines.tts.kokoro_locales import JAPANESE


def load() -> kokoro.Kokoro:
    import pyopenjtalk  # noqa: F401  found missing now, not at the first line

    return kokoro.load()


ENGINE = replace(
    kokoro.ENGINE,
    id="kokoro-ja",
    version=2,
    summary="Kokoro-82M in Japanese, with a voice fitted to the speaker; CPU",
    load=load,
    locales=frozenset({JAPANESE}),
    extra="japanese",
    packages=(*kokoro.ENGINE.packages, "pyopenjtalk"),
)
