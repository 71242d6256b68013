"""Cues made from placed takes: on the frame grid, readable, cut where the voice pauses."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dub.artifact import Artifact
from dub.script import PhonemeSpan, PlacedTake, Timeline
from dub.subtitles import LONGEST_S, SHORTEST_S, Cue, cues_of, laid_out_in_cues, to_srt, to_vtt
from dub.timecode import MASTER_RATE_HZ, Span
from lang.bcp47 import Locale
from lang.line_breaks import line_chars, measure_of
from lang.registry import language
from lang.udhr import article_1

SOUND = Artifact(sha256="0" * 64, n_bytes=1, media_type="audio/wav")
RATE = Fraction(30000, 1001)
TEXTS = article_1()
MARKS = str.maketrans("", "", "\u200f\u202b\u202c")


def take(
    text: str, start_s: float, length_s: float, number: int = 1, phonemes: tuple[PhonemeSpan, ...] = ()
) -> PlacedTake:
    return PlacedTake(
        utterance_id=f"u{number:04}",
        speaker="s1",
        text=text,
        slot=Span.of_seconds(start_s, start_s + length_s),
        audio=SOUND,
        start_sample=round(start_s * MASTER_RATE_HZ),
        n_samples=round(length_s * MASTER_RATE_HZ),
        stretch_ratio=1.0,
        speed=1.0,
        phonemes=phonemes,
    )


def cues(locale: str, *takes: PlacedTake, duration_s: int = 60, rate: Fraction = RATE) -> tuple[Cue, ...]:
    timeline = Timeline(locale=Locale(locale), placed=takes, overruns=(), dialogue=SOUND)
    return cues_of(timeline, rate, Fraction(duration_s))


LONG = (
    "And so, my fellow Americans, ask not what your country can do for you. Ask what you can do for your country, "
    "and do not wait for anybody else to begin with it."
)


def test_a_short_line_is_one_cue_that_starts_with_its_sound() -> None:
    [cue] = cues("es", take("Buenos días.", 1.25, 0.5))
    assert cue.text == "Buenos días."
    assert abs(cue.span.start - Fraction(5, 4)) <= 1 / (2 * RATE)
    assert cue.span.duration >= SHORTEST_S


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), RATE, Fraction(60)])
def test_cues_are_in_order_two_frames_apart_on_frames_within_the_limits(rate: Fraction) -> None:
    spoken = cues(
        "en", take(LONG, 0.3, 11.0), take("Yes.", 11.35, 0.2, 2), take("No.", 11.6, 0.3, 3), duration_s=12, rate=rate
    )
    assert len(spoken) > 3
    for cue in spoken:
        assert (cue.span.start * rate).denominator == 1
        assert cue.span.duration <= LONGEST_S
        assert len(cue.text.split("\n")) <= 2
        assert all(len(line) <= 42 for line in cue.text.split("\n"))
        assert cue.span.duration > 0
        assert cue.span.end <= 12
    for one, other in pairwise(spoken):
        assert other.span.start - one.span.end >= 2 / rate
    assert " ".join(" ".join(cue.text for cue in spoken).split()) == f"{LONG} Yes. No."


def test_a_long_line_is_cut_where_the_voice_pauses() -> None:
    """60 phonemes of 0.1 s; a silence of 0.4 s after the 26th, near the middle."""
    edges = [0.1 * n + (0.4 if n >= 26 else 0) for n in range(60)]
    phonemes = tuple(
        PhonemeSpan(ipa="a", start_sample=round((1 + at) * 48_000), end_sample=round((1.1 + at) * 48_000))
        for at in edges
    )
    text = (
        "These are the words before the pause in the middle, and these are the words that follow after the pause ends."
    )
    first, second = cues("en", take(text, 1.0, 6.4, phonemes=phonemes))
    assert first.text.replace("\n", " ").endswith("middle,")
    assert abs(float(second.span.start) - 4.0) <= 0.02


def test_hebrew_lines_are_marked_one_by_one() -> None:
    [cue] = cues("he", take("שלום, מה שלומך? " * 4, 0, 6))
    assert len(cue.text.split("\n")) == 2
    for line in cue.text.split("\n"):
        assert line.startswith("\u202b\u200f")
        assert line.endswith("\u200f\u202c")


@pytest.mark.parametrize("locale", TEXTS)
def test_cues_of_every_language_keep_the_limits_of_its_script(locale: Locale) -> None:
    script = language(locale).script
    spoken = cues(str(locale), take(TEXTS[locale], 0.5, 14), take("x" * 300, 20, 3, 2), duration_s=40)
    for cue in spoken:
        lines = cue.text.split("\n")
        assert len(lines) <= 2
        assert all(measure_of(script)(line) <= line_chars(script) for line in lines)
        assert cue.span.duration <= LONGEST_S
    said = "".join(cue.text for cue in spoken if cue.id == "u0001")
    assert "".join(said.translate(MARKS).split()) == "".join(TEXTS[locale].split())
    assert "".join(cue.text for cue in spoken if cue.id == "u0002").translate(MARKS).replace("\n", "") == "x" * 300


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(list(TEXTS.values())), min_size=2, max_size=3), st.sampled_from(["Latn", "Jpan", "Thai"])
)
def test_cues_of_any_text_keep_the_limits(texts: list[str], script: str) -> None:
    pieces, laid_out = laid_out_in_cues("".join(texts)[:300], script)
    assert all(1 <= len(lines) <= 2 for lines in laid_out)
    assert all(measure_of(script)(line) <= line_chars(script) for lines in laid_out for line in lines)
    assert "".join("".join(pieces).split()) == "".join("".join(texts)[:300].split())


def test_chinese_holds_16_signs_japanese_13_and_thai_35_letters() -> None:
    assert laid_out_in_cues("今天天气很好，我们去公园散步吧。明天我们一起去看电影，好不好？", "Hans") == (
        ["今天天气很好，我们去公园散步吧。明天我们一起去看电影，好不好？"],
        [["今天天气很好，我们去公园散步吧。", "明天我们一起去看电影，好不好？"]],
    )
    assert [line_chars(script) for script in ("Hans", "Jpan", "Kore", "Thai", "Cyrl")] == [16, 13, 16, 35, 42]


def test_a_line_that_must_be_read_too_fast_is_told() -> None:
    fast, slow = cues("en", take("x" * 41, 0, 0.9), take("Hello there.", 1.0, 2, 2))
    assert fast.chars_per_second > 20 > slow.chars_per_second


def test_files() -> None:
    written = [Cue(span=Span.of_seconds(1.0, 2.5), text="a < b & c\n\n--> d")]
    assert to_srt(written) == "1\n00:00:01,000 --> 00:00:02,500\na < b & c\n→ d\n"
    assert to_vtt(written) == "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\na &lt; b &amp; c\n→ d\n"
    assert to_vtt([]) == "WEBVTT\n"
