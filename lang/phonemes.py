"""IPA to visemes: what a speech sound looks like on the lips, in any language.

The classes are the 15 of the Oculus/Meta viseme reference (developers.meta.com, "Viseme Reference"), the IPA letters
of the 2020 chart sorted into them, and one more, ROUNDED_FRONT, for the front rounded vowels that English lacks.
Where common tables follow English spelling, the articulation is followed instead: ɯ ɤ are unrounded; ç ʝ have spread
lips; uvular ʁ χ and the back of the tongue move no lips; ɓ closes them; kp ɡb close them too.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Viseme(StrEnum):
    """A shape of the lips."""

    SILENCE = "silence"
    BILABIAL = "bilabial"  # p b m: lips meet
    BILABIAL_NARROW = "bilabial_narrow"  # β ɸ: lips come near
    LABIODENTAL = "labiodental"  # f v: lower lip under the upper teeth
    DENTAL = "dental"  # θ ð
    ALVEOLAR = "alveolar"  # t d l
    NASAL = "nasal"  # n ŋ
    VELAR = "velar"  # k g and what is made behind: the lips have no task
    SIBILANT = "sibilant"  # s z
    POSTALVEOLAR = "postalveolar"  # ʃ tʃ: lips forward
    RHOTIC = "rhotic"  # ɹ r
    OPEN = "open"  # a ɑ
    MID = "mid"  # e ɛ
    SPREAD = "spread"  # i j
    MID_ROUNDED = "mid_rounded"  # o ɔ
    CLOSE_ROUNDED = "close_rounded"  # u w
    ROUNDED_FRONT = "rounded_front"  # y ø œ


VOWELS = frozenset(
    {Viseme.OPEN, Viseme.MID, Viseme.SPREAD, Viseme.MID_ROUNDED, Viseme.CLOSE_ROUNDED, Viseme.ROUNDED_FRONT}
)

_LETTERS: dict[Viseme, str] = {
    Viseme.BILABIAL: "pbmɓʙʘƥ",
    Viseme.BILABIAL_NARROW: "βɸ",
    Viseme.LABIODENTAL: "fvʋɱⱱ",
    Viseme.DENTAL: "θðǀ",
    Viseme.ALVEOLAR: "tdlɫɾʈɖɭʎɬɮɺɗᶑʟǁƭʇʖȶȡȴꞎ",
    Viseme.NASAL: "nɲŋɳɴȵ",
    Viseme.VELAR: "kcɟqɢxɣχɰhɦʔɡgʁʀħʕʜʢʡɠʄʛçʝǂƈƙʠʗ",
    Viseme.SIBILANT: "szʦʣɕʑʨʥ",
    Viseme.POSTALVEOLAR: "ʃʒʧʤʂʐɧꭧꭦǃʆʓ",
    Viseme.RHOTIC: "rɹɻɽɼ",
    Viseme.OPEN: "aɑæʌɐɶ",
    Viseme.MID: "eɛɜəɘɚɝɤᵊɞʚ",
    Viseme.SPREAD: "iɪɨjɯᵻɩɿʅ",
    Viseme.MID_ROUNDED: "oɔɒɵ",
    Viseme.CLOSE_ROUNDED: "uʊʉwʍᵿɷ",
    Viseme.ROUNDED_FRONT: "yʏøœɥʮʯ",
}
_ROUNDED_CONSONANT = "ʷ"
_VISEME_OF = {letter: viseme for viseme, letters in _LETTERS.items() for letter in letters}

_AFFRICATES = {
    "tʃ": Viseme.POSTALVEOLAR,
    "dʒ": Viseme.POSTALVEOLAR,
    "ʈʂ": Viseme.POSTALVEOLAR,
    "ɖʐ": Viseme.POSTALVEOLAR,
    "ts": Viseme.SIBILANT,
    "dz": Viseme.SIBILANT,
    "tɕ": Viseme.SIBILANT,
    "dʑ": Viseme.SIBILANT,
    "kp": Viseme.BILABIAL,
    "ɡb": Viseme.BILABIAL,
    "gb": Viseme.BILABIAL,
    "ŋm": Viseme.BILABIAL,
}


def visemes(ipa: str) -> tuple[Viseme, ...]:
    """The lip shapes of a phoneme, in order: one, or two for a diphthong (`aʊ`: OPEN, CLOSE_ROUNDED).

    Stress, length, tone, tie bars and diacritics are ignored, but for ʷ: the consonant ends rounded. () for marks
    and blanks alone. A letter that is not in the table is a sound whose lips we know nothing about: VELAR, which leaves
    them to its neighbours.
    """
    letters = _letters(ipa)
    found: list[Viseme] = []
    i = 0
    while i < len(letters):
        pair = letters[i : i + 2]
        if pair in _AFFRICATES:
            found.append(_AFFRICATES[pair])
            i += 2
        else:
            found.append(_VISEME_OF.get(letters[i], Viseme.VELAR))
            i += 1
    if found and ipa.endswith(_ROUNDED_CONSONANT) and found[-1] not in VOWELS:
        found.append(Viseme.CLOSE_ROUNDED)
    return tuple(found)


def is_known(ipa: str) -> bool:
    """True where every letter of the phoneme has lips of its own in the table: nothing is left to the default."""
    return all(letter in _VISEME_OF for letter in _letters(ipa))


def closes_lips(ipa: str) -> bool:
    """True where the lips must meet: p, b, m and their kin."""
    return Viseme.BILABIAL in visemes(ipa)


def _letters(ipa: str) -> str:
    """Base letters only. ç decomposes into c and a cedilla, so it is looked up whole first."""
    kept = []
    for character in unicodedata.normalize("NFC", ipa):
        if character in _VISEME_OF:
            kept.append(character)
            continue
        base = unicodedata.normalize("NFD", character)[0]
        if base in _VISEME_OF or unicodedata.category(base) in ("Ll", "Lu", "Lo"):
            kept.append(base)
    return "".join(kept)
