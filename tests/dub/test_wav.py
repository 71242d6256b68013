"""Float WAV files: block by block, mapped, and past 4 GB."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from dub import wav
from dub.errors import UnreadableMedia
from dub.media import read_audio
from dub.wav import WavWriter, blank_wav, open_wav, write_wav
from tests.clips import ffmpeg


def test_blocks_written_are_samples_read(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).standard_normal((2, 1000)).astype(np.float32)
    with WavWriter(tmp_path / "a.wav", 48_000, 2) as file:
        file.write(sound[:, :300])
        file.write(sound[:, 300:])
    read, rate_hz = open_wav(tmp_path / "a.wav")
    assert rate_hz == 48_000
    assert np.array_equal(read, sound)
    assert np.array_equal(read_audio(tmp_path / "a.wav", 48_000, 2), sound), "ffmpeg reads the same"
    write_wav(tmp_path / "b.wav", sound, 48_000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    with pytest.raises(ValueError, match="1 channels"), WavWriter(tmp_path / "c.wav", 48_000, 2) as file:
        file.write(sound[0])


def test_a_blank_file_takes_sounds_in_place(tmp_path: Path) -> None:
    silence = blank_wav(tmp_path / "a.wav", 48_000, 1, 500)
    silence[:, 100:200] += 0.5
    read, _ = open_wav(tmp_path / "a.wav")
    assert read.shape == (1, 500)
    assert read.sum() == 50
    assert open_wav_of_nothing(tmp_path).shape == (2, 0)


def open_wav_of_nothing(folder: Path) -> wav.Samples:
    blank_wav(folder / "none.wav", 48_000, 2, 0)
    return open_wav(folder / "none.wav")[0]


def test_beyond_four_gigabytes_the_header_says_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "_MAX_RIFF", 1000)
    write_wav(tmp_path / "big.wav", np.full((1, 1000), 0.25, np.float32), 48_000)
    content = bytearray((tmp_path / "big.wav").read_bytes())
    assert content[:4] == b"RF64"
    monkeypatch.undo()
    for at in (4, 76):  # the 32-bit sizes as a real big file has them
        content[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "big.wav").write_bytes(content)
    assert np.array_equal(open_wav(tmp_path / "big.wav")[0], np.full((1, 1000), 0.25, np.float32))
    assert read_audio(tmp_path / "big.wav", 48_000, 1).shape == (1, 1000), "ffmpeg reads it too"


def test_what_is_no_float_wav_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros((1, 100), np.float32), 48_000)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "pcm_s16le", tmp_path / "pcm.wav")
    (tmp_path / "cut.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:300])
    (tmp_path / "text.wav").write_bytes(b"no sound at all")
    for name, why in (("pcm", "not 32-bit float"), ("cut", "cut off"), ("text", "not a WAV")):
        with pytest.raises(UnreadableMedia, match=why):
            open_wav(tmp_path / f"{name}.wav")
