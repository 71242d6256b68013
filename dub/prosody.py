"""How the source says its lines: where it pauses inside them, how fast and how loud they are, which ones ask.

Pure measuring on the script and the dialogue stem, once per source; and where a translation may take the same breath.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Literal

from pydantic import Field

from dub.artifact import Record
from dub.levels import FRAME_SAMPLES, Curve, active_db
from dub.script import DubScript, Utterance
from dub.timecode import MASTER_RATE_HZ, Span
from lang.line_breaks import break_merit
from lang.questions import is_question
from lang.speech_rate import expected_seconds

PAUSE_S = Fraction(1, 4)
"""A shorter silence inside a line may be a stop's closure; from a quarter of a second it is heard as a pause
(F. Goldman-Eisler, "Psycholinguistics", 1968)."""

MOST_LEVEL_DB = 6.0
"""How far a line may be from its speaker's usual level: twice that is the whole way from a talk to a shout."""

_USUAL_LINES = 3
_SURE_S = 2.0
"""Speech from which a line's tempo is taken as measured; of a shorter one half is chance."""
_CLAUSE_MERIT = 0.4
_FARTHEST_CLAUSE, _FARTHEST_WORD = 0.5, 0.25
"""Shares of a line. Word order differs between languages, so a clause end may lie elsewhere; a pause before a mere
preposition is defensible only near the source's."""
_WORD = re.compile(r"[^\s，。、；：！？]+[，。、；：！？」』）】]*|[，。、；：！？]+")
"""A word with its marks; Chinese and Japanese write no space after theirs."""
_WORDLESS = Fraction(1, 50)
"""Words' times are rounded: a sound that touches one by less than this is beside it."""


class InnerPause(Record):
    """A pause inside a line: silence, or a sound without words. `share`: how much of the line's text is said before
    it, 0..1."""

    span: Span
    share: float = Field(ge=0, le=1)


class LineProsody(Record):
    """One line as the source says it.

    `tempo`: how fast against its speaker's other lines, pauses left out (1.2: a fifth faster; 1.0 where they are too
    few to tell). `level_db`: on the dialogue stem, dBFS, None where it is silent; `phrases_db`: likewise of each
    stretch between the pauses. `asks`: its text is a question.
    """

    utterance_id: str
    pauses: tuple[InnerPause, ...] = ()
    tempo: float = 1.0
    level_db: float | None = None
    phrases_db: tuple[float | None, ...] = ()
    asks: bool = False


class SourceProsody(Record):
    """Every line of a title, and each speaker's usual level (dBFS, the median line). `sounds`: what is heard on the
    dialogue stem and belongs to no word: laughs, sighs, unrecognised speech."""

    schema_version: Literal[1] = 1
    lines: tuple[LineProsody, ...] = ()
    usual_db: dict[str, float] = {}
    sounds: tuple[Span, ...] = ()

    def of(self, utterance_id: str) -> LineProsody:
        """A line that was not measured has no pauses and nothing unusual."""
        return self._by_id.get(utterance_id) or LineProsody(utterance_id=utterance_id)

    @cached_property
    def _by_id(self) -> dict[str, LineProsody]:
        return {line.utterance_id: line for line in self.lines}

    def offset_db(self, utterance_id: str, speaker: str) -> float:
        """How much louder than usual its speaker says a line, within +-MOST_LEVEL_DB; 0 where it is not known."""
        level = self.of(utterance_id).level_db
        if level is None or speaker not in self.usual_db:
            return 0.0
        return min(max(level - self.usual_db[speaker], -MOST_LEVEL_DB), MOST_LEVEL_DB)


NOTHING_MEASURED = SourceProsody()
"""Of a source that nobody listened to: no line of it is unusual, none pauses."""


def prosody_of(script: DubScript, islands: Sequence[Span], power: Curve) -> SourceProsody:
    """Measure every line. `islands`: where the dialogue stem sounds; `power`: its power per hundredth of a second."""
    worded = _worded(script, islands)
    pauses = {line.id: inner_pauses(line, islands, worded) for line in script.utterances}
    tempos = _tempos(script, pauses)
    lines = []
    for line in script.utterances:
        stretches = _stretches(line.span, [pause.span for pause in pauses[line.id]])
        lines.append(
            LineProsody(
                utterance_id=line.id,
                pauses=pauses[line.id],
                tempo=tempos[line.id],
                level_db=_level_db(stretches, power),
                phrases_db=tuple(_level_db([stretch], power) for stretch in stretches),
                asks=is_question(line.text),
            )
        )
    said = {(island.start, island.end) for island in worded}
    usual: dict[str, list[float]] = {}
    for line, measured in zip(script.utterances, lines, strict=True):
        if measured.level_db is not None:
            usual.setdefault(line.speaker, []).append(measured.level_db)
    return SourceProsody(
        lines=tuple(lines),
        usual_db={speaker: median(levels) for speaker, levels in usual.items()},
        sounds=tuple(island for island in islands if (island.start, island.end) not in said),
    )


def inner_pauses(line: Utterance, islands: Sequence[Span], worded: Sequence[Span]) -> tuple[InnerPause, ...]:
    """The pauses of PAUSE_S and more inside a line, between words; without word times, between the sounds themselves.

    What the words' own times leave open is a pause only as far as no other word's sound reaches into it.
    """
    gaps: list[tuple[Span, float]] = []
    if line.words:
        n_chars = sum(len(word.text) for word in line.words) or 1
        said = 0
        for before, after in pairwise(line.words):
            said += len(before.text)
            if after.span.start > before.span.end:
                gaps.append((Span(start=before.span.end, end=after.span.start), said / n_chars))
    else:
        sounding = _meeting(islands, line.span)
        spoken = sum((island.overlap(line.span) for island in sounding), Fraction(0))
        so_far = Fraction(0)
        for one, other in pairwise(sounding):
            so_far += one.overlap(line.span)
            gaps.append((Span(start=one.end, end=other.start), float(so_far / spoken)))
    found = []
    for gap, share in gaps:
        if gap.duration < PAUSE_S:
            continue
        silent = gap.duration - sum((island.overlap(gap) for island in _meeting(worded, gap)), Fraction(0))
        if silent >= PAUSE_S:
            found.append(InnerPause(span=gap, share=min(share, 1.0)))
    return tuple(found)


