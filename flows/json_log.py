"""The log for machines: one JSON object per line on stderr, with POLYDUB_LOG=json or --log-json.

Written are names of stages, languages, ids, counts, seconds, classes of errors, and the title; never what is said, who
says it, an error's message, a path or a setting. docs/observability.md lists the fields.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Collection
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dub.discreet import facts_of
from dub.errors import BadInput
from flows.meter import parts_of
from lang.bcp47 import Locale
from tasks.policy import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.outcome import RunReport

OUR_LOGGERS = ("dub", "engines", "tasks", "flows")
_lock = threading.Lock()


def is_wanted() -> bool:
    """Whether POLYDUB_LOG asks for it. Raises BadInput for a value that is not known."""
    kind = os.environ.get("POLYDUB_LOG", "")
    if kind not in ("", "json"):
        raise BadInput(f"POLYDUB_LOG is {kind!r}", mend="set it to json, or unset it")
    return kind == "json"


def write_event(stream: TextIO, level: str, event: str, **facts: Any) -> None:
    """One line. Facts that are None or "" are left out."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
    line |= {name: value for name, value in facts.items() if value not in (None, "")}
    with _lock:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        stream.flush()


class JsonLog(Observer):
    """Observer that writes what the stages of one run do."""

    def __init__(self, stream: TextIO, title: str, targets: Collection[Locale]) -> None:
        self.stream = stream
        self.title = title
        self.targets = targets

    def run_started(self) -> None:
        self._write("info", "run_started", locales=list(self.targets))

    def run_finished(self, report: RunReport, seconds: float) -> None:
        for outcome in report.outcomes:
            self._write(
                "info", "locale_finished", locale=outcome.locale, verdict=outcome.ending,
                output_s=round(outcome.effort.output_s, 3), seconds=round(outcome.effort.work_s, 3),
            )  # fmt: skip
        self._write("info", "run_finished", verdict=report.ending, seconds=round(seconds, 3))

    def run_failed(self, error: BaseException, seconds: float) -> None:
        self._write("error", "run_failed", seconds=round(seconds, 3), **facts_of(error))

    def started(self, label: str) -> None:
        self._stage("info", "stage_started", label)

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        self._stage("info", "stage_finished", label, seconds=round(seconds, 3), cached=is_cached)

    def failed(self, label: str, error: BaseException) -> None:
        self._stage("error", "stage_failed", label, **facts_of(error))

    def _stage(self, level: str, event: str, label: str, **facts: Any) -> None:
        stage, locale = parts_of(label, self.targets)
        self._write(level, event, stage=stage, locale=locale, **facts)

    def _write(self, level: str, event: str, **facts: Any) -> None:
        write_event(self.stream, level, event, title=self.title, **facts)


class JsonHandler(logging.Handler):
    """What Python code logs, as events `log`. Of our own loggers the template of the message, without what is put into
    it; of others only where it comes from, since their messages may quote what they were given."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.WARNING)
        self.stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        is_ours = record.name.partition(".")[0] in OUR_LOGGERS
        facts: dict[str, Any] = {"logger": record.name, "at": f"{record.module}:{record.lineno}"}
        if is_ours:
            facts["message"] = record.msg if isinstance(record.msg, str) else None
        if record.exc_info and record.exc_info[1]:
            facts["error"] = type(record.exc_info[1]).__name__
        write_event(self.stream, record.levelname.lower(), "log", **facts)


@contextmanager
def json_on_stderr(native_log: Path) -> Iterator[None]:
    """Inside, nothing but JSON is written to stderr: Python's logging and warnings become events, and what C++
    libraries print goes to `native_log`."""
    from flows.console import native_noise_in

    with native_noise_in(native_log) as seen:
        root, handler = logging.getLogger(), JsonHandler(seen)
        before = root.handlers[:]
        root.handlers = [handler]
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.handlers = before


def write_event_of(error: BaseException) -> None:
    """The command line's end with an error: its class and mend; the message is for a terminal."""
    write_event(sys.stderr, "error", "ended_with_error", **facts_of(error))
