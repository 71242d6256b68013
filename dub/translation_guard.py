"""The translation guard: may this line be spoken? Pure text; it refuses what no listener could take for the language.

It looks for what engines and hurried translators do wrong as a whole: nothing, another script, another language, the
source itself, a loop, far too much or too little, the engine's own marks, an answer in place of a translation. Whether
a translation is good is not its matter.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dub.artifact import Record
from dub.engine_talk import leaked_mark, talk_about_translation
from dub.repetition import compressibility, longest_loop, most_times
from dub.word_error import comparable_words
from lang import names
from lang.bcp47 import Locale
from lang.language import Language, are_close
from lang.registry import UnknownLanguage, language, name_of
from lang.scripts import dominant_script, is_in_script
from lang.udhr import article_1

FaultName = Literal[
    "empty", "leaked_tags", "chat", "wrong_script", "copy", "wrong_language", "repetition", "too_long", "too_short"
]

SURE_FROM_LETTERS = ((100, 0.35), (60, 0.5), (20, 0.9))
"""From so many letters on a language identifier is believed at this probability. Over 8,470 passages of three to thirty
words of the Universal Declarations in the 113 languages that py3langid knows it named no wrong language in 700 passages
of 60 letters and more, nor above 0.82 in 4,455 of 20 to 60; below 20 letters it does at 0.92. Of a long text 0.35 is
enough: languages that are written alike (Bosnian, Croatian, Serbian) share what is certain among them."""

LEAST_WORDS_COPIED = 4
"""Different words: "no, no, no, no" is the same in many languages."""
COPIED_SHARE = 0.8
"""Words of the target that are the source's. Of all pairs of Universal Declarations only close languages (bs/hr) share
more than 0.74; Mon and Burmese, the next, share 0.64."""
KINDRED = 0.2
LEAST_WORDS_COPIED_BY_KIN = 8
"""Between languages whose Universal Declarations share a fifth of their words (Portuguese and Galician 0.44, Czech and
Slovak 0.28) a right line of six words may share five: only the whole line, and a longer one, counts as copied."""

TIMES_SAID = 4
"""A word or two said this often on end is a loop, unless the source says as much."""
TIMES_A_PASSAGE_IS_SAID = 3
PASSAGE_WORDS = 3
"""... and from three words on, three times is enough."""
COMPRESSIBLE = 2.4
COMPRESSIBLE_AGAINST_SOURCE = 1.5
LEAST_CHARACTERS_TO_COMPRESS = 40
"""The most repetitive Universal Declaration (Shipibo-Conibo) has 2.2; loops start at 3. 2.4 is Whisper's own limit."""

LONGEST, SHORTEST = 4.0, 0.25
"""Length against what the two languages' usual lengths lead to expect. The length of Article 1 over that of the whole
Declaration differs by up to 1.6 from language to language, so that 4 is far outside."""
LEAST_CHARACTERS_FOR_LENGTH = 12

_EITHER_CHINESE = {"Hans": "Hani", "Hant": "Hani"}
"""A voice reads both: which of the two is written matters to the subtitles alone."""
_WORD = re.compile(r"\w")
_LETTER = re.compile(r"[^\W\d_]")
_LETTER_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class ReadAs:
    """What a language identifier takes the target text for; probability 0..1 over all the languages it knows."""

    locale: Locale
    probability: float


@dataclass(frozen=True)
class Line:
    """One line and its translation. `read_as`: None where the identifier cannot judge: it does not know the target
    language, or there is nothing to read."""

    source: str
    source_locale: Locale
    target: str
    target_locale: Locale
    read_as: ReadAs | None = None


class Fault(Record):
    """Why a line may not be spoken. `value`, `limit`: what was measured, where something was."""

    name: FaultName
    message: str
    value: float | None = None
    limit: float | None = None


def fault_of(line: Line) -> Fault | None:
    """The first reason why a line may not be spoken, None when it may. The checks go from the plainest to the least
    certain one. A line whose source has no words either is not judged."""
    if not _WORD.search(line.target):
        return Fault(name="empty", message="it has no words") if _WORD.search(line.source) else None
    checks = (_leaked, _chatty, _in_wrong_script, _copied, _in_wrong_language, _repeated, _of_wrong_length)
    return next((fault for check in checks if (fault := check(line))), None)


def reads_otherwise(read_as: ReadAs | None, text: str, locale: Locale) -> bool:
    """Whether a text is surely in another language than `locale`, and in none that is mistaken for it."""
    return (
        read_as is not None
        and read_as.probability >= _sure_of(text)
        and read_as.locale.language != locale.language
        and not are_close(read_as.locale, locale)
    )


def is_long_enough_to_read(text: str) -> bool:
    """Whether a language identifier could be believed about a text of this length."""
    return _sure_of(text) <= 1


def _sure_of(text: str) -> float:
    n_letters = len(_LETTER.findall(text))
    return next((probability for least, probability in SURE_FROM_LETTERS if n_letters >= least), math.inf)


