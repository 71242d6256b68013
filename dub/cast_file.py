"""`cast.toml`: the people of one or many titles, by name, with what fixes their voice.

    [speakers.anna]
    reference = "anna.wav"            # a recording of her alone; who sounds like it is her, and her voice is made of it
    says = "Good morning ..."         # its words, for engines that hear it with them
    [speakers.anna.consent]           # the fields of dub/consent.py, without `speaker`
    given_on = 2026-03-01
    purposes = ["dubbing", "reuse"]

    [speakers.host]
    is = "s2"                         # or ["s2", "s4"]: fixed by hand, as the report numbers them
    voice = "kokoro/af_heart"         # a stock voice instead of their own; "default": each engine's own

Paths are beside the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from dub.artifact import Record
from dub.cast import DEFAULT_VOICE, CastEntry
from dub.consent import ConsentRecord, read_terms
from dub.errors import BadInput, UnreadableMedia

LEAST_REFERENCE_S = 3.0
"""Speaker encoders tell nobody by less."""


def _one_or_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], BeforeValidator(_one_or_several)]


class _Table(Record):
    """One person's fields, as a user writes them."""

    reference: str = ""
    says: str = ""
    is_: Several = Field(default=(), alias="is")
    voice: Several = ()
    consent: Any = None


class CastPerson(Record):
    """One person of the file; `reference` is the recording's path, `reference_s` how long it is."""

    entry: CastEntry
    reference: Path | None = None
    reference_s: float = 0.0
    consent: tuple[ConsentRecord, ...] = ()


def read_cast(path: Path) -> tuple[CastPerson, ...]:
    """Everybody in the file. Raises BadInput that names the file, the person and the field, also for a recording that
    is missing, unreadable or under 3 s."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read the cast file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"the cast file {path} is not TOML: {error}") from error
    unknown = sorted(set(content) - {"speakers"})
    speakers = content.get("speakers")
    if unknown or not isinstance(speakers, dict) or not speakers:
        what = f"unknown table {unknown[0]!r}" if unknown else "it names nobody"
        raise BadInput(f"the cast file {path}: {what}", mend="write one [speakers.NAME] table per person")
    people = tuple(_person(name, table, path) for name, table in speakers.items())
    _check_nobody_twice(people, path)
    return people


def _person(name: str, table: Any, path: Path) -> CastPerson:
    where = f"the cast file {path}, [speakers.{name}]"
    if not name.strip() or not isinstance(table, dict):
        raise BadInput(f"{where} is no person", mend='for example [speakers.anna] with reference = "anna.wav"')
    try:
        fields = _Table.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}, field {field!r}: {first['msg']}", mend=f"the fields are {_FIELDS}") from error
    reference = path.parent / fields.reference if fields.reference else None
    reference_s = _seconds(reference, where) if reference is not None else 0.0
    entry = CastEntry(
        name=name,
        reference_name=fields.reference,
        says=fields.says,
        is_speakers=fields.is_,
        voices=_voices(fields.voice, where),
    )
    consent = _consent(name, fields.consent, path, where)
    return CastPerson(entry=entry, reference=reference, reference_s=reference_s, consent=consent)


_FIELDS = "reference, says, is, voice, consent"


def _seconds(reference: Path, where: str) -> float:
    """How long a recording is, which ffprobe tells. Raises BadInput where it cannot be used."""
    from dub.media import audio_stream, probe

    said = f"{where}, field 'reference'"
    if not reference.is_file():
        raise BadInput(
            f"{said}: {reference} does not exist", mend="give a sound file's path, from the cast file's folder"
        )
    try:
        found = probe(reference)
    except UnreadableMedia as error:
        raise BadInput(f"{said}: {error}", mend="give a sound file, for example a WAV of the person alone") from error
    if audio_stream(found["streams"]) is None:
        raise BadInput(f"{said}: {reference} has no sound", mend="give a recording of the person alone")
    seconds = float(found["format"].get("duration", "nan"))
    if seconds < LEAST_REFERENCE_S:
        raise BadInput(
            f"{said}: {reference} lasts {seconds:.1f} s, {LEAST_REFERENCE_S:.0f} s is the least",
            mend="ten seconds or more of the person alone are better",
        )
    return seconds


def _voices(named: tuple[str, ...], where: str) -> dict[str, str]:
    voices: dict[str, str] = {}
    for each in named:
        engine, slash, voice = each.partition("/")
        if each != DEFAULT_VOICE and not (engine and slash and voice):
            raise BadInput(
                f"{where}, field 'voice': {each!r} is not ENGINE/VOICE", mend='for example "kokoro/af_heart"'
            )
        if engine in voices:
            raise BadInput(f"{where}, field 'voice': two voices for {engine}", mend="name one per engine")
        voices[engine] = voice or DEFAULT_VOICE
    return voices


def _consent(name: str, tables: Any, path: Path, where: str) -> tuple[ConsentRecord, ...]:
    if tables is None:
        return ()
    records = []
    for table in tables if isinstance(tables, list) else [tables]:
        said = f"{where}, consent"
        if not isinstance(table, dict):
            raise BadInput(f"{said} is no table", mend="write [speakers.NAME.consent] and its fields")
        records.append(ConsentRecord.of(name, read_terms(table, said), path.parent, said))
    return tuple(records)


def _check_nobody_twice(people: tuple[CastPerson, ...], path: Path) -> None:
    """Two people who are fixed to one speaker, or who share a name but for its case."""
    seen: dict[str, str] = {}
    for person in people:
        for speaker in person.entry.is_speakers:
            if speaker in seen:
                raise BadInput(
                    f"the cast file {path}: {seen[speaker]} and {person.entry.name} are both {speaker} (field 'is')",
                    mend="fix each speaker to one person",
                )
            seen[speaker] = person.entry.name
    names = [person.entry.name.casefold() for person in people]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise BadInput(
                f"the cast file {path} names {people[number].entry.name} twice", mend="give everybody a name"
            )
