"""Who is in a title and who agreed to it: the cast and consent files, checked before any work and again when the
speakers are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from dub.artifact import Record
from dub.cast import DEFAULT_VOICE, CastEntry, Casting
from dub.cast_file import CastPerson, read_cast
from dub.consent import ConsentRecord, ConsentRecords, Purpose, Setting, check_consent, setting_of
from dub.errors import BadInput
from dub.plan import LocalJob, Plan
from dub.script import DubScript
from dub.stage import EngineChoice
from dub.store import Store
from lang.bcp47 import Locale

LONGEST_WITH_WORDS_S = 20.0
"""What an engine takes that hears a recording together with its words (OmniVoice's limit)."""


class People(Record):
    """What the user gave of people. `cast_file`: the name to say in messages. `setting`: what asks for a record."""

    cast: tuple[CastPerson, ...] = ()
    cast_file: str = ""
    consents: ConsentRecords = ConsentRecords()
    setting: Setting = "noted"

    def entries(self, store: Store) -> tuple[CastEntry, ...]:
        """The cast as stages take it: its recordings in the store."""
        return tuple(
            person.entry.model_copy(update={"reference": store.put_copy(person.reference, "audio/*")})
            if person.reference
            else person.entry
            for person in self.cast
        )


def read_people(job: LocalJob, plan: Plan, voices: Mapping[Locale, EngineChoice], today: date) -> People:
    """Raises BadInput for files that are wrong, for a recording that nobody may use, for voices that an engine does not
    offer, and where no record at all gives leave that is needed."""
    cast = read_cast(job.cast) if job.cast else ()
    given = ConsentRecords.read(job.consent) if job.consent else ConsentRecords()
    inline = tuple(record for person in cast for record in person.consent)
    names = [path.name for path in (job.consent, job.cast) if path and (path == job.consent or inline)]
    consents = ConsentRecords(file=" and ".join(names), records=given.records + inline)
    people = People(
        cast=cast,
        cast_file=job.cast.name if job.cast else "",
        consents=consents,
        setting=setting_of(plan.consent),
    )
    for person in cast:
        _check_voices(people.cast_file, person, voices)
        if person.reference is not None:
            check_consent(consents, person.entry.name, Purpose.REUSE, job.targets, today)
    for locale in job.targets:
        _check_any_leave(people, locale, today)
    return people


def agreed(
    people: People, script: DubScript, casting: Casting, targets: Iterable[Locale], today: date
) -> dict[str, tuple[ConsentRecord, ...]]:
    """The records of every speaker of a script, by name. Raises BadInput where one is needed and missing, or forbids
    it."""
    speakers = list(dict.fromkeys(line.speaker for line in script.utterances))
    found = {}
    for speaker in speakers:
        entry = casting.entry_of(speaker)
        is_reused = entry is not None and entry.reference is not None
        purpose = Purpose.REUSE if is_reused else Purpose.DUBBING
        found[speaker] = check_consent(
            people.consents, speaker, purpose, tuple(targets), today,
            setting=people.setting, is_only_speaker=len(speakers) == 1,
        )  # fmt: skip
    return found


def _check_any_leave(people: People, locale: Locale, today: date) -> None:
    """What the speakers' names will not change: that no record allows the locale."""
    reasons = []
    for record in people.consents.records:
        refusals = [record.refusal(purpose, locale, today) for purpose in (Purpose.REUSE, Purpose.DUBBING)]
        if "" in refusals:
            return
        reasons.append(f"the record of {record.speaker} {refusals[-1]}")
    if reasons:
        raise BadInput(
            f"{people.consents.file} allows nobody's dubbing in {locale}: {'; '.join(reasons)}",
            mend="leave the language out, or give a record that allows it",
        )
    if people.setting == "required":
        raise BadInput(
            f"dubbing into {locale} needs a consent record of every speaker, and none is given",
            mend="give --consent FILE (docs/voices.md)",
        )


def _check_voices(file: str, person: CastPerson, voices: Mapping[Locale, EngineChoice]) -> None:
    """Whether the engines of the targets can do what the cast asks of them."""
    from engines import registry

    entry = person.entry
    where = f"the cast file {file}, [speakers.{entry.name}]"
    for locale, tts in voices.items():
        capabilities = registry.spec("tts", tts.id).capabilities
        stock = entry.stock_voice(tts.id)
        if entry.voices and not stock:
            raise BadInput(
                f"{where}, field 'voice': {locale} is spoken by {tts.id}, for which no voice is named",
                mend=f'add "{DEFAULT_VOICE}" to the list: the voice that an engine has of itself',
            )
        if stock not in ("", DEFAULT_VOICE) and not capabilities.get("stock_voices"):
            raise BadInput(
                f"{where}, field 'voice': {tts.id} has no voices to choose from", mend=f'write "{DEFAULT_VOICE}"'
            )
        if person.reference is None or stock or not capabilities.get("needs_transcript"):
            continue
        if not entry.says:
            raise BadInput(
                f"{where}, field 'says': {tts.id} ({locale}) hears a recording together with its words",
                mend=f"write down what is said in {entry.reference_name}",
            )
        if person.reference_s > LONGEST_WITH_WORDS_S:
            raise BadInput(
                f"{where}, field 'reference': {tts.id} ({locale}) hears {LONGEST_WITH_WORDS_S:.0f} s at most with "
                f"their words, {entry.reference_name} lasts {person.reference_s:.1f} s",
                mend="cut it, and what it says",
            )
