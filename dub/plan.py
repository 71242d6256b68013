"""Plan: which engine does what. Job: one title to dub, as a person or a deployment asks for it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from dub.artifact import Artifact, Record
from dub.disclosure import Wording
from dub.errors import BadInput
from dub.finding import Level
from dub.gates import DEFAULT_GATES, Gates
from dub.limit import LimitChange
from dub.location import Location
from dub.prices import Prices
from dub.upload_limits import KNOWN, UploadLimit
from lang.bcp47 import Locale
from lang.disclosures import ENGLISH, disclosure_words, nearest


class LocalePlan(Record):
    """What one locale does otherwise than its plan: its own engines, in order; () = as in the plan."""

    translation: tuple[str, ...] = ()
    tts: tuple[str, ...] = ()


class Plan(Record):
    """Engine ids per family. A profile is this record as TOML; a user writes their own.

    `translation`, `tts`: in order of preference. A locale is spoken by the first voice that speaks it; a line that the
    first translation engine fails at is given to the next.
    """

    name: str
    policy: Literal["permissive", "any"] = "any"
    separation: str
    asr: str
    translation: tuple[str, ...]
    tts: tuple[str, ...] = Field(min_length=1)
    aligner: tuple[str, ...] = Field(
        ("dtw",), min_length=1, description="finds phoneme times where a voice tells none: the first the policy allows"
    )
    speaker: tuple[str, ...] = Field(min_length=1, description="the first fits voices, a second one judges them")
    face: str
    lipsync: str
    portrait: str = Field("warped-photo", description="makes a photo talk, for `polydub avatar`")
    speech_quality: str
    language_id: str
    screen_text: str = Field("", description="finds captions in the source's picture; empty: nobody looks for them")
    consent: Literal["noted", "required"] = "noted"
    target_lufs: float = Field(-16.0, ge=-40, le=-8)
    content_credentials: Literal["off", "test", "signed"] = Field(
        default="off", description="C2PA: signed with the certificate in the environment, or with a test one"
    )
    disclosure: Literal["off", "start", "always"] = Field(
        default="off", description="whether the picture itself says that it was made by AI, and how long"
    )
    disclosure_text: dict[Locale, str] = Field(
        default={}, description="what it says, per language, instead of lang/data/disclosures.csv"
    )
    gates: dict[str, LimitChange] = Field(
        default={}, description="limits of single checks, instead of those of dub/gates.py"
    )
    upload_to: tuple[str, ...] = Field(
        default=(), description="places that must take the files: youtube, tiktok, linkedin, x, or of upload_limits"
    )
    upload_limits: tuple[UploadLimit, ...] = Field(default=(), description="places of the plan's own, or other limits")
    quarantine: str = Field(
        default="quarantine",
        pattern=r"^([\w-][\w.-]*)?$",
        description="folder of the output place for the files of a language that failed; empty: beside the others",
    )
    options: dict[str, dict[str, str | int | float | bool]] = Field(
        default={}, description="per engine id, or per family that has one engine: options for it"
    )
    gpu_stages: tuple[str, ...] = Field(
        default=(), description="stages that take a GPU slot where the machine has any: docs/scaling.md"
    )
    locales: dict[Locale, LocalePlan] = Field(default={}, description="what single locales do otherwise")
    prices: Prices | None = Field(default=None, description="what machines cost: without it the report tells no money")

    def engines_of(self, family: str) -> tuple[str, ...]:
        """Ids of the engines named for a family, in order; () for none."""
        named: str | tuple[str, ...] = getattr(self, family)
        return tuple(filter(None, (named,) if isinstance(named, str) else named))

    def limits(self) -> Gates:
        """All limits, the plan's own among them. Raises BadInput."""
        return DEFAULT_GATES.changed(self.gates)

    def uploads(self) -> tuple[UploadLimit, ...]:
        """The places of `upload_to` with their limits. Raises BadInput for one that is not known."""
        known = KNOWN | {limit.name: limit for limit in self.upload_limits}
        for name in self.upload_to:
            if name not in known:
                raise BadInput(
                    f"the plan's upload_to: the limits of {name!r} are not known",
                    mend=f"use one of {', '.join(known)}, or state them in [[upload_limits]]",
                )
        return tuple(known[name] for name in self.upload_to)

    def folder_for(self, verdict: Level) -> str:
        """Where a language's files go in the output place: "" for its root."""
        return self.quarantine if verdict is Level.FAILED else ""

    def wording_for(self, locale: Locale, made: Literal["dub", "lips", "portrait"] = "dub") -> Wording | None:
        """What a language's picture is to say: the user's words, else ours, else ours in English; None for nothing.
        `made`: what is synthetic in it, beside what lip-sync moves."""
        if self.disclosure == "off":
            return None
        if own := nearest(self.disclosure_text, locale):
            return Wording(locale=locale, language=locale, when=self.disclosure, moved=own, unmoved=own, is_users=True)
        table = disclosure_words()
        words = nearest(table, locale)
        language, words = (locale, words) if words else (ENGLISH, table[ENGLISH])
        moved, unmoved = {
            "dub": (words.voice_and_lips, words.voice),
            "lips": (words.lips, words.lips),
            "portrait": (words.portrait, words.portrait),
        }[made]
        return Wording(locale=locale, language=language, when=self.disclosure, moved=moved, unmoved=unmoved)

    def translators_for(self, locale: Locale) -> tuple[str, ...]:
        """Translation engines for a locale, in order of preference."""
        return self._own(locale).translation or self.translation

    def voices_for(self, locale: Locale) -> tuple[str, ...]:
        """Voice engines for a locale, in order of preference."""
        return self._own(locale).tts or self.tts

    def _own(self, locale: Locale) -> LocalePlan:
        return self.locales.get(locale) or self.locales.get(Locale(locale.language)) or LocalePlan()

    @field_validator("translation", "tts", "aligner", "speaker", mode="before")
    @classmethod
    def _one_or_several(cls, named: Any) -> Any:
        return (named,) if isinstance(named, str) else named

    @field_validator("disclosure_text")
    @classmethod
    def _one_plain_line(cls, given: dict[Locale, str]) -> dict[Locale, str]:
        for locale, text in given.items():
            if not text.strip() or not text.replace("\u200c", "").isprintable() or set(text) & set("{}\\"):
                raise ValueError(f"{locale}: give one line of plain text, without braces and backslashes")
        return given

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Raises BadInput naming the file and the field."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except OSError as error:
            raise BadInput(f"cannot read the profile {path}: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise BadInput(f"profile {path} is not TOML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"profile {path}, field {field!r}: {first['msg']}", mend="see embedded.toml") from error


