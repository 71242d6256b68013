"""How an uploaded title is to be dubbed: what a sidecar beside it, its tags or the watched prefix's defaults say.

    # talk.polydub.toml, beside talk.mp4
    targets = ["es", "pt-BR"]
    source_locale = "en"
    glossary = "terms.csv"            # beside the sidecar, or in a folder below it
    scripts = { es = "talk.es.srt" }

Each field is taken from the first of the three that has it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from dub.artifact import Record
from dub.errors import BadInput
from dub.location import Location, S3Url, located
from lang.bcp47 import Locale
from lang.registry import supported_locale

SIDECAR_ENDING = ".polydub.toml"
MAX_SIDECAR_BYTES = 64 * 1024
_PLACES = ("cast", "consent", "memory", "glossary")
_BETWEEN = re.compile(r"[,;\s+:/]+")
_TAGS = {
    "polydub-to": "targets",
    "polydub-from": "source_locale",
    "polydub-profile": "profile",
    "polydub-speakers": "n_speakers",
    "polydub-title": "title",
}


def _locale(tag: Any) -> Any:
    return supported_locale(tag) if isinstance(tag, str) else tag  # UnknownLanguage is a ValueError


def _targets(given: Any) -> Any:
    """`["es", "pt-BR"]`, or in one text: what stands between them is any mark that S3 allows in a tag."""
    tags = [tag for tag in _BETWEEN.split(given) if tag] if isinstance(given, str) else given
    if isinstance(tags, list) and not tags:
        raise ValueError("it names no locale")
    if isinstance(tags, list) and len(set(map(str, tags))) != len(tags):
        raise ValueError("a locale is named twice")
    return tags


KnownLocale = Annotated[Locale, BeforeValidator(_locale)]


class JobSettings(Record):
    """The fields of a Job (dub/plan.py) that a title may set; only those that were given count (`over`)."""

    targets: Annotated[tuple[KnownLocale, ...], BeforeValidator(_targets)] = ()
    profile: str = "embedded"
    source_locale: KnownLocale | None = None
    n_speakers: int | None = Field(default=None, ge=1)
    scripts: Mapping[KnownLocale, Location] = {}
    cast: Location | None = None
    consent: Location | None = None
    memory: Location | None = None
    glossary: Location | None = None
    title: str = Field(default="", max_length=120, pattern=r"^[^/\\\x00-\x1f]*$")

    def over(self, others: JobSettings) -> JobSettings:
        """These, and of the others what these do not say."""
        return others.model_copy(update=self.given())

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


def read_sidecar(text: bytes, url: S3Url) -> JobSettings:
    """Raises BadInput naming the sidecar, the field and the mend."""
    where = f"the sidecar {url}"
    try:
        table = tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{where} is not TOML: {error}", mend="see docs/triggers.md for an example") from error
    return _from_outside(table, where, lambda name: _beside(url, name))


def read_tags(tags: Mapping[str, str], url: S3Url) -> JobSettings:
    """The settings among an object's tags. Raises BadInput for a `polydub-...` tag that we do not know."""
    where = f"the tags of {url}"
    ours = {name: value.strip() for name, value in tags.items() if name.startswith("polydub-")}
    if unknown := sorted(set(ours) - set(_TAGS)):
        raise BadInput(f"{where}: {unknown[0]!r} is no tag that we know", mend=f"they are {', '.join(_TAGS)}")
    return _from_outside({_TAGS[name]: value for name, value in ours.items()}, where, lambda name: name)


def read_defaults(table: Mapping[str, Any], where: str) -> JobSettings:
    """The operator's own: places are anywhere, a profile may be a path. Raises BadInput."""
    return _settings(dict(table), where, _anywhere)


def _from_outside(table: dict[str, Any], where: str, place: Callable[[str], Any]) -> JobSettings:
    """As whoever may upload writes it: no file of the machine that runs the job can be named."""
    profile = table.get("profile")
    if isinstance(profile, str) and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", profile):
        raise BadInput(f"{where}, field 'profile': {profile[:80]!r} is no profile's name", mend="name a shipped one")
    return _settings(table, where, place)


def _settings(table: dict[str, Any], where: str, place: Callable[[str], Any]) -> JobSettings:
    try:
        for field in _PLACES:
            if field in table:
                table[field] = _placed(table[field], f"{where}, field {field!r}", place)
        if isinstance(scripts := table.get("scripts"), dict):
            table["scripts"] = {
                locale: _placed(name, f"{where}, field 'scripts.{locale}'", place) for locale, name in scripts.items()
            }
        return JobSettings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        said = first["msg"].removeprefix("Value error, ")
        raise BadInput(
            f"{where}, field {field!r}: {said}", mend=f"the fields are {', '.join(JobSettings.model_fields)}"
        ) from None


def _placed(name: Any, where: str, place: Callable[[str], Any]) -> Any:
    if not isinstance(name, str) or not name:
        raise BadInput(f"{where} is no file's name", mend='for example "terms.csv"')
    try:
        return place(name)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _anywhere(name: str) -> Path | S3Url:
    place = located(name)
    if isinstance(place, Path) and not place.is_absolute():
        raise BadInput(f"{name!r} is relative to nothing", mend="write /a/file or s3://bucket/key")
    return place


def _beside(sidecar: S3Url, name: str) -> S3Url:
    """An object in the sidecar's folder or below it."""
    if "://" in name or name.startswith(("/", "~")) or "\\" in name or ".." in name.split("/"):
        raise BadInput(f"{name[:200]!r} is not beside the sidecar", mend="name a file in its folder, or below it")
    return sidecar.parent / name
