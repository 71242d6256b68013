"""What may be said of an error outside the report. Messages quote lines and name people; logs and servers must not."""

from __future__ import annotations

import traceback
from pathlib import Path

from dub.errors import DubError

_HOUSE = Path(__file__).resolve().parents[1]


class DiscreetError(Exception):
    """An error as any log may hold it. `whole`: the one that was raised, for the report alone."""

    whole: BaseException

    @classmethod
    def of(cls, error: BaseException) -> DiscreetError:
        if isinstance(error, DiscreetError):
            return error
        told = cls("; ".join(f"{name}: {value}" for name, value in facts_of(error).items()))
        told.whole = error
        return told


def facts_of(error: BaseException) -> dict[str, str]:
    """`error`: its class; `utterance`: the line's id; `mend`; `at`: where in our code it was raised. Never its message,
    which may quote what is said. What is not known is left out."""
    error = whole(error)
    facts = {"error": type(error).__name__}
    if isinstance(error, DubError):
        facts |= {"utterance": error.utterance_id, "mend": error.mend}
    facts["at"] = _place_of(error)
    return {name: value for name, value in facts.items() if value}


def whole(error: BaseException) -> BaseException:
    """The error as it was raised."""
    return error.whole if isinstance(error, DiscreetError) else error


def _place_of(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _HOUSE in Path(frame.filename).parents]
    if not frames:
        return ""
    path = Path(frames[-1].filename).relative_to(_HOUSE)
    return f"{path}:{frames[-1].lineno} {frames[-1].name}"
