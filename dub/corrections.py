"""Corrections: the wordings that people answer for, line by line, beside a title's dubs; and a translation in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from dub.artifact import Record
from dub.errors import BadInput
from dub.finding import Finding, Level
from dub.given_xml import NOT_XML
from dub.script import DubScript, TranslatedLine, Translation, WithheldLine
from lang.bcp47 import Locale

CORRECTED = "corrected"
"""In a Translation's route: a person reworded some of its lines."""

UtteranceId = Annotated[str, Field(pattern=r"^u\d{4}$")]


class Correction(Record):
    """One line as a person worded or confirmed it. `text`: what must be spoken, to the letter; `source_text`: what the
    line says in the source, for which it was made: once that changes it is no longer used. `approved_at`: when it was
    approved, None for a wording that nobody has approved yet."""

    text: str = Field(min_length=1)
    source_text: str
    approved_by: str = ""
    approved_at: datetime | None = None

    @field_validator("text", "source_text", mode="before")
    @classmethod
    def _on_one_line(cls, text: Any) -> Any:
        return one_line(text) if isinstance(text, str) else text

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None


class CorrectedLine(Record):
    """What a stage needs of a Correction: who approved it and when changes nothing that is heard."""

    utterance_id: str
    text: str
    source_text: str


class Corrections(Record):
    """All corrections of one title, by locale and utterance id."""

    schema_version: Literal[1] = 1
    lines: Mapping[Locale, Mapping[UtteranceId, Correction]] = {}

    def of(self, locale: Locale) -> Mapping[str, Correction]:
        return self.lines.get(locale, {})

    def wordings(self, locale: Locale) -> tuple[CorrectedLine, ...]:
        """One locale's corrected lines in order of their ids: a stage's input."""
        return tuple(
            CorrectedLine(utterance_id=id_, text=line.text, source_text=line.source_text)
            for id_, line in sorted(self.of(locale).items())
        )

    def with_lines(self, locale: Locale, lines: Mapping[str, Correction]) -> Corrections:
        """These lines added to the locale's, or put in their place."""
        return Corrections(lines={**self.lines, locale: dict(sorted({**self.of(locale), **lines}.items()))})

    def to_json(self) -> str:
        return self.model_dump_json(indent=1) + "\n"

    @classmethod
    def read(cls, text: str, file_name: str) -> Corrections:
        """Raises BadInput naming the file and the field."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the whole file"
            raise BadInput(
                f"{file_name}, {field}: {first['msg']}", mend="correct it; without the file nothing is corrected"
            ) from error


def one_line(text: str) -> str:
    """Words with one space between them, without what no file can hold: how lines are compared and kept."""
    return " ".join(NOT_XML.sub(" ", text).split())


def fitting(script: DubScript, lines: tuple[CorrectedLine, ...]) -> dict[str, CorrectedLine]:
    """Those whose line still says in the source what it said when they were made."""
    said = {utterance.id: one_line(utterance.text) for utterance in script.utterances}
    return {line.utterance_id: line for line in lines if said.get(line.utterance_id) == line.source_text}


def corrected(
    script: DubScript, translation: Translation, lines: tuple[CorrectedLine, ...], refused: Mapping[str, str] = {}
) -> Translation:
    """The translation in the corrected wordings. `refused`: by utterance id why a wording may not be spoken.

    What was found about a line's wording goes with the wording, or with the doubt once a person has confirmed it; a
    line that was withheld gets words. A correction that is refused is withheld, one whose source line has changed is
    left out; both are findings. A corrected line has no other wordings: it is spoken as it stands.
    """
    made_for_this = fitting(script, lines)
    spoken = {line.utterance_id: line for line in translation.lines}
    withheld = {line.utterance_id: line for line in translation.withheld}
    for id_, line in made_for_this.items():
        if id_ in refused:
            spoken.pop(id_, None)
            withheld[id_] = WithheldLine(utterance_id=id_, text=line.text, reason=refused[id_])
        else:
            withheld.pop(id_, None)
            spoken[id_] = TranslatedLine(utterance_id=id_, text=line.text)
    was = {line.utterance_id: one_line(line.text) for line in translation.lines}
    reworded = [id_ for id_, line in made_for_this.items() if id_ not in refused and was.get(id_) != line.text]
    order = [utterance.id for utterance in script.utterances]
    return translation.model_copy(
        update={
            "route": tuple(dict.fromkeys((*translation.route, *((CORRECTED,) if reworded else ())))),
            "lines": tuple(spoken[id_] for id_ in order if id_ in spoken),
            "withheld": tuple(withheld[id_] for id_ in order if id_ in withheld),
            "findings": (
                *(finding for finding in translation.findings if finding.utterance_id not in made_for_this),
                *(_reworded(id_) for id_ in reworded),
                *(_outdated(line, order) for line in lines if line.utterance_id not in made_for_this),
            ),
        }
    )


def approvals(script: DubScript, translation: Translation, of_locale: Mapping[str, Correction]) -> dict[str, str]:
    """Who approved ("" where no name was given), by utterance id: lines that are approved as they stand now."""
    said = {utterance.id: one_line(utterance.text) for utterance in script.utterances}
    spoken = {line.utterance_id: line.text for line in translation.lines}
    return {
        id_: line.approved_by
        for id_, line in of_locale.items()
        if line.is_approved and said.get(id_) == line.source_text and spoken.get(id_) == line.text
    }


def _reworded(utterance_id: str) -> Finding:
    message = "A person worded this line."
    return Finding(level=Level.OK, check="corrected_lines", message=message, utterance_id=utterance_id)


def _outdated(line: CorrectedLine, order: list[str]) -> Finding:
    """`order`: the utterances there are. A finding names only such."""
    is_there = line.utterance_id in order
    what = "says something else now" if is_there else f"({line.utterance_id}) is no longer there"
    return Finding(
        level=Level.DEGRADED,
        check="corrections_used",
        message=f"A correction was not used: its line of the source {what}. Correct the line again if it needs it.",
        utterance_id=line.utterance_id if is_there else "",
    )
