"""Who in the picture says which line of a dub that somebody brought."""

from __future__ import annotations

from fractions import Fraction

from dub.artifact import Artifact
from dub.given_dub import faced
from dub.on_screen import OnScreen, SeenSpan
from dub.script import DubScript, PlacedTake, Timeline, Utterance
from dub.timecode import Span
from lang.bcp47 import Locale

WAV = Artifact(sha256="0" * 64, n_bytes=1, media_type="audio/wav")


def line(name: str, speaker: str, start: float, end: float) -> Utterance:
    return Utterance(id=name, speaker=speaker, span=Span.of_seconds(start, end), text="…")


def take(name: str, start: float, end: float) -> PlacedTake:
    return PlacedTake(
        utterance_id=name, speaker="s1", text="hola", slot=Span.of_seconds(start, end), audio=WAV,
        start_sample=round(start * 48_000), n_samples=round((end - start) * 48_000), stretch_ratio=1.0, speed=1.0,
        phonemes=(),
    )  # fmt: skip


def seen(name: str, speaker: str, first: int, end: int, face: int) -> SeenSpan:
    return SeenSpan(
        utterance_id=name, speaker=speaker, first_frame=first, end_frame=end, verdict="speaks", face=face
    )  # fmt: skip


SCRIPT = DubScript(
    source_locale=Locale("und"),
    duration=Fraction(10),
    utterances=(line("u0001", "s1", 1, 4), line("u0002", "s2", 5, 8)),
)
ON_SCREEN = OnScreen(
    spans=(seen("u0001", "s1", 25, 100, 0), seen("u0002", "s2", 125, 200, 1)), faces_of={"s1": (0,), "s2": (1,)}
)


def test_a_line_belongs_to_whoever_speaks_most_of_it_or_nearest() -> None:
    takes = (take("d0001", 0.5, 3.0), take("d0002", 3.5, 7.0), take("d0003", 8.5, 9.0))
    timeline = Timeline(locale=Locale("es"), placed=takes, overruns=(), dialogue=WAV)
    found = faced(SCRIPT, ON_SCREEN, timeline)
    assert [placed.speaker for placed in found.timeline.placed] == ["s1", "s2", "s2"]
    faces = {
        name: [span.face for span in found.on_screen.spans if span.utterance_id == name]
        for name in ("d0001", "d0002", "d0003", "u0001", "u0002")
    }
    assert faces == {"d0001": [0], "d0002": [0, 1], "d0003": [1], "u0001": [0], "u0002": [1]}
    assert found.on_screen.faces_of == ON_SCREEN.faces_of


def test_a_silent_source_leaves_the_lines_to_nobody() -> None:
    silent = DubScript(source_locale=Locale("und"), duration=Fraction(10), utterances=())
    timeline = Timeline(locale=Locale("es"), placed=(take("d0001", 1, 2),), overruns=(), dialogue=WAV)
    found = faced(silent, OnScreen(spans=()), timeline)
    assert found.on_screen.spans == ()
    assert [placed.speaker for placed in found.timeline.placed] == ["s1"]
