"""NLLB-200: 200 languages, any to any (Meta, https://arxiv.org/abs/2207.04672), by CTranslate2.

Not for commercial use (weights CC-BY-NC-4.0). The long tail's best open model; among the great languages the 600M one
is weak. It writes Uzbek in Latin and Santali in Ol Chiki (whose code says Beng).
"""

from __future__ import annotations

from typing import Any

from engines.spec import EngineSpec
from engines.translation.ctranslate2_model import Options, load_model
from engines.translation.ctranslate2_tokens import JsonPieces, PrefixedTokenizer
from engines.translation.ctranslate2_translator import CTranslate2Translator, tiers_of
from lang.engine_codes import codes_of

CODES = codes_of("nllb200")
MODELS = ("nllb-200-distilled-600m", "nllb-200-distilled-1.3b", "nllb-200-3.3b")


def load(**options: Any) -> CTranslate2Translator:
    chosen = Options(**{"model": MODELS[0], **options})
    model = load_model(chosen)
    tokenizer = PrefixedTokenizer(JsonPieces(model.folder / "tokenizer.json"), model, CODES)
    return CTranslate2Translator(model, tokenizer, chosen, languages=CODES)


ENGINE = EngineSpec(
    id="nllb",
    family="translation",
    version=1,
    summary=f"NLLB-200 by CTranslate2: {len(CODES)} of our languages, any to any, not for commercial use",
    load=load,
    locales=frozenset(CODES),
    weights_licence="CC-BY-NC-4.0",
    licence_class="noncommercial",
    models=MODELS,
    extra="studio",
    packages=("ctranslate2", "tokenizers"),
    capabilities={"languages": tiers_of(CODES)},
)
