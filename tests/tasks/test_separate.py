"""Separators: what every one promises, and how well DeepFilterNet3 keeps music out of the dialogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dub.stage import Desk
from dub.wav import open_wav, write_wav
from engines import registry
from engines.separation.contract import Separator
from tasks.separate import separate
from tests.clips import clicks, level_db, speechlike
from tests.tasks.sound import choice, heard, source_of

ENGINES = ["passthrough", pytest.param("deepfilternet3", marks=pytest.mark.models)]


def hum(duration_s: float, level: float = 0.02) -> np.ndarray:
    """Stereo noise, another on each side."""
    rng = np.random.default_rng(3)
    return (level * rng.standard_normal((2, round(duration_s * 48_000)))).astype(np.float32)


@pytest.mark.parametrize("engine_id", ENGINES)
def test_the_stems_add_up_to_the_programme(desk: Desk, engine_id: str) -> None:
    programme = speechlike(6.0) + hum(6.0)
    stems = separate(desk, source_of(desk, programme), choice("separation", engine_id))
    dialogue, bed = heard(desk, stems.dialogue), heard(desk, stems.bed)
    assert dialogue.shape == (1, 288_000)
    assert bed.shape == (2, 288_000)
    assert np.abs(dialogue + bed - programme).max() < 1e-6
    assert dialogue.any()


@pytest.mark.parametrize("engine_id", ENGINES)
def test_silence_stays_silence(tmp_path: Path, engine_id: str) -> None:
    write_wav(tmp_path / "in.wav", np.zeros((2, 50_000), np.float32), 48_000)
    separator: Separator = registry.load("separation", engine_id)
    separator.separate(tmp_path / "in.wav", tmp_path / "d.wav", tmp_path / "b.wav")
    for name, n_channels in (("d", 1), ("b", 2)):
        sound = open_wav(tmp_path / f"{name}.wav")[0]
        assert sound.shape == (n_channels, 50_000)
        assert not sound.any()


@pytest.mark.models
def test_deepfilternet_splits_quiet_and_loud_alike_and_in_time(desk: Desk) -> None:
    programme = speechlike(6.0, pitch_hz=140) + hum(6.0)
    stems = {}
    for gain_db in (0, -36):
        gain = np.float32(10 ** (gain_db / 20))
        split = separate(desk, source_of(desk, programme * gain), choice("separation", "deepfilternet3"))
        stems[gain_db] = heard(desk, split.dialogue) / gain
    difference = level_db(stems[0] - stems[-36]) - level_db(stems[0])
    assert difference < -60, f"{difference:.0f} dB"
    spectra = [np.fft.rfft(sound[0], 1 << 20) for sound in (stems[0], speechlike(6.0, pitch_hz=140))]
    lag = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]))))
    assert min(lag, (1 << 20) - lag) <= 48, "the dialogue is in time with the programme"


@pytest.mark.models
@pytest.mark.media
def test_deepfilternet_keeps_noise_out_of_real_speech(desk: Desk, shared_media: Path) -> None:
    from dub.media import read_audio

    speech = read_audio(shared_media / "speech" / "en_lj001_0001.wav", 48_000, 1)[:, : 4 * 48_000]
    noise = hum(4.0)
    noise *= np.float32(10 ** ((level_db(speech) - 10 - level_db(noise)) / 20))
    stems = separate(desk, source_of(desk, speech + noise), choice("separation", "deepfilternet3"))
    wrong = heard(desk, stems.dialogue) - speech
    assert level_db(speech) - level_db(wrong) > 14, "from 13 dB in the mid to at least 14 dB"
    assert abs(level_db(heard(desk, stems.bed)) - level_db(noise)) < 3


def test_clicks_on_one_side_are_bed_for_the_toy(desk: Desk) -> None:
    programme = np.concatenate([clicks([0.5], 1.0), np.zeros((1, 48_000), np.float32)])
    stems = separate(desk, source_of(desk, programme), choice("separation", "passthrough"))
    assert np.allclose(heard(desk, stems.dialogue)[0], programme.mean(axis=0))
    assert np.allclose(heard(desk, stems.bed), [[0.5], [-0.5]] * programme[:1])
