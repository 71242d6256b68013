"""IPA to lip shapes."""

import pytest

from lang.phonemes import Viseme, closes_lips, is_known, visemes


@pytest.mark.parametrize(
    ("ipa", "shapes"),
    [
        ("p", (Viseme.BILABIAL,)),
        ("m̩", (Viseme.BILABIAL,)),  # syllabic m
        ("ɓ", (Viseme.BILABIAL,)),
        ("k͡p", (Viseme.BILABIAL,)),
        ("β", (Viseme.BILABIAL_NARROW,)),
        ("t͡ʃ", (Viseme.POSTALVEOLAR,)),
        ("dʒ", (Viseme.POSTALVEOLAR,)),
        ("ç", (Viseme.VELAR,)),
        ("ɯ", (Viseme.SPREAD,)),  # Japanese u is not rounded
        ("yː", (Viseme.ROUNDED_FRONT,)),
        ("ɐ̃ʊ̃", (Viseme.OPEN, Viseme.CLOSE_ROUNDED)),
        ("ˈaɪ", (Viseme.OPEN, Viseme.SPREAD)),
        ("tʲ", (Viseme.ALVEOLAR,)),
        ("kʷ", (Viseme.VELAR, Viseme.CLOSE_ROUNDED)),
        ("mʷ", (Viseme.BILABIAL, Viseme.CLOSE_ROUNDED)),
        ("ŋ͡m", (Viseme.BILABIAL,)),
        ("ʅ", (Viseme.SPREAD,)),  # Mandarin shì
        ("ˈ", ()),
        (" ", ()),
        (",", ()),
    ],
)
def test_what_a_sound_looks_like(ipa: str, shapes: tuple[Viseme, ...]) -> None:
    assert visemes(ipa) == shapes


def test_an_unknown_letter_leaves_the_lips_alone() -> None:
    assert visemes("ж") == (Viseme.VELAR,)


def test_every_letter_of_the_chart_has_lips() -> None:
    chart = (
        "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀⱱɾɽɸβfvθðszʃʒʂʐçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎʟʘǀǃǂǁɓɗʄɠʛʍwɥʜʢʡɕʑɺɧiyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝ"
    )
    assert [letter for letter in chart if not is_known(letter)] == []
    assert not is_known("ж")


def test_only_bilabials_close_the_lips() -> None:
    assert [ipa for ipa in ("p", "b", "m", "f", "w", "β", "u", "n") if closes_lips(ipa)] == ["p", "b", "m"]
