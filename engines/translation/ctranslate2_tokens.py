"""Text to a model's tokens and back, by the files that came with its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engines.translation.ctranslate2_model import LoadedModel
from lang.bcp47 import Locale

END = "</s>"


class Tokenizer(Protocol):
    """How one model family writes a text and its languages as tokens. Thread-safe."""

    def encode(self, text: str, source: Locale, target: Locale) -> list[str]:
        """The encoder's whole input, with the family's language and end tokens."""
        ...

    def target_prefix(self, target: Locale) -> list[str]:
        """The tokens that the answer is made to start with; [] where the encoder's input names the target."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """The text of an answer without its prefix and end."""
        ...


class Pieces(Protocol):
    """Plain text to the pieces of a vocabulary and back."""

    def encode(self, text: str) -> list[str]: ...

    def decode(self, tokens: Sequence[str]) -> str: ...


class JsonPieces:
    """By a `tokenizer.json`. `is_text_only`: a token such as `spa_Latn` or `</s>` in a text is read as plain letters,
    so that what somebody says cannot steer the model."""

    def __init__(self, file: Path, *, is_text_only: bool = True) -> None:
        from tokenizers import Tokenizer as JsonTokenizer

        self._tokenizer = JsonTokenizer.from_file(str(file))
        self._tokenizer.encode_special_tokens = is_text_only
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, text: str) -> list[str]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).tokens)

    def decode(self, tokens: Sequence[str]) -> str:
        ids = (self._tokenizer.token_to_id(token) for token in tokens)
        return str(self._tokenizer.decode([number for number in ids if number is not None]))


class SentencePieces:
    """By SentencePiece models; `answers` is the one of the target side where a model has two."""

    def __init__(self, file: Path, answers: Path | None = None) -> None:
        from sentencepiece import SentencePieceProcessor

        self._given = SentencePieceProcessor(model_file=str(file))
        self._answers = SentencePieceProcessor(model_file=str(answers)) if answers else self._given

    def encode(self, text: str) -> list[str]:
        return list(self._given.encode(text, out_type=str))

    def decode(self, tokens: Sequence[str]) -> str:
        return str(self._answers.decode(list(tokens)))


class PrefixedTokenizer:
    """Meets `Tokenizer`: the source's token before the text, the target's before the answer (NLLB, M2M100)."""

    def __init__(self, pieces: Pieces, model: LoadedModel, token_of: Mapping[Locale, str]) -> None:
        self._pieces = pieces
        self._model = model
        self._token_of = token_of

    def encode(self, text: str, source: Locale, target: Locale) -> list[str]:
        return [self._model.require_token(self._token_of[source]), *self._pieces.encode(text), END]

    def target_prefix(self, target: Locale) -> list[str]:
        return [self._model.require_token(self._token_of[target])]

    def decode(self, tokens: Sequence[str]) -> str:
        return self._pieces.decode(tokens)
