"""What a run's end is made of."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from dub.errors import BadInput
from dub.finding import Level
from flows.outcome import failed_review, root_cause, seconds_of
from lang.bcp47 import Locale
from tasks.policy import Work


@dataclass(frozen=True)
class Story:
    first: Any
    second: Any
    several: Any
    name: str = "no work"


def work(stage: str, seconds: float = 1.0, error: Exception | None = None) -> Work[Any]:
    """A Work that is done: its stage's name, what it cost, how it ended."""
    done: Work[Any] = object.__new__(Work)

    def result() -> None:
        if error:
            raise error

    its_stage = SimpleNamespace(name=stage, n_cpu=1)
    for name, value in (("stage", its_stage), ("seconds", lambda: seconds), ("result", result)):
        object.__setattr__(done, name, value)
    return done


def test_a_work_that_stands_in_two_places_is_counted_once_and_two_of_a_stage_together() -> None:
    shown = work("animate", 3.0)
    story = Story(shown, shown, {"a": work("enroll", 1.0), "b": work("enroll", 2.0)})
    assert seconds_of(story) == {"animate": 3.0, "enroll": 3.0}


def test_the_first_stages_own_error_is_the_cause() -> None:
    cause = BadInput("talk.mp4 has no sound")
    later = RuntimeError("its input never came")
    story = Story(work("ingest"), work("mix", error=cause), work("review", error=later))
    assert root_cause(later, story) is cause
    (finding,) = failed_review(Locale("es"), cause).findings
    assert finding.level is Level.FAILED
    assert "talk.mp4 has no sound" in finding.message
    assert "RuntimeError" in failed_review(Locale("es"), later).findings[0].message


def test_without_a_failed_work_the_error_itself_is_the_cause() -> None:
    error = ValueError("publishing failed")
    assert root_cause(error, Story(work("a"), work("b"), work("c"))) is error
    with pytest.raises(TypeError):
        seconds_of(3)
