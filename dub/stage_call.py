"""A stage's call as JSON, for a process that holds a model: records, names and artifacts in, a record or an error out.

Both ends validate what comes by the stage's own types; nothing is ever unpickled.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from dub.artifact import Record
from dub.errors import BadInput, DubError, EngineFailed
from dub.stage import Stage


class ErrorLine(Record):
    """An error on its way to another process. `kind`: its class's name; `message`: the whole of what it says."""

    kind: str
    message: str
    mend: str = ""
    utterance_id: str = ""

    @classmethod
    def of(cls, error: BaseException) -> ErrorLine:
        if isinstance(error, DubError):
            kind, mend, utterance_id = type(error).__name__, error.mend, error.utterance_id
            return cls(kind=kind, message=str(error), mend=mend, utterance_id=utterance_id)
        return cls(kind="", message=f"{type(error).__name__}: {error}")

    def error(self) -> DubError:
        """The error again, of its own class; EngineFailed for one that is none of polydub's."""
        error = _errors().get(self.kind, EngineFailed)(self.message)
        error.mend, error.utterance_id = self.mend, self.utterance_id
        return error


def write_arguments(stage: Stage[Any, Any], arguments: tuple[Any, ...]) -> list[Any]:
    """JSON content of a call's arguments, in order."""
    return [
        adapter.dump_python(argument, mode="json")
        for adapter, argument in zip(_adapters(stage), arguments, strict=False)
    ]


def read_arguments(stage: Stage[Any, Any], content: list[Any]) -> tuple[Any, ...]:
    """The arguments again. Raises BadInput for what the stage does not take."""
    adapters = _adapters(stage)
    if len(content) > len(adapters):
        raise BadInput(f"{stage.name} takes {len(adapters)} arguments, not {len(content)}")
    try:
        return tuple(adapter.validate_json(json.dumps(each)) for adapter, each in zip(adapters, content, strict=False))
    except ValidationError as error:
        raise BadInput(f"{stage.name} does not take this: {error.errors()[0]['msg']}") from error


@lru_cache(maxsize=128)
def _adapters(stage: Stage[Any, Any]) -> list[TypeAdapter[Any]]:
    hints = get_type_hints(stage.function)
    return [TypeAdapter(hints[name]) for name in stage.signature.parameters]


def _errors() -> dict[str, type[DubError]]:
    found, waiting = {}, [DubError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found
