"""From recognised words to dubbable utterances: words settled on the sound, cut where the speaker pauses or ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from dub.script import Utterance, Word
from dub.timecode import Span
from dub.turns import Turns

SHORT_PAUSE_S = Fraction(1, 2)
LONG_PAUSE_S = Fraction(9, 10)
SENTENCE_PAUSE_S = Fraction(1, 10)
SHORTEST_UTTERANCE_S = Fraction(6, 5)
"""Anything shorter makes no line of its own unless a long pause sets it apart: "Good morning," stays with "my name"."""
LONG_UTTERANCE_S = Fraction(8)
BREATH_S = Fraction(1, 4)
"""An utterance over 8 s is cut at a breath, where both sides are 2 s or more: long takes drift from the lips."""
LONGEST_UTTERANCE_S = Fraction(12)
"""An utterance over 12 s is cut in any case."""

STRAY_S = Fraction(3, 5)
"""A word no longer than this may lie beyond the end of a turn that is its own: ends of turns are off by 0.25 s."""

_LEAST_S = Fraction(2)
NOBODY_TOLD = Turns()
_CLAUSE_ENDS = ",;:.!?…،؛。、，；：！？"
_SNAP_S = Fraction(3, 10)
_LATE_S = Fraction(1)
_STUB_S = Fraction(8, 100)
_LEAST_WORD_S = Fraction(4, 100)


def settle_words(words: Sequence[Word], islands: Sequence[Span]) -> tuple[Word, ...]:
    """Words moved onto the speech that is there, in order; a word with no speech within 1 s of it is dropped.

    A recogniser's word times are +-60-200 ms, and it stretches the word after a pause back over the pause. So a word
    that spans a pause goes to the side where it ends, an edge in silence moves to the speech inside the word, and the
    words beside a pause reach its edges where these are within 0.3 s.
    """
    settled: list[Word] = []
    homes: list[int] = []
    for word in words:
        home = _home(word.span, islands)
        if home is None:
            continue
        if homes and home < homes[-1]:
            home = homes[-1]
        island = islands[home]
        start, end = max(word.span.start, island.start), min(word.span.end, island.end)
        if settled:
            start = max(start, settled[-1].span.end if homes[-1] == home else start)
        start = min(start, island.end - _LEAST_WORD_S)
        settled.append(word.model_copy(update={"span": Span(start=start, end=max(end, start + _LEAST_WORD_S))}))
        homes.append(home)
    return tuple(_reach_edges(settled, homes, islands))


def cut_utterances(
    words: Sequence[Word],
    join: Callable[[Sequence[str]], str],
    ends_sentence: Callable[[str], bool],
    turns: Turns = NOBODY_TOLD,
) -> tuple[Utterance, ...]:
    """Words cut where the speaker changes, at long pauses, at short ones and sentence ends where no stub arises, and
    at 12 s.

    `join` puts word texts together as the script writes them; `ends_sentence` tells whether a word closes a sentence.
    """
    said: list[tuple[str, list[Word], str]] = []
    for speaker, run in _runs_of_speakers(words, turns, ends_sentence):
        for group in _groups(run, ends_sentence):
            said += [
                (speaker, piece, text) for piece in _short_enough(group) if (text := join([w.text for w in piece]))
            ]
    return tuple(
        Utterance(
            id=f"u{number:04}",
            speaker=speaker,
            span=Span(start=piece[0].span.start, end=max(word.span.end for word in piece)),
            text=text,
            words=tuple(word.model_copy(update={"text": word.text.strip()}) for word in piece),
        )
        for number, (speaker, piece, text) in enumerate(said, start=1)
    )


def _runs_of_speakers(
    words: Sequence[Word], turns: Turns, ends_sentence: Callable[[str], bool]
) -> list[tuple[str, list[Word]]]:
    """Words of one speaker in a row: each word is said by whoever is heard most during it, strays settled."""
    speakers = [turns.speaker_of(word.span) for word in words]
    for index in range(len(words)):
        if (home := _stray_home(words, speakers, index, ends_sentence)) is not None:
            speakers[index] = speakers[home]
    runs: list[tuple[str, list[Word]]] = []
    for word, speaker in zip(words, speakers, strict=True):
        if not runs or runs[-1][0] != speaker:
            runs.append((speaker, []))
        runs[-1][1].append(word)
    return runs


def _stray_home(
    words: Sequence[Word], speakers: Sequence[str], index: int, ends_sentence: Callable[[str], bool]
) -> int | None:
    """The neighbour that a word belongs to when a change of turns parts it alone from its sentence, for ends of turns
    are off by a word at times; None where it is no stray.

    In "I had a dog. And" / "what did you do?" the change is a word late, in "Where do you" / "live? In Texas." a word
    early. A word that is all its speaker says is nobody else's, unless it stands within the other's sentence.
    """
    word, n_words = words[index], len(words)
    if word.span.duration > STRAY_S:
        return None
    closes, opens = ends_sentence(word.text), index == 0 or ends_sentence(words[index - 1].text)
    if closes and opens:  # a sentence of its own
        return None
    if not closes and not opens:
        is_alone = index + 1 < n_words and speakers[index - 1] == speakers[index + 1] != speakers[index]
        return index - 1 if is_alone else None
    home, beyond = (index - 1, index + 1) if closes else (index + 1, index - 1)
    if not (0 <= beyond < n_words and home < n_words and speakers[beyond] == speakers[index] != speakers[home]):
        return None
    return home if _pause(words, index, home) < SHORT_PAUSE_S else None


def _pause(words: Sequence[Word], one: int, other: int) -> Fraction:
    first, second = min(one, other), max(one, other)
    return words[second].span.start - words[first].span.end


def _groups(words: Sequence[Word], ends_sentence: Callable[[str], bool]) -> list[list[Word]]:
    """One speaker's words, cut at pauses and sentence ends."""
    groups: list[list[Word]] = []
    for index, word in enumerate(words):
        if not groups or _cuts_before(words, index, groups[-1][0].span.start, ends_sentence):
            groups.append([])
        groups[-1].append(word)
    return groups