class GivenFile(Record):
    """A file of the user's: its content, and its name, by which it is parsed and named in errors."""

    artifact: Artifact
    name: str


class Job(Record):
    """One title into N locales.

    `n_speakers`: how many people speak, where it is known. `cast`, `consent`: TOML files that name the voices and
    record who agreed to what.
    `scripts`: timed scripts by locale; the one in the source's locale replaces recognition, the others replace
    translation. `memory`: a translation memory (TMX, CSV) that is asked before any engine. `glossary`: terms that must
    be translated as it says (CSV). `store`: the artifact store's folder or `s3://bucket/prefix`. Each may be a path of
    the machine that runs the flow, or an object in S3; `out` a folder or a prefix.
    `approval`: nothing is spoken in a language before people have approved all its lines.
    `source_etag`: the very object in S3 that is meant: where another one has taken its place, the job is not done.
    `granularity`: what is one task run of a flow run: a stage of a locale, or (for catalogues) all the stages of
    `locales_per_task` locales. The results are the same.
    """

    source: Location
    targets: tuple[Locale, ...] = Field(min_length=1)
    out: Location
    profile: str = "embedded"
    source_locale: Locale | None = None
    n_speakers: int | None = Field(default=None, ge=1)
    scripts: Mapping[Locale, Location] = {}
    cast: Location | None = None
    consent: Location | None = None
    memory: Location | None = None
    glossary: Location | None = None
    store: Location | None = None
    title: str = ""
    source_etag: str = ""
    granularity: Literal["stage", "locale"] = "stage"
    locales_per_task: int = Field(default=1, ge=1)
    approval: bool = False


class LocalJob(Job):
    """A job whose inputs lie on this machine (flows/fetch.py)."""

    source: Path
    scripts: Mapping[Locale, Path] = {}
    cast: Path | None = None
    consent: Path | None = None
    memory: Path | None = None
    glossary: Path | None = None
