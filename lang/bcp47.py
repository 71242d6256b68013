"""Locale: a validated, canonical BCP-47 tag. A language enters polydub once as text and is a Locale ever after."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any

LANGUAGE_OF_CODE = MappingProxyType(
    {
        **dict.fromkeys(("no", "nor"), "nb"),  # what is written and translated under `no` is Bokmål; Nynorsk says `nn`
        "gom": "kok",  # Goan Konkani is the Konkani of every engine's list
        "fuv": "ff",
        "pbt": "ps",
        "zlm": "ms",
        "ajp": "apc",  # ISO 639-3 merged South Levantine into North Levantine in 2023
        "prs": "prs",  # Dari and Congo Swahili have engine codes of their own: no region of Persian, of Swahili
        "swc": "swc",
    }
)
"""Where langcodes and CLDR's aliases give another language than the engines' lists mean, or none."""

DEFAULT_SCRIPTS = MappingProxyType(
    {
        "acm": "Arab",
        "azb": "Arab",
        "bgp": "Arab",
        "crh": "Latn",
        "gof": "Latn",
        "grc": "Grek",
        "kjg": "Latn",
        "kjh": "Cyrl",
        "nan": "Latn",
        "nog": "Cyrl",
        "prs": "Arab",
        "suz": "Deva",
        "syl": "Latn",
        "tcy": "Mlym",
        "xal": "Cyrl",
    }
)
"""The script that engines read and write for a bare tag, where CLDR's likely subtags have another or guess Latin."""


class Locale(str):
    """A canonical BCP-47 tag such as `es`, `pt-BR`, `es-419`, `zh-Hant-TW`, `ca-valencia`.

    It names its script only where that is not the language's usual one: `zh-Hans` is `zh`, `zh-TW` is `zh-Hant-TW`.
    Being a `str`, it prints, sorts and serialises as its tag. Build it with `Locale.parse`; the constructor
    does the same, so a Locale is always canonical.
    """

    __slots__ = ()

    def __new__(cls, tag: str) -> Locale:
        if isinstance(tag, Locale):
            return tag
        return super().__new__(cls, _canonical(tag))

    @classmethod
    def parse(cls, tag: str) -> Locale:
        """Canonical Locale for `tag`; raises ValueError when it is no well-formed, registered BCP-47 tag."""
        return cls(tag)

    @property
    def language(self) -> str:
        """The first subtag: `pt` of `pt-BR`."""
        return self.split("-", 1)[0]

    @property
    def script(self) -> str:
        """ISO 15924 code of the script it is written in: `Cyrl` of `sr`, `Latn` of `sr-Latn`."""
        named = [part for part in self.split("-")[1:] if len(part) == 4 and part.isalpha()]
        return named[0] if named else default_script(self.language)

    @property
    def written(self) -> Locale:
        """Language and script alone, what a text is written in: `es` of `es-MX`, `zh-Hant` of `zh-Hant-TW`."""
        script = self.script
        return Locale(self.language if script == default_script(self.language) else f"{self.language}-{script}")

    @property
    def is_wide(self) -> bool:
        """Whether it is of no single country: no region and no variant, or an area of the world (`es-419`)."""
        rest = str(self).removeprefix(self.written).removeprefix("-")
        return not rest or rest.isdigit()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


@lru_cache(maxsize=4096)
def default_script(language: str) -> str:
    """ISO 15924 code of the script that a language without a script subtag is written in."""
    import langcodes

    return DEFAULT_SCRIPTS.get(language) or str(langcodes.get(language).maximize().script)


@lru_cache(maxsize=4096)
def _canonical(tag: str) -> str:
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    code, dash, rest = tag.strip().replace("_", "-").partition("-")
    ours = LANGUAGE_OF_CODE.get(code.lower())
    try:
        normal = f"{ours}{dash}{rest}" if ours else langcodes.standardize_tag(f"{code}{dash}{rest}", macro=True)
        parsed = langcodes.get(normal, normalize=False)
    except LanguageTagError as error:
        raise ValueError(f"{tag!r} is not a BCP-47 language tag: {error}") from error
    if not parsed.is_valid():
        raise ValueError(f"{tag!r} is well-formed, but no registered language, script or region")
    return str(_with_script_where_it_tells(parsed).to_tag())


def _with_script_where_it_tells(parsed: Any) -> Any:
    """The tag with the script that its region implies, and without the script that it would have anyway."""
    usual = default_script(parsed.language or "und")
    implied = usual
    if parsed.territory and parsed.language not in DEFAULT_SCRIPTS:
        implied = parsed.update_dict({"script": None}).maximize().script
    script = parsed.script or implied
    return parsed.update_dict({"script": None if script == usual == implied else script})
