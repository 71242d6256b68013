"""Which texts ask: the question marks of all scripts."""

from __future__ import annotations

from lang.bcp47 import Locale
from lang.scripts import script_of_char
from lang.sentences import CLOSERS, split_sentences, terminators

QUESTION_MARKS = frozenset("?\u037e؟፧᥅⁇⁈⁉⳺⳻⸮？︖﹖꘏꛷‽⸘𑅃\U0001e95f")
"""Unicode's punctuation whose name says question mark (and the interrobang): Greek, Arabic, Ethiopic, Limbu, Coptic,
Vai, Bamum, Chakma, Adlam, and the wide, small and doubled forms of the Latin one."""

_ARMENIAN = "\u055e"
"""It stands over a vowel of the word that is asked about, and the sentence ends in a full stop or nothing."""

_JAPANESE_PARTICLE = "か"
"""It ends a question in polite Japanese, after which the full stop is the usual mark."""

_TONAL = frozenset(
    """zh yue wuu nan hak gan hsn cdo cjy vi th lo my shn hmn mww ii za bo dz pa
    yo ig ha ee ak tw fon bm dyu ln lua kg sn zu xh ss nr ve ts tn st nso ny bem tum lg rw rn ki luo kam sg mos
    nv ote mix zap""".split()  # noqa: SIM905
)
"""Languages in which the pitch of a syllable tells words apart (WALS chapter 13, I. Maddieson), among those known to
the registry: there nobody may bend the end of a line."""


def is_question(text: str) -> bool:
    """Whether a text's last sentence asks, by its marks alone; "?!" and "?..." do. A Greek question ends in a
    semicolon, an Armenian one carries its mark inside, a Japanese one may end in a particle and a full stop."""
    sentences = split_sentences(text)
    if not sentences:
        return False
    last = sentences[-1]
    bare = last.rstrip().rstrip(CLOSERS).rstrip()
    marks = bare[len(bare.rstrip("".join(terminators() | QUESTION_MARKS) + ";!")) :]
    if set(marks) & QUESTION_MARKS or _ARMENIAN in last:
        return True
    said = bare[: len(bare) - len(marks)]
    if ";" in marks and said and script_of_char(said[-1]) == "Grek":
        return True
    return said.endswith(_JAPANESE_PARTICLE) and marks[:1] in ("", "。") and script_of_char(said[-1]) == "Hira"


def is_tonal(locale: Locale) -> bool:
    """Whether pitch tells words apart in a language, so that a line's end cannot rise without becoming another word."""
    return locale.language in _TONAL
