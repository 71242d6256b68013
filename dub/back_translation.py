"""A translation put back into the source's language by machine: what its lines mean, in words the source can be held
against."""

from __future__ import annotations

from typing import Literal

from dub.artifact import Record
from lang.bcp47 import Locale


class BackTranslation(Record):
    """`locale`: the source's, or English, where the script has its lines in that too. `lines`: by utterance; a line
    that the engine failed at is missing. `by`: the engines."""

    schema_version: Literal[1] = 1
    locale: Locale
    lines: dict[str, str]
    by: str
