"""Real clips: pauses, levels and laughs, by the stages as a dub runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dub.levels import active_db, power_curve
from dub.media import read_audio
from dub.script import DubScript, Utterance
from dub.stage import Desk
from dub.timecode import Span
from lang.bcp47 import Locale
from tasks.measure_prosody import measure_prosody
from tasks.separate import separate
from tests.tasks.sound import choice, heard, source_of, stems_of


@pytest.mark.media
def test_pauses_of_a_real_line(desk: Desk, shared_media: Path) -> None:
    """ "Good morning, | my name is Jordi Mas": the speaker breathes for six tenths of a second after two words."""
    sound = read_audio(shared_media / "video" / "english_10s.mp4", 48_000, 1)
    length = sound.shape[1] // 1920 * 1920
    dialogue = sound[:, :length]
    line = Utterance(
        id="u0001", speaker="s1", span=Span.of_seconds(1.263, 3.946), text="Good morning, my name is Jordi"
    )
    script = DubScript(source_locale=Locale("en"), duration=Span.of_seconds(0, 9.9).end, utterances=(line,))
    stems = stems_of(desk, dialogue, np.zeros((2, length), np.float32))
    measured = measure_prosody(desk, stems, script)
    [pause] = measured.lines[0].pauses
    assert float(pause.span.start) == pytest.approx(2.0, abs=0.1)
    assert float(pause.span.end) == pytest.approx(2.63, abs=0.1)


@pytest.mark.media
@pytest.mark.models
def test_breaths_go_to_the_bed_and_spoken_laughs_to_the_dialogue(desk: Desk, shared_media: Path) -> None:
    """Why the mix lets both stems through in a pause."""
    speech = read_audio(shared_media / "speech" / "en_jfk_11s.flac", 48_000, 1)[:, : 4 * 48_000]
    rng = np.random.default_rng(1)
    breath = (0.05 * np.hanning(48_000) * rng.standard_normal(48_000)).astype(np.float32)[None]
    programme = np.concatenate([speech, breath, speech], axis=1)
    source = source_of(desk, np.repeat(programme, 2, axis=0))
    stems = separate(desk, source, choice("separation", "deepfilternet3"))
    inside = slice(4 * 48_000 + 4800, 5 * 48_000 - 4800)
    levels = {
        name: active_db(power_curve(heard(desk, stem)[:, inside]))
        for name, stem in (("dialogue", stems.dialogue), ("bed", stems.bed))
    }
    assert levels["bed"] is not None
    assert levels["bed"] - (levels["dialogue"] or -120) > 20