def _home(span: Span, islands: Sequence[Span]) -> int | None:
    """The island a word belongs to: the last one it reaches into by more than a stub, else the nearest within 1 s."""
    touching = [number for number, island in enumerate(islands) if span.overlap(island) > 0]
    if touching:
        last = touching[-1]
        is_stub = span.overlap(islands[last]) < _STUB_S and len(touching) > 1
        return touching[-2] if is_stub else last
    distances = [
        (max(island.start - span.end, span.start - island.end), number) for number, island in enumerate(islands)
    ]
    distance, nearest = min(distances, default=(_LATE_S, None))
    return nearest if distance < _LATE_S else None


def _reach_edges(words: list[Word], homes: list[int], islands: Sequence[Span]) -> list[Word]:
    """The first and last word on each island take its edge where that is within 0.3 s."""
    reached: list[Word] = []
    for index, (word, home) in enumerate(zip(words, homes, strict=True)):
        start, end, island = word.span.start, word.span.end, islands[home]
        if (index == 0 or homes[index - 1] != home) and start - island.start <= _SNAP_S:
            start = island.start
        if (index + 1 == len(words) or homes[index + 1] != home) and island.end - end <= 2 * _SNAP_S:
            end = island.end
        reached.append(word.model_copy(update={"span": Span(start=start, end=max(start, end))}))
    return reached


def _cuts_before(
    words: Sequence[Word], index: int, utterance_start: Fraction, ends_sentence: Callable[[str], bool]
) -> bool:
    before, word = words[index - 1], words[index]
    pause = word.span.start - before.span.end
    if pause >= LONG_PAUSE_S:
        return True
    is_long_enough = before.span.end - utterance_start >= SHORTEST_UTTERANCE_S
    least_pause = SENTENCE_PAUSE_S if ends_sentence(before.text) else SHORT_PAUSE_S
    return pause >= least_pause and is_long_enough and _runs_on(words, index) >= SHORTEST_UTTERANCE_S


def _runs_on(words: Sequence[Word], index: int) -> Fraction:
    """How long speech goes on from a word to the next long pause."""
    end = words[index].span.end
    for word in words[index + 1 :]:
        if word.span.start - end >= LONG_PAUSE_S:
            break
        end = word.span.end
    return end - words[index].span.start


def _short_enough(group: list[Word]) -> list[list[Word]]:
    """Halve a long group at its best gap: the widest one, clause ends and the middle counting for more."""
    start, end = group[0].span.start, group[-1].span.end
    if end - start <= LONG_UTTERANCE_S:
        return [group]
    is_too_long = end - start > LONGEST_UTTERANCE_S

    def gap(index: int) -> Fraction:
        return group[index].span.start - group[index - 1].span.end

    def merit(index: int) -> float:
        clause = 0.3 if group[index - 1].text.rstrip()[-1:] in _CLAUSE_ENDS else 0.0
        off_middle = abs(float((group[index].span.start - (start + end) / 2) / (end - start)))
        return float(gap(index)) + clause - 0.5 * off_middle

    cuts = [
        index
        for index in range(1, len(group))
        if is_too_long
        or (
            gap(index) >= BREATH_S and min(group[index - 1].span.end - start, end - group[index].span.start) >= _LEAST_S
        )
    ]
    if not cuts:
        return [group]
    cut = max(cuts, key=merit)
    return _short_enough(group[:cut]) + _short_enough(group[cut:])