def breaks_in(text: str, pauses: Sequence[InnerPause]) -> tuple[int | None, ...]:
    """Where a translation takes each of its source's pauses: the index of the character after the break, or None
    where it has no place for it.

    A place is the end of a clause (within half a line of where the source has its pause) or stands before a
    conjunction or preposition (within a quarter); never inside a word, nor between words that belong together. The
    places nearest to the source's win, clause ends counting for more; the order stays.
    """
    places = _places(text)
    # ways[n]: the best way to give the pauses so far places among the first n; a pause without one scores nothing.
    ways: list[tuple[float, tuple[int | None, ...]]] = [(0.0, ())] * (len(places) + 1)
    for pause in pauses:
        better: list[tuple[float, tuple[int | None, ...]]] = []
        for n in range(len(places) + 1):
            score, taken = ways[n]
            choices = [(score, (*taken, None))]
            if n:
                choices.append(better[n - 1])
                index, share, merit = places[n - 1]
                off = abs(share - pause.share)
                if off <= (_FARTHEST_CLAUSE if merit >= _CLAUSE_MERIT else _FARTHEST_WORD):
                    score, taken = ways[n - 1]
                    choices.append((score + 1 + merit - 2 * off, (*taken, index)))
            better.append(max(choices, key=lambda choice: choice[0]))
        ways = better
    return ways[-1][1]


def _places(text: str) -> list[tuple[int, float, float]]:
    """(index of the next word's first character, share of the text before it, merit) of every place where a line may
    pause: between two words, the merit above 0."""
    words = list(_WORD.finditer(text))
    n_chars = sum(len(word.group()) for word in words) or 1
    places = []
    said = 0
    for before, after in pairwise(words):
        said += len(before.group())
        merit = break_merit(before.group(), after.group())
        if merit > 0:
            places.append((after.start(), said / n_chars, merit))
    return places


def _worded(script: DubScript, islands: Sequence[Span]) -> list[Span]:
    """The sounds in which somebody says words: of a line without word times, all that it touches."""
    spans = [word.span for line in script.utterances for word in line.words]
    spans += [line.span for line in script.utterances if not line.words]
    worded = {
        (island.start, island.end)
        for span in spans
        for island in _meeting(islands, span)
        if island.overlap(span) > _WORDLESS
    }
    return [island for island in islands if (island.start, island.end) in worded]


def _meeting(islands: Sequence[Span], span: Span) -> list[Span]:
    """Those of some sounds, in order and not touching, that a span overlaps."""
    found = []
    for index in range(bisect_right(islands, span.start, key=lambda island: island.end), len(islands)):
        if islands[index].start >= span.end:
            break
        found.append(islands[index])
    return found


def _tempos(script: DubScript, pauses: dict[str, tuple[InnerPause, ...]]) -> dict[str, float]:
    """Each line's tempo against the median of its speaker's."""
    rates: dict[str, dict[str, float]] = {}
    spoken_s: dict[str, float] = {}
    for line in script.utterances:
        seconds = float(line.span.duration - sum((pause.span.duration for pause in pauses[line.id]), Fraction(0)))
        expected = expected_seconds(line.text, script.source_locale)
        if seconds > 0 and expected > 0:
            rates.setdefault(line.speaker, {})[line.id] = expected / seconds
            spoken_s[line.id] = seconds
    tempos = {line.id: 1.0 for line in script.utterances}
    for of_speaker in rates.values():
        if len(of_speaker) < _USUAL_LINES:
            continue
        usual = median(of_speaker.values())
        for line_id, rate in of_speaker.items():
            trust = min(1.0, spoken_s[line_id] / _SURE_S)
            tempos[line_id] = round(1 + trust * (rate / usual - 1), 3)
    return tempos


def tempo_bounds(tempo: float, slowest: Fraction, fastest: Fraction) -> tuple[Fraction, Fraction]:
    """(slowest, fastest) tempo of a dub's line without need: a hurried line does not dawdle, a slow one does not run.

    `tempo`: of the source's line against its speaker's others. Within `slowest`..`fastest`, and 1 always allowed.
    """
    return (
        min(Fraction(1), max(slowest, slowest * Fraction(tempo).limit_denominator(1000))),
        max(Fraction(1), min(fastest, fastest * Fraction(tempo).limit_denominator(1000))),
    )


def _stretches(span: Span, pauses: Sequence[Span]) -> list[Span]:
    """What of a span lies outside the pauses, in order; one more than there are pauses."""
    edges = [span.start, *(edge for pause in pauses for edge in (pause.start, pause.end)), span.end]
    return [Span(start=start, end=max(start, end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _level_db(stretches: Sequence[Span], power: Curve) -> float | None:
    """Level of the sounding part of some stretches."""
    frame_s = Fraction(FRAME_SAMPLES, MASTER_RATE_HZ)
    frames = [
        frame
        for stretch in stretches
        for frame in range(int(stretch.start / frame_s), min(len(power), int(stretch.end / frame_s)))
    ]
    return active_db(power[frames]) if frames else None
