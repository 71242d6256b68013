"""Hy-MT2: a language model trained for translation among 38 languages (Tencent, 2026, Apache-2.0), by transformers.

https://github.com/Tencent-Hunyuan/Hy-MT2, arXiv 2605.22064. Leads its size on published tests. Outside its own
languages it produces garbage, and without its own prompt and sampling settings it answers in Chinese: both are fixed
here. Kazakh, Mongolian and Uyghur are those of China; which script its Mongolian and Kazakh come in is not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dub import progress
from dub.errors import EngineFailed, LanguageNotSupported
from engines.spec import EngineSpec
from engines.translation.pieces import Piece, batches
from engines.translation.transformers_model import CausalModel, Options, Sampling, load_causal_model
from lang.bcp47 import Locale
from lang.engine_codes import codes_of
from lang.registry import language
from lang.sentences import join_sentences, split_sentences

CODES = codes_of("hy_mt2")
MODELS = ("hy-mt2-1.8b",)

SAMPLING = Sampling(temperature=0.7, top_k=20, top_p=0.6, repetition_penalty=1.05)
"""Its makers' settings for the 1.8B and 7B models."""
PROMPT = (
    "Translate the following text into {language}. Note that you should only output the translated result without any "
    "additional explanation:\n\n{text}"
)
"""Its makers' English prompt; the source is not named."""
_NAMES = {Locale("bn"): "Bengali", Locale("zh-Hant"): "Traditional Chinese"}
"""Where its makers' name for a language is not the registry's."""
LONGEST_PROMPT_TOKENS = 1000
_ITS_CHINA_VARIETIES = frozenset(map(Locale, ("kk", "mn")))


def tiers() -> dict[Locale, str]:
    """Good, by its makers' and WMT's evaluations of these very languages; but what the Kazakh and the Mongolian of its
    training are is not published: fair."""
    return {locale: "fair" if locale in _ITS_CHINA_VARIETIES else "good" for locale in CODES}


class HyMt:
    """Meets `contract.Translator`. A line is given whole: the model was trained on texts."""

    def __init__(self, model: CausalModel, options: Options) -> None:
        self._model = model
        self._options = options

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return frozenset((one, other) for one in CODES for other in CODES if one != other)

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        if source not in CODES or target not in CODES or source == target:
            raise LanguageNotSupported(
                f"{self._model.id} does not translate {source} to {target}", mend=f"it knows {', '.join(CODES)}"
            )
        pieces = [piece for number, line in enumerate(lines) for piece in self._pieces(number, line, target)]
        texts: dict[int, str] = {}
        for batch in batches(pieces, self._options.max_batch_tokens):
            texts.update(zip(batch, self._batch([pieces[index] for index in batch]), strict=True))
            progress.report(len(texts), len(pieces))
        answers: list[list[str]] = [[] for _ in lines]
        for index, piece in enumerate(pieces):
            answers[piece.line].append(texts[index])
        return [join_sentences(parts) if parts else line.strip() for parts, line in zip(answers, lines, strict=True)]

    def _pieces(self, number: int, line: str, target: Locale) -> Iterator[Piece]:
        """The line; its sentences where it is too long; nothing where it has no words."""
        if not re.search(r"\w", line):
            return
        whole = self._piece(number, " ".join(line.split()), target)
        sentences = split_sentences(whole.text)
        if len(whole.tokens) <= LONGEST_PROMPT_TOKENS or len(sentences) == 1:
            yield whole
        else:
            yield from (self._piece(number, sentence, target) for sentence in sentences)

    def _piece(self, number: int, text: str, target: Locale) -> Piece:
        name = _NAMES.get(target, language(target).name)
        return Piece(number, text, self._model.prompt(PROMPT.format(language=name, text=text)))

    def _batch(self, pieces: Sequence[Piece]) -> list[str]:
        found = self._model.answers(
            [piece.tokens for piece in pieces], SAMPLING, most_tokens=pieces[0].limit, seed=self._options.seed
        )
        return [self._checked(answer, piece) for answer, piece in zip(found, pieces, strict=True)]

    def _checked(self, answer: str | None, piece: Piece) -> str:
        if answer is None:
            raise EngineFailed(f"{self._model.id} finds no end to {piece.text!r}")
        text = " ".join(answer.split())
        if not re.search(r"\w", text):
            raise EngineFailed(f"{self._model.id} gave no words for {piece.text!r}")
        return text


def load(**options: Any) -> HyMt:
    chosen = Options(**{"model": MODELS[0], **options})
    return HyMt(load_causal_model(chosen), chosen)


ENGINE = EngineSpec(
    id="hy-mt",
    family="translation",
    version=1,
    summary=f"Hy-MT2 by transformers: {len(CODES)} languages, any to any, best on a GPU, Apache-2.0",
    load=load,
    locales=frozenset(CODES),
    weights_licence="Apache-2.0",
    models=MODELS,
    extra="studio",
    packages=("torch", "transformers"),
    capabilities={"languages": tiers()},
)
