"""For catalogues: all the stages of a locale, or of a few, as one task run, wherever the task runner puts it.

The task run goes through the story on threads of its own process and so fills the memo; the flow then goes through it
too, for what publishing needs, and is answered by the memo. What failed there is not tried again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, TypeVar

from dub.artifact import Record
from dub.dubbed_locale import DubbedLocale
from dub.stage_call import ErrorLine
from flows.outcome import failed_review, root_cause, works_in
from flows.preflight import Prepared
from lang.bcp47 import Locale
from tasks.policy import Work, on_threads, settled, unobserved

Shared = TypeVar("Shared")
Start = Callable[[Locale, Locale, Prepared, Any], Any]


class Ends(Record):
    """How the locales of one task run ended: the first error of those that failed."""

    errors: dict[Locale, ErrorLine] = {}

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(self.errors)


def dub_whole_locales(start: Start, spoken: Locale, prepared: Prepared, shared: Any) -> Iterator[Any]:
    """Yields what `start`, a function of a module, gives for each target, in order, when its work is done; a
    DubbedLocale that failed where it did."""
    from tasks.prefect_tasks import submit_whole, whole_result

    job, desk = prepared.job, prepared.desk
    shared = _settled(shared)
    size = job.locales_per_task
    batches = [job.targets[first : first + size] for first in range(0, len(job.targets), size)]
    running = [
        submit_whole(dub_locales, _label(batch), (start, batch, spoken, prepared, shared), on_gpu=bool(desk.gpu_stages))
        for batch in batches
    ]
    for batch, future in zip(batches, running, strict=True):
        errors: dict[Locale, Exception]
        try:
            errors = {locale: line.error() for locale, line in whole_result(future).errors.items()}
        except Exception as error:
            errors = dict.fromkeys(batch, error)
        for locale in batch:
            if locale in errors:
                yield DubbedLocale(locale=locale, review=failed_review(locale, errors[locale]))
                continue
            with on_threads(), unobserved():
                dub = start(locale, spoken, prepared, shared)
            yield dub


def dub_locales(start: Start, locales: tuple[Locale, ...], spoken: Locale, prepared: Prepared, shared: Any) -> Ends:
    """The body of one task run."""
    dubs = {locale: start(locale, spoken, prepared, shared) for locale in locales}
    errors = {}
    for locale, dub in dubs.items():
        for work in works_in(dub):
            try:
                work.result()
            except Exception as error:
                errors[locale] = ErrorLine.of(root_cause(error, shared, dub))
                break
    return Ends(errors=errors)


def _settled(shared: Shared) -> Shared:
    """What every locale shares, finished: only plain records go to another process."""
    return replace(shared, **{field.name: _end_of(getattr(shared, field.name)) for field in fields(shared)})  # type: ignore[type-var,arg-type]


def _end_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _end_of(each) for key, each in value.items()}
    return settled(value) if isinstance(value, Work) else value


def _label(batch: tuple[Locale, ...]) -> str:
    """`dub es`, or `dub es and 9 more`."""
    return f"dub {batch[0]}" + (f" and {len(batch) - 1} more" if len(batch) > 1 else "")
