"""Text without what no voice should read: markup, emoji, bullets, invisible signs."""

from __future__ import annotations

import html
import re
import unicodedata

from lang.scripts import NO_SCRIPT, script_of_char

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,80}>|\{\\[^{}]*\}")
"""Tags of HTML and WebVTT, and the override blocks of SubStation Alpha that SRT files carry ({\\an8})."""
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_EMPHASIS = re.compile(r"(?<!\w)(\*\*|\*|__|_|~~|`+)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_LINE_START = re.compile(r"^\s*(?:#{1,6}|[-–—*•‣▪◦●○■□►➤·♪]+)\s+", re.MULTILINE)
_LEFT_OVER = re.compile(r"[*•‣▪◦●○■□►➤♪♫`]+")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("’‚‛‹›", "'"))
_COMPATIBLE = {char: unicodedata.normalize("NFKC", char) for char in "℃℉㎞㎏㎝㎜㎡㎢％＄￥￡￦²³"} | {
    "²": "²",
    "³": "³",
}
_SPOKEN_SIGNS = frozenset("°©®™№")
_JOINERS = "\u200c\u200d"
"""They shape the letters of Persian and the scripts of India: kept between letters, dropped elsewhere."""


def without_unspoken(text: str) -> str:
    """`text` in NFC on one line: no markup, emoji, bullets, direction marks or control characters; curly quotes are
    straight, full-width digits and signs are narrow. Letters, digits and punctuation stay."""
    text = unicodedata.normalize("NFC", html.unescape(text))
    text = _MARKUP.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _LINE_START.sub("", text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _LEFT_OVER.sub(" ", text).translate(_QUOTES)
    kept = "".join(_kept(text, index) for index in range(len(text)))
    return " ".join(kept.split())


def _kept(text: str, index: int) -> str:
    char = text[index]
    if char in _JOINERS:
        return char if 0 < index < len(text) - 1 and _is_letter(text[index - 1]) and _is_letter(text[index + 1]) else ""
    if char == "‘":  # a letter's own mark inside a word (Uzbek o‘), a quote elsewhere
        return char if _is_letter(text[index - 1 : index] or " ") and _is_letter(text[index + 1 :][:1] or " ") else "'"
    if char in _COMPATIBLE:
        return _COMPATIBLE[char]
    kind = unicodedata.category(char)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    if kind in ("Cf", "Co", "Cn", "Cs") or "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return ""
    if kind == "So" and char not in _SPOKEN_SIGNS and script_of_char(char) == NO_SCRIPT:
        return " "
    if kind == "Nd" and "\uff10" <= char <= "\uff19":
        return str(unicodedata.digit(char))
    return char


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"
