"""Pieces of lines on their way through a model: batched by length, cut where too long, judged for loops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

LOOP_TOKENS = 4
_LIMITS = (32, 64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Piece:
    """A sentence, a part of one, or a whole line; `line` is where it belongs. `tokens`: what the model is given."""

    line: int
    text: str
    tokens: tuple[Hashable, ...]

    @property
    def limit(self) -> int:
        """Most tokens that its answer may have: twice its own and 16 more, rounded up in steps, so that it depends on
        no other piece of its batch and few batches have to be apart for it."""
        wanted = 2 * len(self.tokens) + 16
        return next((limit for limit in _LIMITS if limit >= wanted), _LIMITS[-1])


def batches(pieces: Sequence[Piece], max_tokens: int) -> Iterator[list[int]]:
    """Indices, the longest pieces first, of pieces with the same limit that together, padded, have at most
    `max_tokens` tokens; one piece at least."""
    batch: list[int] = []
    for index in sorted(range(len(pieces)), key=lambda index: (-len(pieces[index].tokens), index)):
        longest = pieces[batch[0]] if batch else pieces[index]
        is_full = (len(batch) + 1) * len(longest.tokens) > max_tokens
        if batch and (is_full or pieces[index].limit != longest.limit):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def halves(text: str) -> tuple[str, str]:
    """Cut at the space nearest the middle, at the middle itself where there is none."""
    middle = len(text) // 2
    spaces = [match.start() for match in re.finditer(r"(?<=\S) (?=\S)", text)]
    cut = min(spaces, key=lambda at: abs(at - middle), default=middle)
    return text[:cut].strip(), text[cut:].strip()


def is_loop(answer: Sequence[Hashable], given: Sequence[Hashable]) -> bool:
    """Whether some four tokens come back over twice, and more often than any do in what was said."""
    return _most_repeats(answer) > max(2, _most_repeats(given))


def _most_repeats(tokens: Sequence[Hashable]) -> int:
    grams = Counter(zip(*(tokens[start:] for start in range(LOOP_TOKENS)), strict=False))
    return max(grams.values(), default=0)
