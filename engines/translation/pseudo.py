"""Toy translator: marks each line with its target and stretches it to a set share of its length. For testing flows."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from dub import progress
from dub.errors import LanguageNotSupported
from engines.spec import EngineSpec
from lang.bcp47 import Locale

ENGLISH = Locale("en")
TARGETS = tuple(map(Locale, ("pt-BR", "es", "ca", "fr", "de", "it", "ja", "ar", "zh")))
TIERS = {(ENGLISH, target): "demo" for target in TARGETS}


class Options(BaseModel):
    """`length_ratio`: words out per word in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Locale = ENGLISH
    target: Locale | None = None
    length_ratio: float = Field(1.0, gt=0, le=4)


class PseudoTranslator:
    """Meets `contract.Translator`: `⟦es⟧ Good morning` is what Spanish for "Good morning" is here."""

    def __init__(self, options: Options) -> None:
        self._length_ratio = options.length_ratio

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return frozenset(TIERS)

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        if (source, target) not in TIERS:
            raise LanguageNotSupported(f"pseudo does not translate {source} to {target}", mend="see its TARGETS")
        progress.report(len(lines), len(lines))
        return [f"⟦{target}⟧ {self._of_length(line)}" if line.strip() else "" for line in lines]

    def _of_length(self, line: str) -> str:
        words = line.split()
        n_words = max(1, round(len(words) * self._length_ratio))
        return " ".join(words[number % len(words)] for number in range(n_words))


def load(**options: object) -> PseudoTranslator:
    return PseudoTranslator(Options.model_validate(options))


ENGINE = EngineSpec(
    id="pseudo",
    family="translation",
    version=1,
    summary="toy: marks each line with its target locale, at a set length",
    load=load,
    locales=frozenset(TARGETS),
    is_toy=True,
    capabilities={"tiers": TIERS},
)
