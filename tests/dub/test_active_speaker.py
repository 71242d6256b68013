"""Who speaks: lips that follow the sound, lips that move to other words, lips that rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from dub.active_speaker import Mouth, openness, who_speaks
from dub.on_screen import OnScreen, SeenSpan

RATE = 25.0
NAN = np.float32(np.nan)


def _words(seed: int, n: int) -> np.ndarray:
    """How open a mouth is that says something: syllables, some four a second, spread 1."""
    noise = np.random.default_rng(seed).normal(size=n)
    syllables = gaussian_filter1d(noise, 1.5) - gaussian_filter1d(noise, 8)
    return syllables / syllables.std()


def _talking(words: np.ndarray, seed: int = 9) -> Mouth:
    """Lips that follow these words as loosely as real ones do (r about 0.5)."""
    loose = 0.5 * words + 0.87 * _words(seed, len(words))
    aperture = np.clip(0.1 + 0.05 * loose, 0, None).astype(np.float32)
    return Mouth(aperture, (0.2 + 0.08 * loose).astype(np.float32), np.full(len(words), 80, np.float32))


def _resting(n: int, noise: float = 0.002) -> Mouth:
    trembling = np.abs(np.random.default_rng(5).normal(0.008, noise, n)).astype(np.float32)
    return Mouth(trembling, trembling, np.full(n, 80, np.float32))


def _unseen(mouth: Mouth, *spans: slice) -> Mouth:
    for span in spans:
        mouth.aperture[span] = mouth.jaw_open[span] = mouth.iod_px[span] = NAN
    return mouth


def _parts(*spans: tuple[int, int], speaker: str = "anna") -> list[SeenSpan]:
    return [
        SeenSpan(utterance_id=f"u{k:04d}", speaker=speaker, first_frame=a, end_frame=b, verdict="off screen")
        for k, (a, b) in enumerate(spans, 1)
    ]


def _verdicts(found: OnScreen) -> list[str | int]:
    return [span.verdict if span.face is None else span.face for span in found.spans]


def test_one_face_that_talks_while_speech_sounds_says_all_of_it_short_lines_too() -> None:
    words = _words(1, 400)
    found = who_speaks(_parts((0, 100), (110, 120), (130, 250), (260, 272), (280, 390)), [_talking(words)], words, RATE)
    assert _verdicts(found) == [0] * 5
    assert found.faces_of == {"anna": (0,)}


def test_of_two_talking_faces_the_one_that_follows_the_sound_speaks() -> None:
    words, others = _words(1, 400), _words(2, 400)
    parts = _parts((0, 120), (130, 260), (270, 390))
    assert _verdicts(who_speaks(parts, [_talking(others, 7), _talking(words)], words, RATE)) == [1, 1, 1]
    assert _verdicts(who_speaks(parts, [_talking(words), _talking(others, 7)], words, RATE)) == [0, 0, 0]


def test_a_listener_does_not_speak_and_a_voice_over_a_resting_face_is_off_screen() -> None:
    words = _words(1, 400)
    parts = _parts((0, 120), (130, 260), (270, 390))
    assert _verdicts(who_speaks(parts, [_resting(400), _talking(words)], words, RATE)) == [1, 1, 1]
    assert _verdicts(who_speaks(parts, [_resting(400)], words, RATE)) == ["off screen"] * 3


def test_a_narrator_over_a_mouth_that_talks_of_other_things_moves_nobody() -> None:
    words, others = _words(1, 600), _words(2, 600)
    parts = _parts((0, 140), (150, 290), (300, 440), (450, 590))
    assert _verdicts(who_speaks(parts, [_talking(others)], words, RATE)) == ["off screen"] * 4


def test_one_short_line_of_a_mouth_that_does_not_fit_is_left_in_doubt() -> None:
    words, others = _words(41, 40), _words(44, 40)
    (span,) = who_speaks(_parts((0, 30)), [_talking(others, 45)], words, RATE).spans
    assert span.verdict == "uncertain"
    assert span.certainty < 0.95


def test_a_voice_goes_on_off_screen_while_the_other_ones_shot_is_shown() -> None:
    """A's shot, B's shot, then A's voice over B who listens."""
    anna, bela = _words(1, 600), _words(2, 600)
    sound = np.r_[anna[:200], bela[200:400], anna[400:]]
    a = _unseen(_talking(anna, 3), slice(200, 600))
    b = _unseen(_talking(bela, 7), slice(200))
    b.aperture[400:] = b.jaw_open[400:] = _resting(200).aperture
    parts = (
        _parts((10, 90), (100, 190)) + _parts((210, 290), (300, 390), speaker="bela") + _parts((410, 490), (500, 590))
    )
    found = who_speaks(parts, [a, b], sound, RATE, (0, 200, 400))
    assert _verdicts(found) == [0, 0, 1, 1, "off screen", "off screen"]
    assert found.faces_of == {"anna": (0,), "bela": (1,)}


def test_a_small_face_that_trembles_in_tracking_does_not_speak() -> None:
    """Eye distance 12 px: a third of a pixel of noise is as much as a real mouth moves."""
    words = _words(1, 400)
    small = _resting(400, noise=0.02)
    small.iod_px[:] = 12
    assert _verdicts(who_speaks(_parts((0, 190), (200, 390)), [small], words, RATE)) == ["off screen"] * 2


def test_without_a_face_everything_is_off_screen_for_certain() -> None:
    (span,) = who_speaks(_parts((0, 50)), [], np.zeros(60), RATE).spans
    assert (span.verdict, span.certainty) == ("off screen", 1.0)


def test_open_vowels_sound_open() -> None:
    """A buzz through wide and narrow resonances in turn: the first formant high, then low."""
    rate, syllable_s, n = 16_000, 0.2, 75
    t = np.arange(int(n / RATE * rate)) / rate
    is_open = (t / syllable_s).astype(int) % 2 == 0
    harmonics = np.arange(1, 50) * 120.0
    sound = np.zeros(len(t))
    for formants, wanted in (((750, 1250, 2600), is_open), ((300, 800, 2300), ~is_open)):
        gains = sum(1 / (1 + ((harmonics - formant) / 90) ** 2) for formant in formants)
        sound += wanted * np.sum(
            [g * np.sin(2 * np.pi * hz * t) for g, hz in zip(gains, harmonics, strict=True)], axis=0
        )
    heard = openness((0.1 * sound).astype(np.float32), rate, RATE, np.ones(n, bool))
    opened = is_open[((np.arange(n) + 0.5) / RATE * rate).astype(int)]
    assert heard.shape == (n,)
    assert np.corrcoef(heard, opened)[0, 1] > 0.5
    assert openness(np.zeros(rate, np.float32), rate, RATE, np.zeros(25, bool)) == pytest.approx(0, abs=1e-3)
