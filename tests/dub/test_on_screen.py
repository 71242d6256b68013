"""Lines and shots: whose mouth says what, when a sound runs on, when a take leaves its own shot."""

from __future__ import annotations

import numpy as np
import pytest

from dub.on_screen import OFF_SCREEN, UNCERTAIN, OnScreen, SeenSpan, face_on_stage, shown_runs, with_their_sound
from dub.script import Utterance
from dub.timecode import Span


def _line(number: int, start_s: float, end_s: float, speaker: str = "anna") -> Utterance:
    return Utterance(id=f"u{number:04d}", speaker=speaker, span=Span.of_seconds(start_s, end_s), text="words")


def _seen(number: int, first: int, end: int, verdict: str = "speaks", face: int | None = 0) -> SeenSpan:
    return SeenSpan(
        utterance_id=f"u{number:04d}", speaker="anna", first_frame=first, end_frame=end, verdict=verdict, face=face
    )


def test_a_sound_that_runs_on_belongs_to_its_line_up_to_the_next_one() -> None:
    lines = (_line(1, 1, 2), _line(2, 3, 4), _line(3, 6, 7))
    islands = tuple(Span.of_seconds(*at) for at in ((0.8, 2.3), (2.6, 5.0), (5.1, 5.5), (6.2, 6.8)))
    spans = with_their_sound(lines, islands)
    assert [(float(span.start), float(span.end)) for span in spans] == [(0.8, 2.3), (2.6, 5.0), (6, 7)]


def test_one_sound_over_two_lines_is_cut_between_them() -> None:
    spans = with_their_sound((_line(1, 1, 2), _line(2, 2.5, 3)), (Span.of_seconds(0.5, 3.5),))
    assert [(float(span.start), float(span.end)) for span in spans] == [(0.5, 2.5), (2.5, 3.5)]


def test_lines_that_overlap_keep_their_own_spans() -> None:
    spans = with_their_sound((_line(1, 1, 3), _line(2, 2, 4)), (Span.of_seconds(0.9, 4.2),))
    assert [(float(span.start), float(span.end)) for span in spans] == [(0.9, 3), (2, 4.2)]


def test_a_face_is_named_exactly_where_it_speaks() -> None:
    with pytest.raises(ValueError, match="a face exactly where"):
        _seen(1, 0, 5, "speaks", None)
    with pytest.raises(ValueError, match="a face exactly where"):
        _seen(1, 0, 5, "off screen", 1)


def test_a_take_is_shown_as_its_line_was_and_by_the_speakers_face_beyond_it() -> None:
    on_screen = OnScreen(spans=(_seen(1, 0, 10, face=0), _seen(1, 10, 14, "uncertain", None)), faces_of={"anna": (0,)})
    is_seen = [np.arange(30) < 25]
    runs = shown_runs(on_screen, "u0001", "anna", range(5, 30), (0, 10, 20), is_seen)
    assert [tuple(run) for run in runs] == [(5, 10, 0), (10, 20, UNCERTAIN), (20, 25, 0), (25, 30, OFF_SCREEN)]


def test_off_screen_voices_leave_the_stage_empty() -> None:
    on_screen = OnScreen(spans=(_seen(1, 0, 10, face=1), _seen(2, 12, 20, "off screen", None)))
    said = [
        run
        for n in (1, 2)
        for run in shown_runs(
            on_screen, f"u000{n}", "anna", range(10) if n == 1 else range(12, 20), (0,), [np.ones(20, bool)] * 2
        )
    ]
    who = face_on_stage((), said, (0,), 20)
    assert list(who) == [1] * 12 + [OFF_SCREEN] * 8
