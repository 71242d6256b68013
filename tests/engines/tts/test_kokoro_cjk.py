"""Kokoro's Mandarin and Japanese: readings, symbols, times, and what is said where the dictionaries are missing."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from typing import Any

import pytest

from dub.errors import EngineFailed, EngineUnavailable
from engines import registry
from engines.tts.japanese_phonemes import japanese_phonemes, kana_phonemes
from engines.tts.kokoro_graph import VOCABULARY
from engines.tts.mandarin_phonemes import mandarin_phonemes
from engines.tts.speaker_match import sentences
from flows.preflight import choose
from lang.bcp47 import Locale
from lang.udhr import article_1

needs_open_jtalk = pytest.mark.skipif(not importlib.util.find_spec("pyopenjtalk"), reason="extra japanese")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("我们", "wo↓mən"),
        ("银行", "i↗nxa↗ŋ"),  # a bank, háng; to walk is xíng
        ("知道", "\uab67ɨ→tau↘"),
        ("女儿", "ny↓ɚ↗"),
        ("雨，水。", "y↓, ʂwei↓."),
    ],
)
def test_mandarin_syllables_carry_their_tone_after_the_nucleus(text: str, said: str) -> None:
    assert mandarin_phonemes(text) == said


@pytest.mark.parametrize(
    ("kana", "said"),
    [
        ("キャク", "kʲakɯ"),
        ("シャシン", "ɕaɕiɴ"),
        ("サンポ", "sampo"),
        ("ガッコー", "ɡaʔkoː"),
        ("パーティー", "paːtiː"),
        ("リョコウ", "ɾʲokoɯ"),
        ("フィルム", "ɸiɾɯmɯ"),
    ],
)
def test_kana_are_syllables(kana: str, said: str) -> None:
    assert kana_phonemes(kana) == said


@needs_open_jtalk
def test_japanese_particles_are_read_as_they_are_said() -> None:
    said = japanese_phonemes("私は学校へ行く。")
    assert said.split()[0] == "βataɕiβa"
    assert said.split()[1].endswith("e")
    assert said.endswith(".")


@pytest.mark.parametrize("read", [mandarin_phonemes, pytest.param(japanese_phonemes, marks=needs_open_jtalk)])
def test_every_symbol_is_one_that_kokoro_knows(read: Any) -> None:
    tag = "zh" if read is mandarin_phonemes else "ja"
    texts = [article_1()[Locale(tag)], *sentences()[tag], "AI 2024, iPhone 15: 3.5%!"]
    for text in texts:
        assert not set(read(text)) - VOCABULARY.keys(), text
    with pytest.raises(EngineFailed, match="nothing to say"):
        read("。")


@pytest.mark.models
@pytest.mark.parametrize(
    ("engine_id", "tag"), [("kokoro", "zh"), pytest.param("kokoro-ja", "ja", marks=needs_open_jtalk)]
)
def test_tones_and_lengths_are_no_phonemes(engine_id: str, tag: str) -> None:
    speech = registry.load("tts", engine_id).speak(sentences()[tag][0], Locale(tag), b"")
    assert 1.0 < speech.samples.size / speech.rate_hz < 5.0
    assert len(speech.phonemes) > 15
    assert not {p.ipa for p in speech.phonemes} & set("→↗↓↘ːʰʲ ")
    assert all(a.end_sample <= b.start_sample for a, b in pairwise(speech.phonemes))


def test_missing_dictionaries_are_found_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyopenjtalk" else find(name))
    with pytest.raises(EngineUnavailable, match=r"pyopenjtalk(.|\n)*\[japanese\]"):
        choose("tts", "kokoro-ja", {})
