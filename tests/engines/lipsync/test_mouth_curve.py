"""From phonemes to a mouth: closures are never lost, vowels open, rounding narrows, silence is shut."""

from fractions import Fraction

import numpy as np
import pytest

from dub.mouth_metrics import CLOSED, closures
from dub.script import PhonemeSpan
from engines.lipsync.mouth_curve import LARGEST_STEP_PER_S, UNROUNDED, SpeakerRange, mouth_curve

SPEAKER = SpeakerRange(
    aperture_mean=0.10,
    aperture_sd=0.07,
    aperture_high=0.28,
    width_low=0.48,
    width_mid=0.56,
    width_high=0.64,
    width_rest=0.55,
    lip_low=0.09,
    lip_mid=0.11,
    lip_high=0.13,
)


def spell(*sounds: tuple[str, float], start_s: float = 0.5) -> list[PhonemeSpan]:
    """(ipa, duration in s) one after the other."""
    spans, at = [], start_s
    for ipa, duration_s in sounds:
        spans.append(
            PhonemeSpan(ipa=ipa, start_sample=round(at * 48_000), end_sample=round((at + duration_s) * 48_000))
        )
        at += duration_s
    return spans


BABBLE = spell(
    *(("m", 0.07), ("a", 0.12), ("p", 0.06), ("a", 0.10), ("l", 0.06), ("i", 0.09), ("b", 0.05), ("u", 0.11)),
    *(
        ("s", 0.10),
        ("e", 0.08),
        ("m", 0.05),
        ("o", 0.12),
        ("f", 0.08),
        ("a", 0.13),
        ("p", 0.04),
        ("ɾ", 0.03),
        ("a", 0.1),
    ),
)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60)])
@pytest.mark.parametrize("shift_ms", [0, 7, 19, 33])
def test_every_bilabial_is_shut_at_any_frame_rate(rate: Fraction, shift_ms: int) -> None:
    moved = [
        span.model_copy(
            update={"start_sample": span.start_sample + 48 * shift_ms, "end_sample": span.end_sample + 48 * shift_ms}
        )
        for span in BABBLE
    ]
    n = int(3 * rate)
    curve = mouth_curve(moved, rate, n, SPEAKER)
    found = closures(curve.aperture, rate, moved, np.ones(n, bool))
    assert len(found) == 5
    assert all(closure.is_closed for closure in found)


def test_a_talking_mouth_moves_as_much_as_the_speaker_does() -> None:
    said = spell(*((ipa, 0.08) for ipa in "hɛloʊðɪsɪzətɔkɪŋmaʊθinlandən"))
    curve = mouth_curve(said, Fraction(30), 120, SPEAKER)
    speech = curve.aperture[15 : 15 + int(0.08 * 28 * 30)]
    assert 0.6 * SPEAKER.aperture_sd < speech.std() < 1.4 * SPEAKER.aperture_sd
    assert speech.max() <= SPEAKER.aperture_high + 1e-6
    assert abs(speech.mean() - SPEAKER.aperture_mean) < 0.03


def test_a_vowel_between_closures_opens() -> None:
    curve = mouth_curve(spell(("m", 0.08), ("a", 0.16), ("m", 0.08)), Fraction(50), 75, SPEAKER)
    assert curve.aperture[25:38].max() > 0.5 * SPEAKER.aperture_high


def test_rounding_narrows_and_spreading_widens() -> None:
    rounded = mouth_curve(spell(("u", 0.3)), Fraction(25), 40, SPEAKER).width.min()
    spread = mouth_curve(spell(("i", 0.3)), Fraction(25), 40, SPEAKER).width.max()
    assert rounded < SPEAKER.width_mid - 0.5 * (SPEAKER.width_mid - SPEAKER.width_low)
    assert spread > SPEAKER.width_mid + 0.5 * (SPEAKER.width_high - SPEAKER.width_mid)


def test_rounded_lips_come_forward_before_the_sound_and_spread_ones_do_not() -> None:
    said = spell(("i", 0.2), ("t", 0.08), ("u", 0.2), ("t", 0.08), ("i", 0.2))
    forward = mouth_curve(said, Fraction(100), 180, SPEAKER).forward
    assert forward[int(0.54 * 100)] < UNROUNDED + 0.15
    assert forward[int(0.84 * 100)] > 0.85  # the u is heard from 0.78 to 0.98 s
    assert forward[int(0.74 * 100)] > UNROUNDED + 0.2  # in the t before it


def test_equal_neighbours_over_a_words_end_shut_the_lips_once() -> None:
    """`pop man`: the p is held into the m."""
    curve = mouth_curve(spell(("ɒ", 0.12), ("p", 0.13), ("m", 0.13), ("a", 0.15)), Fraction(100), 160, SPEAKER)
    assert curve.aperture[int(0.62 * 100) : int(0.79 * 100)].max() < 0.002


@pytest.mark.parametrize("ipa", ["p", "bʱ", "m̥", "ɓ", "k͡p", "ɡ͡b", "gb", "ŋ͡m", "mʷ", "ᵐb", "pʼ", "ʘ", "p͡f"])
def test_whatever_closes_lips_in_any_language_closes_them(ipa: str) -> None:
    curve = mouth_curve(spell(("a", 0.12), (ipa, 0.09), ("a", 0.12)), Fraction(50), 60, SPEAKER)
    onset_s = 0.62
    assert curve.aperture[int((onset_s - 0.02) * 50) : int((onset_s + 0.04) * 50) + 1].min() < CLOSED / 2


def test_f_tucks_the_lower_lip_and_nearly_shuts() -> None:
    curve = mouth_curve(spell(("a", 0.15), ("f", 0.12), ("a", 0.15)), Fraction(50), 60, SPEAKER)
    middle = int((0.5 + 0.15 + 0.04) * 50)
    assert curve.aperture[middle] <= 0.13 * SPEAKER.aperture_high
    assert curve.lip[middle] == pytest.approx(SPEAKER.lip_low, abs=0.003)


def test_lips_are_ahead_of_the_sound() -> None:
    curve = mouth_curve(spell(("a", 0.2), start_s=1.0), Fraction(100), 200, SPEAKER)
    assert 0.96 < int(np.argmax(curve.aperture)) / 100 < 1.10 - 0.01  # the sound's middle is at 1.10


def test_nothing_said_is_a_shut_mouth_at_rest() -> None:
    curve = mouth_curve([], Fraction(25), 50, SPEAKER)
    assert (curve.aperture < CLOSED).all()
    assert curve.width == pytest.approx(SPEAKER.width_rest, abs=0.01)


def test_long_pauses_shut_the_mouth_and_short_ones_do_not() -> None:
    said = spell(("a", 0.15)) + spell(("a", 0.15), start_s=0.75) + spell(("a", 0.15), start_s=2.0)
    curve = mouth_curve(said, Fraction(25), 75, SPEAKER).aperture
    assert curve[int(1.4 * 25)] < CLOSED
    assert curve[int(0.70 * 25)] > CLOSED


def test_no_frame_moves_faster_than_lips_do() -> None:
    """Opening at the limit, closing for a bilabial a little over it."""
    curve = mouth_curve(BABBLE, Fraction(60), 150, SPEAKER).aperture
    assert np.abs(np.diff(curve)).max() < 2 * LARGEST_STEP_PER_S / 60
