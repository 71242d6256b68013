"""Locale: a validated, canonical BCP-47 tag. A language enters polydub once as text and is a Locale ever after."""

from __future__ import annotations

from typing import Any


class Locale(str):
    """A canonical BCP-47 tag such as `es`, `pt-BR`, `es-419`, `zh-Hant-TW`, `ca-valencia`.

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

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def _canonical(tag: str) -> str:
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    try:
        parsed = langcodes.get(tag.strip().replace("_", "-"), normalize=True)
    except LanguageTagError as error:
        raise ValueError(f"{tag!r} is not a BCP-47 language tag: {error}") from error
    if not parsed.is_valid():
        raise ValueError(f"{tag!r} is well-formed, but no registered language, script or region")
    return parsed.to_tag()
