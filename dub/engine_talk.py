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
_CHAT = re.compile(
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely)\b[\s,.!:]*(?:here|the translation|i)\b"
    r"|\b(?:here(?: is|'s|’s)|this is) (?:the|your|a) (?:\w+ )?translat"
    r"|^\W*(?:the )?(?:\w+ )?translat(?:ion|ed text)(?: (?:is|in|into|of|to)\b[^:]*)?\s*:"
    r"|\bas an ai\b|\blanguage model\b|\bi(?: am|'m|’m) (?:sorry|unable),? .*\btranslat"
    r"|\bi (?:cannot|can't|can’t) (?:translate|assist|help with)"
    r"|^\W*(?:claro|por supuesto|aquí tienes?|aquí está|aqui está)\b.*\btradu[cç]"
    r"|^\W*(?:voici|bien sûr)\b.*\btraduction|^\W*(?:hier ist|natürlich)\b.*\bübersetzung"
    r"|^\W*(?:以下是.{0,6}翻[译譯]|(?:翻[译譯]|[译譯]文)\s*[:：])|^\W*(?:перевод|вот перевод)\b.{0,30}:",
    re.IGNORECASE,
)
"""What chat models say instead of, or before, the translation."""


def leaked_mark(source: str, target: str) -> str:
    """The first mark of an engine in a translation that its source does not have, "" for none."""
    return next((mark for mark in _TAGS.findall(target) if mark not in source), "")


def talk_about_translation(source: str, target: str, locale: Locale) -> str:
    """The words with which a model speaks of the translation, or names the language (`Spanish: Hola`) before it; ""
    for none, and for a source that speaks so itself."""
    if _CHAT.search(source):
        return ""
    found = _CHAT.search(target) or _label(locale).search(target)
    return found.group().strip() if found else ""


def _label(locale: Locale) -> re.Pattern[str]:
    known = {name_of(locale)}
    try:
        row = language(locale)
        known |= {row.name, row.autonym} - {""}
    except UnknownLanguage:
        pass
    return re.compile(rf"^\W*(?:{'|'.join(map(re.escape, sorted(known)))})\s*[:：]", re.IGNORECASE)
