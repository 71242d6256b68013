"""Checks of the subtitles in the finished file: can they be read in the time they stand, and in the right direction."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from dub.finding import Finding, Level
from dub.gates import Gates
from dub.subtitles import N_LINES, SHORTEST_S, Cue
from lang.bcp47 import Locale
from lang.line_breaks import line_chars, measure_of, reading_speed
from lang.registry import language


def check_subtitles(cues: Sequence[Cue], locale: Locale, n_placed: int, gates: Gates) -> tuple[Finding, ...]:
    """Their presence, reading speed, line lengths and direction. `cues`: as read from the file; `n_placed`: lines that
    are spoken. A cue is named by the time it starts at."""
    if not cues:
        level = Level.FAILED if n_placed else Level.OK
        said = "The file has no subtitles. Make it again." if n_placed else "Nothing is said, so nothing is subtitled."
        return (Finding(level=level, check="subtitles_there", message=said),)
    return (
        Finding(level=Level.OK, check="subtitles_there", message=f"{len(cues)} subtitles.", value=float(len(cues))),
        _speed(cues, locale, gates),
        _layout(cues, locale, gates),
        _direction(cues, locale, gates),
    )


def _speed(cues: Sequence[Cue], locale: Locale, gates: Gates) -> Finding:
    """A cue that stands as briefly as any may is judged by that time: its few letters are read at a glance."""
    most = reading_speed(language(locale).script)
    shares = [_characters_per_second(cue) / most for cue in cues]
    worst = max(range(len(cues)), key=shares.__getitem__)
    n_fast = sum(gates.subtitle_speed.level(share) is not Level.OK for share in shares)
    return gates.finding(
        "subtitle_speed",
        shares[worst],
        f"The fastest subtitle, at {_clock(cues[worst])}, asks for {shares[worst] * most:.0f} characters a second; "
        f"{most:.0f} can be read.",
        todo=f"So do {n_fast} of {len(cues)}: shorten the lines." if n_fast > 1 else "Shorten the line.",
    )


def _characters_per_second(cue: Cue) -> float:
    stands = max(cue.span.duration, SHORTEST_S)
    return cue.chars_per_second * float(cue.span.duration / stands) if cue.span.duration else 0.0


def _layout(cues: Sequence[Cue], locale: Locale, gates: Gates) -> Finding:
    script = language(locale).script
    longest, measure = line_chars(script), measure_of(script)
    bad = [
        cue
        for cue in cues
        if len(lines := cue.text.split("\n")) > N_LINES or any(measure(line) > longest for line in lines)
    ]
    where = f" The first is at {_clock(bad[0])}." if bad else ""
    return gates.finding(
        "subtitle_layout",
        float(len(bad)),
        f"{len(bad)} of {len(cues)} subtitles have over {N_LINES} lines, or a line over {longest} characters.{where}",
        todo="They cover the picture or are cut by players: shorten them.",
    )


def _direction(cues: Sequence[Cue], locale: Locale, gates: Gates) -> Finding:
    """A player takes a line's direction from its first letter that has one, or from a mark before it."""
    is_rtl = language(locale).is_rtl
    wrong = [cue for cue in cues if any(_reads_rtl(line) not in (None, is_rtl) for line in cue.text.split("\n"))]
    where = f" The first is at {_clock(wrong[0])}." if wrong else ""
    return gates.finding(
        "reading_order",
        float(len(wrong)),
        f"{len(wrong)} of {len(cues)} subtitles would be laid out from the wrong side.{where}",
        todo="Full stops and numbers land at the wrong end: begin the line with the language's own letters or a mark.",
    )


def _reads_rtl(line: str) -> bool | None:
    """By rule P2 of Unicode's bidirectional algorithm; None where nothing in the line has a direction."""
    kinds = (unicodedata.bidirectional(char) for char in line)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), None)


def _clock(cue: Cue) -> str:
    seconds = float(cue.span.start)
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
