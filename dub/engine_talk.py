"""What translation engines leave in their answers that is no translation: their own marks, and talk about the task."""

from __future__ import annotations

import re

from lang.bcp47 import Locale
from lang.registry import UnknownLanguage, language, name_of

_TAGS = re.compile(
    r"<2[a-z]{2,3}(?:_\w+)?>|__\w{2,8}__|>>\w{2,8}<<|</?s>|<(?:pad|unk|mask|bos|eos)>|⁇|▁|<\|[^|<>]*\|>|\[/?INST\]"
    r"|\b[a-z]{3}_[A-Z][a-z]{3}\b|&(?:amp|quot|lt|gt|apos|nbsp|#\d+);|```"
)
"""Language tokens of MADLAD, M2M100, OPUS-MT and NLLB, SentencePiece's marks, chat templates, HTML entities."""
_TALK = re.compile(
    r"\b(?:here(?: is|'s|’s)|this is) (?:the|your|a) (?:\w+ )?translat"
    r"|^\W*(?:the )?(?:\w+ )?translat(?:ion|ed text)(?: (?:is|in|into|of|to)\b[^:]*)?\s*:"
    r"|\bi(?: am|'m|’m) (?:sorry|unable),? .*\btranslat|\bi (?:cannot|can't|can’t) translate"
    r"|^\W*(?:claro|por supuesto|aquí tienes?|aquí está|aqui está)\b.*\btradu[cç]"
    r"|^\W*(?:voici|bien sûr)\b.*\btraduction|^\W*(?:hier ist|natürlich)\b.*\bübersetzung"
    r"|^\W*(?:以下是.{0,6}翻[译譯]|(?:翻[译譯]|[译譯]文)\s*[:：])|^\W*(?:перевод|вот перевод)\b.{0,30}:",
    re.IGNORECASE,
)
"""What chat models say instead of, or before, the translation."""
_ENGLISH_TALK = re.compile(
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely)\b[\s,.!:]*(?:here|the translation|i)\b"
    r"|\bas an ai\b|\blanguage model\b|\bi (?:cannot|can't|can’t) (?:assist|help with)",
    re.IGNORECASE,
)
"""... and what is talk only where the translation is not English: else it may be a right one ("Of course, here we
are")."""
_OF_TRANSLATION = re.compile(r"translat|tradu|übersetz|перев[оеё]|翻[译譯訳]|[译譯]文", re.IGNORECASE)
"""A source that is about translation may have a translation that is."""


_LABEL = re.compile(r"^\W*\w+(?: \w+)?\s*[:：]")


def leaked_mark(source: str, target: str) -> str:
    """The first mark of an engine in a translation that its source does not have, "" for none."""
    return next((mark for mark in _TAGS.findall(target) if mark not in source), "")


def talk_about_translation(source: str, target: str, locale: Locale) -> str:
    """The words with which a model speaks of the translation, or names the language (`Spanish: Hola`) before it; ""
    for none, and for a source that speaks so itself."""
    kinds = [] if _OF_TRANSLATION.search(source) else [_TALK]
    kinds += [] if locale.language == "en" or _ENGLISH_TALK.search(source) else [_ENGLISH_TALK]
    kinds += [] if _LABEL.match(source) else [_label(locale)]
    found = next((found for kind in kinds if (found := kind.search(target))), None)
    return found.group().strip() if found else ""


def _label(locale: Locale) -> re.Pattern[str]:
    known = {name_of(locale)}
    try:
        row = language(locale)
        known |= {row.name, row.autonym} - {""}
    except UnknownLanguage:
        pass
    return re.compile(rf"^\W*(?:{'|'.join(map(re.escape, sorted(known)))})\s*[:：]", re.IGNORECASE)
