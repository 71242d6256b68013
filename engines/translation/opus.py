"""OPUS-MT: one small Marian model per pair (Helsinki-NLP, https://github.com/Helsinki-NLP/Opus-MT), by CTranslate2.

Quality varies much from pair to pair. Each pair's model is pulled by itself: `polydub models pull opus-mt-en-de`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import langcodes

from dub.errors import LanguageNotSupported, WeightsCorrupt, WeightsMissing
from engines import weights
from engines.spec import EngineSpec
from engines.translation.ctranslate2_model import LoadedModel, Options, load_model
from engines.translation.ctranslate2_tokens import END, SentencePieces
from engines.translation.ctranslate2_translator import CTranslate2Translator, tiers_of
from lang.bcp47 import Locale
from lang.engine_codes import codes_of
from lang.registry import language

ENGLISH = Locale("en")
MODEL_OF = {(ENGLISH, target): code.rsplit("/", 1)[-1] for target, code in codes_of("opus_mt").items()}
"""Id in models.lock by pair; the same as the name of the model on the hub."""
TIERS = {(ENGLISH, target): tier for target, tier in tiers_of(target for _, target in MODEL_OF).items()}


class MarianTokenizer:
    """Meets `Tokenizer`: SentencePiece for either side, after the punctuation's normalisation that OPUS-MT's training
    texts went through (Moses' normalize-punctuation). A model of several targets is told which by a token before the
    text, `>>ara<<`."""

    def __init__(self, pieces: SentencePieces, model: LoadedModel) -> None:
        from sacremoses import MosesPunctNormalizer

        self._normalised = MosesPunctNormalizer(lang=ENGLISH.language).normalize
        self._pieces = pieces
        self._model = model

    def encode(self, text: str, source: Locale, target: Locale) -> list[str]:
        return [*self._target_token(target), *self._pieces.encode(self._normalised(text)), END]

    def _target_token(self, target: Locale) -> list[str]:
        """Whatever the model itself has for the target; [] where it has one target only."""
        known = {token for token in self._model.vocabulary if token.startswith(">>") and token.endswith("<<")}
        codes = (langcodes.get(target).to_alpha3(), language(target).iso639_3)  # `ara`, `arb`: macro and individual
        wanted = [f">>{code}{script}<<" for code in codes for script in ("", f"_{language(target).script}")]
        if known and not known & set(wanted):
            raise WeightsCorrupt(
                f"{self._model.id} has no token for {target}, only {', '.join(sorted(known)[:10])}",
                mend=f"polydub models pull {self._model.id}",
            )
        return [token for token in wanted if token in known][:1]

    def target_prefix(self, target: Locale) -> list[str]:
        return []

    def decode(self, tokens: Sequence[str]) -> str:
        return self._pieces.decode(tokens)


def model_of(source: Locale, target: Locale) -> str:
    """Id in models.lock. Raises LanguageNotSupported for a pair that is none of ours."""
    try:
        return MODEL_OF[source, target]
    except KeyError:
        known = ", ".join(sorted(target for _, target in MODEL_OF))
        raise LanguageNotSupported(
            f"opus does not translate {source} to {target}", mend=f"from English it does {known}"
        ) from None


def require(source: Locale, target: Locale) -> None:
    """Raises LanguageNotSupported, or WeightsMissing where the pair's model has not been pulled."""
    model_id = model_of(source, target)
    if not (weights.models_root() / model_id).is_dir():
        raise WeightsMissing(f"the model of {source} to {target} is not here", mend=f"polydub models pull {model_id}")


def load(**options: Any) -> CTranslate2Translator:
    """The engine for the one pair that the options name: a model does no other."""
    source, target = Locale(options.get("source", ENGLISH)), Locale(options.get("target", "de"))
    chosen = Options(**{"model": model_of(source, target), **options})
    model = load_model(chosen)
    pieces = SentencePieces(model.folder / "source.spm", model.folder / "target.spm")
    return CTranslate2Translator(model, MarianTokenizer(pieces, model), chosen, pairs=frozenset({(source, target)}))


ENGINE = EngineSpec(
    id="opus",
    family="translation",
    version=1,
    summary=f"OPUS-MT by CTranslate2: English into {len(MODEL_OF)} languages, a small model for each",
    load=load,
    locales=frozenset(target for _, target in MODEL_OF),
    weights_licence="CC-BY-4.0",
    models=tuple(MODEL_OF.values()),
    extra="studio",
    packages=("ctranslate2", "sentencepiece", "sacremoses"),
    capabilities={"tiers": TIERS, "require": require, "model_of": model_of},
)