def _leaked(line: Line) -> Fault | None:
    found = leaked_mark(line.source, line.target)
    return Fault(name="leaked_tags", message=f"it holds an engine's own mark: {found}") if found else None


def _chatty(line: Line) -> Fault | None:
    found = talk_about_translation(line.source, line.target, line.target_locale)
    return Fault(name="chat", message=f"it talks about the translation: “{found}…”") if found else None


def _in_wrong_script(line: Line) -> Fault | None:
    row = _language(line.target_locale)
    script = _EITHER_CHINESE.get(row.script, row.script) if row else ""
    if row is None or is_in_script(line.target, script) or _is_all_names(line):
        return None
    found = dominant_script(line.target)
    return Fault(
        name="wrong_script",
        message=f"it is written in {found}, {name_of(line.target_locale)} in {row.script}",
    )


def _is_all_names(line: Line) -> bool:
    """`IBM.`, `Jordi Mas!`: a line that is one name may stay as it is in any script."""
    words = _LETTER_WORD.findall(line.target)
    return len(words) < LEAST_WORDS_COPIED and all(word[0].isupper() and word in line.source for word in words)


def _copied(line: Line) -> Fault | None:
    """By count of words: a copy with a word more or less is still one. Names and numbers are the same in both."""
    one, other = line.source_locale, line.target_locale
    if one.language == other.language or are_close(one, other):
        return None
    kept = set() if line.source.isupper() else set(comparable_words(" ".join(names.names(line.source))))
    source, target = (_plain_words(text, kept) for text in (line.source, line.target))
    are_kin = _share_of_article(one, other) >= KINDRED
    least, limit = (LEAST_WORDS_COPIED_BY_KIN, 1.0) if are_kin else (LEAST_WORDS_COPIED, COPIED_SHARE)
    if min(len(source), len(target)) < least:
        return None
    share = (source & target).total() / target.total()
    if share < limit:
        return None
    message = f"{share:.0%} of its words are the {name_of(one)} line's own"
    return Fault(name="copy", message=message, value=share, limit=limit)


@lru_cache(maxsize=1024)
def _share_of_article(one: Locale, other: Locale) -> float:
    """Words that two languages share in the same text; 0.0 where it is not known in both."""
    rows, articles = (_language(one), _language(other)), article_1()
    texts = [articles.get(row.locale, "") if row else "" for row in rows]
    words, others = (Counter(comparable_words(text)) for text in texts)
    return (words & others).total() / min(words.total(), others.total()) if words and others else 0.0


def _plain_words(text: str, without: Iterable[str]) -> Counter[str]:
    return Counter(word for word in comparable_words(text) if word not in without and not word.isdecimal())


def _in_wrong_language(line: Line) -> Fault | None:
    read = line.read_as
    if read is None or not reads_otherwise(read, line.target, line.target_locale):
        return None
    return Fault(
        name="wrong_language",
        message=f"it reads like {name_of(read.locale)}, not like {name_of(line.target_locale)}",
        value=read.probability,
        limit=_sure_of(line.target),
    )


def _repeated(line: Line) -> Fault | None:
    loop = longest_loop(line.target)
    enough = TIMES_A_PASSAGE_IS_SAID if loop.n_words >= PASSAGE_WORDS else TIMES_SAID
    if loop.times >= enough and loop.times > most_times(line.source):
        message = f"it says the same {loop.n_words} words {loop.times} times on end"
        return Fault(name="repetition", message=message, value=loop.times, limit=enough)
    if len(line.target) < LEAST_CHARACTERS_TO_COMPRESS:
        return None
    limit = max(COMPRESSIBLE, COMPRESSIBLE_AGAINST_SOURCE * compressibility(line.source))
    value = compressibility(line.target)
    message = "it says nearly the same over and over"
    return Fault(name="repetition", message=message, value=value, limit=limit) if value > limit else None


def _of_wrong_length(line: Line) -> Fault | None:
    """A short source line may become any length below the limit of a line of twelve characters."""
    n_source, n_target = (sum(map(len, comparable_words(text))) for text in (line.source, line.target))
    if not n_source:
        return None
    usual = _char_ratio(line.target_locale) / _char_ratio(line.source_locale)
    expected = max(n_source, LEAST_CHARACTERS_FOR_LENGTH) * usual
    ratio = n_target / expected
    if ratio > LONGEST:
        message = f"it is {ratio:.1f} times as long as a translation of this line would be"
        return Fault(name="too_long", message=message, value=ratio, limit=LONGEST)
    if n_source >= LEAST_CHARACTERS_FOR_LENGTH and ratio < SHORTEST:
        message = f"it has {ratio:.0%} of the length that a translation of this line would have"
        return Fault(name="too_short", message=message, value=ratio, limit=SHORTEST)
    return None


def _char_ratio(locale: Locale) -> float:
    row = _language(locale)
    return (row.char_ratio if row else None) or 1.0


def _language(locale: Locale) -> Language | None:
    try:
        return language(locale)
    except UnknownLanguage:
        return None
