"""Shorter ways to say the same, by rule: for lines that do not fit their time. Few, and safe in any sentence."""

from __future__ import annotations

import re

from lang.bcp47 import Locale
from lang.text import capitalised_like

_REPHRASINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "pt": ((r"\bmeu nome é\b", "me chamo"), (r"\bNós vamos\b", "Vamos"), (r"\bde todos os\b", "dos")),
    "es": ((r"\bmi nombre es\b", "me llamo"),),
    "ca": ((r"\bel meu nom és\b", "em dic"), (r"\b[Nn]osaltres\b ", "")),
    "gl": ((r"\bmeu nome é\b", "chámome"),),
    "it": ((r"\bil mio nome è\b", "mi chiamo"),),
    "fr": ((r"\bmon nom est\b", "je m'appelle"),),
}
"""A wording and a shorter one of the same meaning."""

_PRONOUNS = {
    "pt": ("eu", "nós"),
    "es": ("yo", "nosotros", "nosotras"),
    "ca": ("jo", "nosaltres"),
    "gl": ("eu", "nós"),
    "it": ("io", "noi"),
    "ast": ("yo", "nós"),
    "an": ("yo", "nusatros"),
}
"""Subject pronouns that the verb's own ending says again: they can go before a verb, and mostly do in speech."""

_FILLERS = {
    "en": ("well", "so", "actually", "basically", "you know", "i mean"),
    "pt": ("bem", "bom", "então", "na verdade", "basicamente", "sabe", "quer dizer"),
    "es": ("bien", "bueno", "pues", "entonces", "en verdad", "en realidad", "básicamente"),
    "ca": ("bé", "bo", "llavors", "aleshores", "de fet", "en realitat", "bàsicament"),
    "gl": ("ben", "entón", "en realidade", "basicamente"),
    "it": ("bene", "allora", "dunque", "in realtà", "praticamente"),
    "fr": ("bien", "alors", "en fait", "donc"),
}
"""Said at the start of a sentence and followed by a comma, they carry no meaning of their own."""


def shorter_wordings(text: str, locale: Locale) -> tuple[str, ...]:
    """Other wordings of `text`, the shortest first; () where no rule applies."""
    language = locale.language
    wordings = {text}
    for rule in (_rephrased, _without_pronouns, _without_fillers):
        wordings |= {rule(wording, language) for wording in wordings}
    wordings.discard(text)
    return tuple(sorted((wording for wording in wordings if len(wording) < len(text)), key=lambda w: (len(w), w)))


def _rephrased(text: str, language: str) -> str:
    for longer, short in _REPHRASINGS.get(language, ()):
        text = capitalised_like(re.sub(longer, short, text, flags=re.IGNORECASE), text)
    return text


def _without_pronouns(text: str, language: str) -> str:
    """Drops a subject pronoun at the start of a clause; `eu` after a preposition, before `mesmo` or `e ela` stays."""
    pronouns = _PRONOUNS.get(language)
    if not pronouns:
        return text
    one_of = "|".join(pronouns)
    clause_start = r"(^|[.!?,;:] |\b(?:e|y|i|que|mas|pero|però|quando|cuando|quan) )"
    no_subject = r"(?!mesm|mism|mateix|stess|tamb|anche|e\b|y\b|i\b|o\b|ou\b)"
    short = re.sub(rf"{clause_start}(?:{one_of}) {no_subject}(?=\w)", r"\1", text, flags=re.IGNORECASE)
    if short == text:
        return text
    after_stop = re.sub(r"([.!?] )(\w)", lambda found: found.group(1) + found.group(2).upper(), short)
    return capitalised_like(after_stop, text)


def _without_fillers(text: str, language: str) -> str:
    fillers = _FILLERS.get(language)
    if not fillers:
        return text
    one_of = "|".join(fillers)
    return capitalised_like(re.sub(rf"^([¿¡]?)(?:{one_of}), (?=\w)", r"\1", text, flags=re.IGNORECASE), text)
