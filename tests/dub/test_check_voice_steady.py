"""One line in another voice is told, and which; a speaker's own scatter is not."""

from __future__ import annotations

import numpy as np

from dub.check_voice_steady import LEAST_LINES, OneLine, check_steadiness, standing_out
from dub.finding import Level
from dub.gates import Gates

GENERATOR = np.random.default_rng(5)
ANNA, BEN = (np.eye(64)[n].astype(np.float32) for n in (0, 1))


def line(number: int, voice: np.ndarray, scatter: float = 0.04) -> OneLine:
    heard = voice + scatter * GENERATOR.standard_normal(64).astype(np.float32)
    return OneLine(f"u{number:04}", 3.0, heard / np.linalg.norm(heard))


def bad(lines: list[OneLine]) -> list[str]:
    findings = check_steadiness("speaker 1", standing_out(lines), Gates())
    return [finding.utterance_id for finding in findings if finding.level is not Level.OK]


def test_one_line_in_another_voice() -> None:
    others = [line(number, ANNA) for number in range(6)]
    assert bad(others) == []
    half_ben = (ANNA + BEN) / np.sqrt(2)
    assert bad([*others, line(9, half_ben)]) == ["u0009"]


def test_two_of_many() -> None:
    lines = [line(number, BEN if number in (2, 5) else ANNA) for number in range(10)]
    assert bad(lines) == ["u0002", "u0005"]


def test_too_few_lines_are_not_judged() -> None:
    [finding] = check_steadiness("speaker 1", standing_out([line(n, ANNA) for n in range(LEAST_LINES - 1)]), Gates())
    assert finding.level is Level.OK
    assert finding.message.startswith("Not measured: speaker 1 has fewer than 4")


def test_a_steady_voice_says_how_steady() -> None:
    [finding] = check_steadiness("speaker 1", standing_out([line(n, ANNA) for n in range(5)]), Gates())
    assert finding.message.startswith("speaker 1 keeps one voice: 5 lines")
    assert finding.value is not None
    assert 0 <= finding.value < 0.1
