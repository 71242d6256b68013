"""What is heard in a dub of which only the file is known, laid over the lines of its source by time alone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

from dub.script import DubScript, Timeline, TranslatedLine, Translation, Utterance, Word
from dub.timecode import Span
from lang.sentences import ends_sentence

NEAR_S = Fraction(1, 2)
"""Speech this close to a source line that it does not touch still belongs to it."""
COVERED = Fraction(1, 2)
"""Share of a source line that must lie under a line of the dub before that is taken to say it too."""
SENTENCE_END_S, PAUSE_WEIGHT = 1.0, 2.0
"""Where one line of the dub says two of the source: it is cut at the end of a sentence rather than up to a second
nearer to the source's own cut, and each second of pause counts for two."""


def laid_over(source: DubScript, heard: DubScript) -> DubScript:
    """The dub's lines under the ids and speakers of the source lines that they are said for, in order of time.

    A line goes to the source line that it shares most time with. Lines of one source line are joined; a line that also
    covers source lines which have none is shared out among them. One that is said nowhere near any line of the source
    stays, under an id that the source does not have: `strays`.
    """
    lines = source.utterances
    starts = [line.span.start for line in lines]
    ends = list(accumulate((line.span.end for line in lines), max))
    near = [
        range(bisect_left(ends, line.span.start - NEAR_S), bisect_right(starts, line.span.end + NEAR_S))
        for line in heard.utterances
    ]
    homes = [_home(line.span, lines, around) for line, around in zip(heard.utterances, near, strict=True)]
    filled = {home for home in homes if home is not None}
    parts: dict[int, list[Utterance]] = {}
    strays: list[Utterance] = []
    for line, home, around in zip(heard.utterances, homes, near, strict=True):
        if home is None:
            strays.append(line)
            continue
        also = [
            index
            for index in around
            if index not in filled and line.span.overlap(lines[index].span) >= COVERED * lines[index].span.duration
        ]
        wanted = sorted([home, *also])
        for index, piece in zip(wanted, _shared(line, [lines[index].span for index in wanted]), strict=False):
            parts.setdefault(index, []).append(piece)
    known = [_joined(lines[index], pieces) for index, pieces in parts.items()]
    highest = max((int(line.id[1:]) for line in lines), default=0)
    known += [line.model_copy(update={"id": f"u{highest + n:04}"}) for n, line in enumerate(strays, start=1)]
    return heard.model_copy(update={"utterances": tuple(sorted(known, key=lambda line: line.span.start))})


def strays(source: DubScript, lines: DubScript) -> tuple[Utterance, ...]:
    """Of the dub's lines (`laid_over`), those that say no line of the source."""
    own = {line.id for line in source.utterances}
    return tuple(line for line in lines.utterances if line.id not in own)


def translation_of(source: DubScript, said: Timeline, route: str) -> Translation:
    """The dub's words as a translation of the source's lines; lines that it does not say are not in it. `route`: how
    the words came to be known, `heard` or `given`."""
    own = {line.id for line in source.utterances}
    lines = (TranslatedLine(utterance_id=take.utterance_id, text=take.text) for take in said.placed)
    return Translation(
        locale=said.locale, route=(route,), lines=tuple(line for line in lines if line.utterance_id in own)
    )


def in_source_slots(source: DubScript, said: Timeline) -> Timeline:
    """The timeline with each line beside the time that the source leaves for it."""
    slots = {line.id: source.slot(index) for index, line in enumerate(source.utterances)}
    placed = (take.model_copy(update={"slot": slots.get(take.utterance_id, take.slot)}) for take in said.placed)
    return said.model_copy(update={"placed": tuple(placed)})


def far_from(lines: Sequence[Span], islands: Sequence[Span]) -> Fraction:
    """Seconds of speech over half a second away from all `lines`. `islands`: when it sounds, in order, not touching."""
    reach = [Span(start=max(Fraction(0), line.start - NEAR_S), end=line.end + NEAR_S) for line in lines]
    covered: list[Span] = []
    for span in sorted(reach, key=lambda each: each.start):
        if covered and span.start <= covered[-1].end:
            covered[-1] = Span(start=covered[-1].start, end=max(covered[-1].end, span.end))
        else:
            covered.append(span)
    return sum((island.duration - sum(island.overlap(span) for span in covered) for island in islands), Fraction(0))


def _home(span: Span, lines: Sequence[Utterance], around: range) -> int | None:
    """The line that a span belongs to, of those `around` it."""
    if not around:
        return None
    best = max(around, key=lambda index: span.overlap(lines[index].span))
    if span.overlap(lines[best].span) > 0:
        return best
    gap, nearest = min(
        (max(lines[index].span.start - span.end, span.start - lines[index].span.end), index) for index in around
    )
    return nearest if gap <= NEAR_S else None


def _shared(line: Utterance, spans: Sequence[Span]) -> list[Utterance]:
    """One line of the dub in as many pieces as there are `spans` of source lines, cut between words; fewer where it has
    fewer words."""
    words = line.words or _words_by_length(line)
    cuts = [0]
    for before, after in pairwise(spans):
        boundary = (before.end + after.start) / 2
        gaps = range(cuts[-1] + 1, len(words))
        if gaps:
            cuts.append(min(gaps, key=lambda gap: _cost(words, gap, boundary)))
    ends = [*cuts[1:], len(words)]
    return [_piece(line, words, first, last) for first, last in zip(cuts, ends, strict=True)]


def _cost(words: Sequence[Word], gap: int, boundary: Fraction) -> float:
    """How badly a line is cut before word `gap`."""
    before, after = words[gap - 1], words[gap]
    pause = max(0.0, float(after.span.start - before.span.end))
    at = (before.span.end + after.span.start) / 2
    return abs(float(at - boundary)) - SENTENCE_END_S * ends_sentence(before.text) - PAUSE_WEIGHT * pause


def _piece(line: Utterance, words: Sequence[Word], first: int, last: int) -> Utterance:
    """Words [first, last) of a line, in the spelling and with the spaces of its text."""
    if (first, last) == (0, len(words)):
        return line
    starts, at = [], 0
    for word in words:
        at = max(at, line.text.find(word.text, at))
        starts.append(at)
        at += len(word.text)
    text = line.text[starts[first] : starts[last] if last < len(words) else None].strip()
    own = tuple(words[first:last])
    span = Span(start=own[0].span.start, end=max(word.span.end for word in own))
    return line.model_copy(update={"text": text or own[0].text, "span": span, "words": own if line.words else ()})


def _words_by_length(line: Utterance) -> tuple[Word, ...]:
    """Of a line whose words have no times: they share its time by their length."""
    texts = line.text.split()
    n_letters, n_before, words = sum(map(len, texts)), 0, []
    for text in texts:
        start, end = (line.span.start + line.span.duration * n / n_letters for n in (n_before, n_before + len(text)))
        words.append(Word(text=text, span=Span(start=start, end=end)))
        n_before += len(text)
    return tuple(words)


def _joined(source: Utterance, pieces: Sequence[Utterance]) -> Utterance:
    in_order = sorted(pieces, key=lambda piece: piece.span.start)
    return Utterance(
        id=source.id,
        speaker=source.speaker,
        span=Span(start=in_order[0].span.start, end=max(piece.span.end for piece in in_order)),
        text=" ".join(piece.text for piece in in_order),
        words=tuple(word for piece in in_order for word in piece.words),
    )
