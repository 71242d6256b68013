"""Checks of what is said: names kept, no sentence left out, no line said twice. Pure text, no model."""

from __future__ import annotations

import statistics
from itertools import pairwise

from dub.finding import Finding
from dub.gates import Gates, not_measured
from dub.repetition import longest_loop
from dub.script import DubScript, Translation
from dub.word_error import comparable_words
from lang.bcp47 import Locale
from lang.known_names import has_own_word
from lang.names import lost_names, names
from lang.registry import language
from lang.scripts import transliterator
from lang.sentences import split_sentences

CAPITALISED_NOUNS = frozenset({"de", "lb"})
"""Languages that capitalise every noun, so that capitals tell no names."""
SCRIPTS_WITH_CASE = frozenset({"Latn", "Cyrl", "Grek", "Armn"})
SHORTENED = 0.75
"""Against the title's usual length: a line whose sentences were merely joined is not so much shorter."""
LEAST_LINES = 4
SAME_LINE = 0.9
LEAST_WORDS_SAID_TWICE = 3

Pair = tuple[str, str, str]
"""Utterance id, source, target."""


def check_content(script: DubScript, translation: Translation, gates: Gates) -> tuple[Finding, ...]:
    """Of every line that has a translation."""
    target = {line.utterance_id: line.text for line in translation.lines}
    pairs = [(line.id, line.text, target[line.id]) for line in script.utterances if target.get(line.id, "").strip()]
    return (
        *_names(pairs, script.source_locale, translation.locale, gates),
        *_sentences(pairs, gates),
        *_said_twice(pairs, gates),
    )


def _names(pairs: list[Pair], source: Locale, target: Locale, gates: Gates) -> list[Finding]:
    scripts = {language(source).script, language(target).script}
    if source.language in CAPITALISED_NOUNS or not scripts <= SCRIPTS_WITH_CASE:
        why = f"capital letters tell no names from {source} into {target}"
        return [not_measured("names_kept", why, matters=False)]
    n_names, findings = 0, []
    for id_, said, translated in pairs:
        wanted = [name for name in names(_latin(said)) if not has_own_word(name, source)]
        n_names += len(wanted)
        lost = set(lost_names(_latin(said), _latin(translated)))
        if missing := [name for name in wanted if name in lost]:
            findings.append(
                gates.finding(
                    "names_kept",
                    float(len(missing)),
                    f"The translation lacks {', '.join(missing)}, or spells it quite otherwise.",
                    todo="Correct it, or put the name in the glossary.",
                    utterance_id=id_,
                )
            )
    return findings or [gates.finding("names_kept", 0.0, f"All {n_names} names of the source are in the translation.")]


def _sentences(pairs: list[Pair], gates: Gates) -> list[Finding]:
    """Fewer sentences and much shorter than this title's lines usually are: either alone is a translator's freedom."""
    lengths = {
        id_: _n_letters(translated) / n_source for id_, said, translated in pairs if (n_source := _n_letters(said))
    }
    if len(lengths) < LEAST_LINES:
        return []
    usual = statistics.median(lengths.values())
    findings = []
    for id_, said, translated in pairs:
        n_sentences = len(split_sentences(said))
        n_missing = n_sentences - len(split_sentences(translated))
        if n_missing > 0 and lengths.get(id_, usual) < SHORTENED * usual:
            findings.append(
                gates.finding(
                    "sentences_kept",
                    float(n_missing),
                    f"The source has {n_sentences} sentences here, the translation {n_missing} fewer, and it is "
                    f"{lengths[id_] / usual:.0%} as long as lines usually are.",
                    todo="Something was left out: complete it.",
                    utterance_id=id_,
                )
            )
    return findings or [gates.finding("sentences_kept", 0.0, "No sentence is missing by count and length.")]


def _said_twice(pairs: list[Pair], gates: Gates) -> list[Finding]:
    findings = []
    for (_, said_before, before), (id_, said, translated) in pairwise(pairs):
        is_long = len(comparable_words(translated)) >= LEAST_WORDS_SAID_TWICE
        if is_long and _alike(before, translated) and not _alike(said_before, said):
            told = "This line says what the line before says; the source does not."
            findings.append(gates.finding("said_twice", 1.0, told, todo="Translate it anew.", utterance_id=id_))
    for id_, said, translated in pairs:
        loop = longest_loop(translated)
        is_long = loop.n_words >= LEAST_WORDS_SAID_TWICE
        if loop.times > 1 and is_long and longest_loop(said).times == 1:
            told = f"The same {loop.n_words} words are said {loop.times} times on end; the source says them once."
            findings.append(gates.finding("said_twice", 1.0, told, todo="Shorten it.", utterance_id=id_))
    return findings or [gates.finding("said_twice", 0.0, "Nothing is said twice that the source says once.")]


def _latin(text: str) -> str:
    """In plain Latin letters, capitals kept: the same name in Cyrillic, or with accents, is spelled much alike."""
    return str(transliterator("Any-Latin; Latin-ASCII").transliterate(text))


def _alike(one: str, other: str) -> bool:
    import rapidfuzz

    words = (" ".join(comparable_words(text)) for text in (one, other))
    return rapidfuzz.fuzz.ratio(*words) >= 100 * SAME_LINE


def _n_letters(text: str) -> int:
    return sum(map(len, comparable_words(text)))
