"""A long dub is heard in parts, each once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from dub.measured import Measured
from dub.script import PlacedTake, Timeline
from dub.source import VideoFacts
from dub.stage import Desk, EngineChoice
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import WAV, write_wav
from engines import registry
from lang.bcp47 import Locale
from tasks.review_words import listen_back

FACTS = VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=1500)


def _ear() -> EngineChoice:
    """Hears `pump` half a second after the start of whatever it is given."""
    spec = registry.spec("asr", "scripted")
    options = {"segments": [{"text": "pump", "start_s": 0.5, "end_s": 1.0}]}
    return EngineChoice(family="asr", id="scripted", fingerprint=spec.fingerprint(options), options=options)


def _timeline(desk: Desk, folder: Path, level_of_second: float) -> Timeline:
    """A minute with a line of 2 s in every 20; the second one's level is given."""
    sound = np.zeros((1, 60 * MASTER_RATE_HZ), np.float32)
    store, placed = desk.open_store(), []
    nothing = store.put_bytes(b"a take's own sound is not asked for", WAV)
    for k, level in enumerate((0.1, level_of_second, 0.1)):
        start = (5 + 20 * k) * MASTER_RATE_HZ
        sound[:, start : start + 2 * MASTER_RATE_HZ] = level
        placed.append(
            PlacedTake(
                utterance_id=f"u{k}", speaker="s1", text="pump", slot=Span.of_seconds(5 + 20 * k, 15 + 20 * k),
                audio=nothing, start_sample=start, n_samples=2 * MASTER_RATE_HZ, stretch_ratio=1.0, speed=1.0,
                phonemes=(),
            )
        )  # fmt: skip
    write_wav(folder / "dub.wav", sound, MASTER_RATE_HZ)
    return Timeline(locale=Locale("en"), placed=tuple(placed), overruns=(), dialogue=store.put(folder / "dub.wav", WAV))


def test_only_the_part_with_a_changed_line_is_heard_again(desk: Desk, tmp_path: Path) -> None:
    def heard() -> set[Path]:
        return set(Path(desk.store, "memo", "hear_words").glob("*"))

    lines = listen_back(Measured(), desk, _timeline(desk, tmp_path, 0.1), FACTS, _ear())
    before = heard()
    assert [line.words.rate for line in lines] == [0, 0, 0], "each part's words lie on the title's clock"
    assert len(before) == 3
    listen_back(Measured(), desk, _timeline(desk, tmp_path, 0.1), FACTS, _ear())
    assert heard() == before
    listen_back(Measured(), desk, _timeline(desk, tmp_path, 0.2), FACTS, _ear())
    assert len(heard() - before) == 1


def test_a_short_dub_is_heard_whole(desk: Desk, tmp_path: Path) -> None:
    short = FACTS.model_copy(update={"n_frames": 500})
    lines = listen_back(Measured(), desk, _timeline(desk, tmp_path, 0.1), short, _ear())
    assert sum(line.heard == "pump" for line in lines) == 1
    assert len(list(Path(desk.store, "memo", "hear_words").glob("*"))) == 1
