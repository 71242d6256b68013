"""What the review says of consent."""

from __future__ import annotations

from collections.abc import Iterator

from dub.cast import Cast
from dub.consent import NO_RECORD
from dub.finding import Finding, Level


def check_consent_records(cast: Cast) -> Iterator[Finding]:
    """One finding per speaker, all ok: where a record is needed and missing, nothing was dubbed."""
    for voice in cast.voices:
        said = "; ".join(record.in_words() for record in voice.consent)
        message = f"Consent of {voice.speaker}: {said}." if said else f"Consent of {voice.speaker}: {NO_RECORD}."
        yield Finding(level=Level.OK, check="consent", message=message)


def consent_in_words(cast: Cast) -> str:
    """Everybody's consent in one line, for the metrics and for the note in the finished file."""
    said = {voice.speaker: "; ".join(record.in_words() for record in voice.consent) for voice in cast.voices}
    return "; ".join(f"{speaker}: {words or NO_RECORD}" for speaker, words in said.items())
