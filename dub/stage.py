"""Stage: a plain function over records and artifacts, memoised in the Store by the content of its inputs.

    @stage(version=1)
    def separate(desk: Desk, source: Source, engine: EngineChoice) -> Stems: ...

The memo key is (stage name, version, inputs) and nothing else: artifacts count by their digest, engines by their
fingerprint; no clock, path or machine. A stage that needs but a part of a record says which with `reads`. Raise
`version` when the same inputs would give another result.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from dub.artifact import Artifact, Record
from dub.ledger import end_ledger, note_use
from dub.store import Store, open_store

P = ParamSpec("P")
R = TypeVar("R", bound=BaseModel)
Reads = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Desk(Record):
    """Where a stage works: things that must not change its result, so no part of any memo key.

    `gpu_stages`: names of the stages that take a GPU slot, on a machine that has any (tasks/gpu_slots.py).
    """

    store: str
    n_threads: int = 2
    gpu_stages: tuple[str, ...] = ()
    title: str = ""
    """Whose work it is, for the ledgers by which the store is tidied (dub/ledger.py); "" is nobody's."""

    def open_store(self) -> Store:
        return open_store(self.store)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The title's run in this process, from its first stage to its last."""
        try:
            yield
        finally:
            if self.title:
                end_ledger(self.open_store(), self.title)


class EngineChoice(Record):
    """An engine as a plan names it. `fingerprint` stands for everything that would change its output."""

    family: str
    id: str
    fingerprint: str
    options: dict[str, Any] = {}


class MemoRecord(BaseModel):
    """The memo's record of one finished stage."""

    stage: str
    version: int
    seconds: float
    result: Any


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """A stage's result, whether it came from the memo, and how long the work took when it was done."""

    result: R
    is_cached: bool
    seconds: float


class Stage(Generic[P, R]):
    """A memoised function. Calling it gives the result; `outcome` also says whether it was cached."""

    def __init__(self, function: Callable[P, R], version: int, n_cpu: int, reads: Reads | None = None) -> None:
        self.function = function
        self.name = function.__name__
        self.version = version
        self.n_cpu = n_cpu
        self.reads = reads
        self.__doc__ = function.__doc__
        self.signature = inspect.signature(function)
        self._result = TypeAdapter(get_type_hints(function)["return"])

    def __reduce__(self) -> tuple[Callable[[str, str], Stage[Any, Any]], tuple[str, str]]:
        """Sent to another process by its name alone: both run the same code."""
        return stage_named, (self.function.__module__, self.name)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.outcome(*args, **kwargs).result

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Hex digest of everything the result depends on."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        read = self.reads(bound.arguments) if self.reads else bound.arguments
        inputs = {name: _content(value) for name, value in read.items() if not isinstance(value, Desk)}
        facts = {"stage": self.name, "version": self.version, "inputs": inputs}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def remembered(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[R] | None:
        """The memo's answer; None when there is none, or when a blob it names is gone."""
        desk, key = self._desk(args, kwargs), self.key(*args, **kwargs)
        store = desk.open_store()
        record = store.memo(self.name, key)
        if record is None:
            return None
        try:
            memo = MemoRecord.model_validate_json(record)
            result = self.read_result(memo.result)
        except ValidationError:
            return None  # written by another schema: work again
        if not all(store.has(artifact) for artifact in artifacts_in(result)):
            return None
        self._note(desk, key, args, kwargs, result)
        return Outcome(result, True, memo.seconds)

    def outcome(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[R]:
        """Answer from the memo, else work and remember. Two processes asking for the same work do it once."""
        return self.remembered(*args, **kwargs) or self.work(*args, **kwargs)

    def work(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[R]:
        """Work and remember, after the memo has said that it does not know; unless somebody did it meanwhile."""
        desk, key = self._desk(args, kwargs), self.key(*args, **kwargs)
        store = desk.open_store()
        with store.claim(f"{self.name}-{key}"):
            if known := self.remembered(*args, **kwargs):
                return known
            started = time.monotonic()
            result = self.function(*args, **kwargs)
            seconds = time.monotonic() - started
            memo = MemoRecord(
                stage=self.name, version=self.version, seconds=seconds, result=result.model_dump(mode="json")
            )
            store.remember(self.name, key, memo.model_dump_json().encode())
            self._note(desk, key, args, kwargs, result)
            return Outcome(result, False, seconds)

    def read_result(self, content: Any) -> R:
        """A result from its JSON content. Raises pydantic's ValidationError for what is none."""
        result: R = self._result.validate_json(json.dumps(content))
        return result

    def _desk(self, args: Any, kwargs: Any) -> Desk:
        return next(value for value in (*args, *kwargs.values()) if isinstance(value, Desk))

    def _note(self, desk: Desk, key: str, args: Any, kwargs: Any, result: R) -> None:
        """In the title's ledger: inputs too, so that what a run still reads is not taken from it."""
        if desk.title:
            used = artifacts_in((args, kwargs, result))
            note_use(desk.open_store(), desk.title, self.name, key, used)


def stage(*, version: int, n_cpu: int = 1, reads: Reads | None = None) -> Callable[[Callable[P, R]], Stage[P, R]]:
    """Make a function over a Desk, records and artifacts a memoised Stage.

    `n_cpu`: how many of the machine's CPU slots it fills while it works. `reads`: from the arguments by name, all that
    the result depends on, where that is less than the arguments.
    """

    def wrap(function: Callable[P, R]) -> Stage[P, R]:
        return Stage(function, version, n_cpu, reads)

    return wrap


def stage_named(module: str, name: str) -> Stage[Any, Any]:
    """The stage of this name in that module."""
    found = getattr(importlib.import_module(module), name)
    if not isinstance(found, Stage):
        raise TypeError(f"{module}.{name} is no stage")
    return found


def artifacts_in(value: Any) -> Iterator[Artifact]:
    """Every Artifact inside nested records, tuples and dicts."""
    if isinstance(value, Artifact):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from artifacts_in(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from artifacts_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from artifacts_in(item)


def _content(value: Any) -> Any:
    """JSON that stands for a value's content. Raises TypeError for what has none (paths, arrays, models, sets)."""
    if isinstance(value, Artifact):
        return value.sha256
    if isinstance(value, EngineChoice):
        return f"{value.family}/{value.id}/{value.fingerprint}"
    if isinstance(value, BaseModel):
        return {name: _content(getattr(value, name)) for name in sorted(type(value).model_fields)}
    if isinstance(value, dict):
        return {str(name): _content(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_content(item) for item in value]
    if isinstance(value, (Fraction, date)):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"a stage cannot take a {type(value).__name__}: pass a record, a name or an Artifact")
