"""What the CTranslate2 engines share: lines to sentences, batches by length, beam search, guards against loops.

A model family differs in how it writes languages as tokens (`ctranslate2_tokens.Tokenizer`); nllb.py is the shortest
example of an engine made of the two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dub import progress
from dub.errors import EngineFailed, LanguageNotSupported
from engines.translation.ctranslate2_model import LoadedModel, Options
from engines.translation.ctranslate2_tokens import END, Tokenizer
from lang.bcp47 import Locale
from lang.registry import language
from lang.text import split_sentences

PATIENCE = 2.0
"""Beam search ends when this many times the beam have ended. At 1, the library's default, NLLB-200 3.3B loses 0.38
chrF++ (mean of four FLORES directions)."""
LONGEST_SENTENCE_TOKENS = 200
"""The models were trained on sentences; a longer one is cut between words."""
_LIMITS = (32, 64, 128, 256, 512)
"""Most tokens that an answer may have: the least of these that is at least twice its sentence's length and 16 more.
In steps, so that a sentence's limit depends on no other sentence of its batch."""
_LOOP_TOKENS = 4
_GUARDS = {"no_repeat_ngram_size": _LOOP_TOKENS, "repetition_penalty": 1.1}
"""For a second try at what looped or did not end; not for all, for people do say the same words twice."""
_TIER_OF = {"A": "good", "B": "fair"}
_UNSPACED_BETWEEN_SENTENCES = frozenset({"Hans", "Hant", "Hani", "Jpan"})


def tiers_of(locales: Iterable[Locale]) -> dict[Locale, str]:
    """How well a many-language model does each language, by the registry's tier: a language with published evaluation
    of current systems is one that such models saw much text of (A), one that only NLLB's or M2M100's own tables
    report is understandable with faults (B), one of the long tail is there to show that it runs."""
    return {locale: _TIER_OF.get(language(locale).tier, "demo") for locale in locales}


@dataclass(frozen=True)
class _Piece:
    """A sentence, or a part of one, on its way through a batch; `line` is where it belongs."""

    line: int
    text: str
    tokens: tuple[str, ...]

    @property
    def limit(self) -> int:
        wanted = 2 * len(self.tokens) + 16
        return next((limit for limit in _LIMITS if limit >= wanted), _LIMITS[-1])


_Answer = list[str] | None
"""An answer's tokens without prefix and end; None where it did not end within its limit."""


class CTranslate2Translator:
    """Meets `contract.Translator`, from any of its languages to any other, or for `pairs` only where they are given."""

    def __init__(
        self,
        model: LoadedModel,
        tokenizer: Tokenizer,
        options: Options,
        *,
        languages: Mapping[Locale, str] | None = None,
        pairs: frozenset[tuple[Locale, Locale]] = frozenset(),
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._options = options
        among = languages or {}
        self._routes = pairs or frozenset((one, other) for one in among for other in among if one != other)

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return self._routes

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        if (source, target) not in self._routes:
            raise LanguageNotSupported(
                f"{self._model.id} does not translate {source} to {target}", mend="choose another engine for it"
            )
        pieces = [piece for number, line in enumerate(lines) for piece in self._pieces(number, line, source, target)]
        texts: dict[int, str] = {}
        for batch in _batches(pieces, self._options.max_batch_tokens):
            texts.update(zip(batch, self._batch([pieces[index] for index in batch], target), strict=True))
            progress.report(len(texts), len(pieces))
        answers: list[list[str]] = [[] for _ in lines]
        for index, piece in enumerate(pieces):
            answers[piece.line].append(texts[index])
        between = "" if language(target).script in _UNSPACED_BETWEEN_SENTENCES else " "
        return [between.join(parts) if parts else line.strip() for parts, line in zip(answers, lines, strict=True)]

    def _pieces(self, number: int, line: str, source: Locale, target: Locale) -> Iterator[_Piece]:
        """What of a line is translated, sentence by sentence: given several, these models drop some. Nothing of a line
        without words."""
        for sentence in split_sentences(" ".join(line.split())) if re.search(r"\w", line) else ():
            yield from self._short_enough(number, sentence, source, target)

    def _short_enough(self, number: int, text: str, source: Locale, target: Locale) -> Iterator[_Piece]:
        tokens = tuple(self._tokenizer.encode(text, source, target))
        if len(tokens) <= LONGEST_SENTENCE_TOKENS or len(text) < 2:
            yield _Piece(number, text, tokens)
            return
        for half in _halves(text):
            yield from self._short_enough(number, half, source, target)

    def _batch(self, pieces: Sequence[_Piece], target: Locale) -> list[str]:
        answers = self._run(pieces, target)
        stuck = [
            index
            for index, (answer, piece) in enumerate(zip(answers, pieces, strict=True))
            if answer is None or _is_loop(answer, piece.tokens)
        ]
        if stuck:
            again = self._run([pieces[index] for index in stuck], target, **_GUARDS)
            for index, answer in zip(stuck, again, strict=True):
                answers[index] = answer
        return [self._text(answer, piece) for answer, piece in zip(answers, pieces, strict=True)]

    def _run(self, pieces: Sequence[_Piece], target: Locale, **guards: Any) -> list[_Answer]:
        prefix = self._tokenizer.target_prefix(target)
        try:
            results = self._model.translator.translate_batch(
                [list(piece.tokens) for piece in pieces],
                target_prefix=[prefix] * len(pieces) if prefix else None,
                beam_size=self._options.beam_size,
                patience=PATIENCE if self._options.beam_size > 1 else 1.0,
                max_input_length=0,
                max_decoding_length=pieces[0].limit,
                disable_unk=True,
                return_end_token=True,
                **guards,
            )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"{self._model.id} failed at {pieces[0].text!r}: {error}") from error
        return [_ended(result.hypotheses[0][len(prefix) :]) for result in results]

    def _text(self, answer: _Answer, piece: _Piece) -> str:
        if answer is None:
            raise EngineFailed(f"{self._model.id} finds no end to {piece.text!r}")
        text = " ".join(self._tokenizer.decode(answer).split())
        if re.search(r"\w", piece.text) and not re.search(r"\w", text):
            raise EngineFailed(f"{self._model.id} gave no words for {piece.text!r}")
        return text


def _batches(pieces: Sequence[_Piece], max_tokens: int) -> Iterator[list[int]]:
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


def _halves(text: str) -> tuple[str, str]:
    """Cut at the space nearest the middle, at the middle itself where there is none."""
    middle = len(text) // 2
    spaces = [match.start() for match in re.finditer(r"(?<=\S) (?=\S)", text)]
    cut = min(spaces, key=lambda at: abs(at - middle), default=middle)
    return text[:cut].strip(), text[cut:].strip()


def _ended(tokens: list[str]) -> _Answer:
    return tokens[:-1] if tokens and tokens[-1] == END else None


def _is_loop(answer: Sequence[str], given: Sequence[str]) -> bool:
    """Whether some four tokens come back over twice, and more often than any do in what was said."""
    return _most_repeats(answer) > max(2, _most_repeats(given))


def _most_repeats(tokens: Sequence[str]) -> int:
    grams = Counter(zip(*(tokens[start:] for start in range(_LOOP_TOKENS)), strict=False))
    return max(grams.values(), default=0)
