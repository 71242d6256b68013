"""What the CTranslate2 engines share: lines to sentences, batches by length, beam search, guards against loops.

A model family differs in how it writes languages as tokens (`ctranslate2_tokens.Tokenizer`); nllb.py is the shortest
example of an engine made of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dub import progress
from dub.errors import EngineFailed, LanguageNotSupported
from engines.translation.ctranslate2_model import LoadedModel, Options
from engines.translation.ctranslate2_tokens import END, Tokenizer
from engines.translation.pieces import LOOP_TOKENS, Piece, batches, halves, is_loop
from lang.bcp47 import Locale
from lang.registry import language
from lang.sentences import join_sentences, split_sentences

PATIENCE = 2.0
"""Beam search ends when this many times the beam have ended. At 1, the library's default, NLLB-200 3.3B loses 0.38
chrF++ (mean of four FLORES directions)."""
LONGEST_SENTENCE_TOKENS = 200
"""The models were trained on sentences; a longer one is cut between words."""
_GUARDS = {"no_repeat_ngram_size": LOOP_TOKENS, "repetition_penalty": 1.1}
"""For a second try at what looped or did not end; not for all, for people do say the same words twice."""
_TIER_OF = {"A": "good", "B": "fair"}
_FAULTY = frozenset({"zh", "ja"})


def tiers_of(locales: Iterable[Locale]) -> dict[Locale, str]:
    """How well a many-language model does each language, by the registry's tier: a language with published evaluation
    of current systems is one that such models saw much text of (A), one that only NLLB's or M2M100's own tables
    report is understandable with faults (B), one of the long tail is there to show that it runs.

    Chinese and Japanese are no better than fair: in a field test of 84 sentences among them and English, NLLB 600M was
    found unusable, and MADLAD 3B usable but given to inventing and leaving out; NLLB 3.3B has 22 spBLEU into Chinese
    on FLORES where Google has 34.
    """
    return {
        locale: "fair" if locale.language in _FAULTY else _TIER_OF.get(language(locale).tier, "demo")
        for locale in locales
    }


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
        for batch in batches(pieces, self._options.max_batch_tokens):
            texts.update(zip(batch, self._batch([pieces[index] for index in batch], target), strict=True))
            progress.report(len(texts), len(pieces))
        answers: list[list[str]] = [[] for _ in lines]
        for index, piece in enumerate(pieces):
            answers[piece.line].append(texts[index])
        return [join_sentences(parts) if parts else line.strip() for parts, line in zip(answers, lines, strict=True)]

    def _pieces(self, number: int, line: str, source: Locale, target: Locale) -> Iterator[Piece]:
        """What of a line is translated, sentence by sentence: given several, these models drop some. Nothing of a line
        without words."""
        for sentence in split_sentences(" ".join(line.split())) if re.search(r"\w", line) else ():
            yield from self._short_enough(number, sentence, source, target)

    def _short_enough(self, number: int, text: str, source: Locale, target: Locale) -> Iterator[Piece]:
        tokens = tuple(self._tokenizer.encode(text, source, target))
        if len(tokens) <= LONGEST_SENTENCE_TOKENS or len(text) < 2:
            yield Piece(number, text, tokens)
            return
        for half in halves(text):
            yield from self._short_enough(number, half, source, target)

    def _batch(self, pieces: Sequence[Piece], target: Locale) -> list[str]:
        answers = self._run(pieces, target)
        stuck = [
            index
            for index, (answer, piece) in enumerate(zip(answers, pieces, strict=True))
            if answer is None or is_loop(answer, piece.tokens)
        ]
        if stuck:
            again = self._run([pieces[index] for index in stuck], target, **_GUARDS)
            for index, answer in zip(stuck, again, strict=True):
                answers[index] = answer
        return [self._text(answer, piece) for answer, piece in zip(answers, pieces, strict=True)]

    def _run(self, pieces: Sequence[Piece], target: Locale, **guards: Any) -> list[_Answer]:
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

    def _text(self, answer: _Answer, piece: Piece) -> str:
        if answer is None:
            raise EngineFailed(f"{self._model.id} finds no end to {piece.text!r}")
        text = " ".join(self._tokenizer.decode(answer).split())
        if re.search(r"\w", piece.text) and not re.search(r"\w", text):
            raise EngineFailed(f"{self._model.id} gave no words for {piece.text!r}")
        return text


def _ended(tokens: list[str]) -> _Answer:
    return tokens[:-1] if tokens and tokens[-1] == END else None
