"""M2M100: 100 languages, any to any (Meta, https://arxiv.org/abs/2010.11125), by CTranslate2, MIT.

Older and weaker than NLLB-200, but free for every use, and with languages that MADLAD-400 does less well.
"""

from __future__ import annotations

from typing import Any

from engines.spec import EngineSpec
from engines.translation.ctranslate2_model import Options, load_model
from engines.translation.ctranslate2_tokens import PrefixedTokenizer, SentencePieces
from engines.translation.ctranslate2_translator import CTranslate2Translator, tiers_of
from lang.engine_codes import codes_of

CODES = codes_of("m2m100")
TOKENS = {locale: f"__{code}__" for locale, code in CODES.items()}
MODELS = ("m2m100-418m", "m2m100-1.2b")


def load(**options: Any) -> CTranslate2Translator:
    chosen = Options(**{"model": MODELS[0], **options})
    model = load_model(chosen)
    tokenizer = PrefixedTokenizer(SentencePieces(model.folder / "sentencepiece.bpe.model"), model, TOKENS)
    return CTranslate2Translator(model, tokenizer, chosen, languages=CODES)


ENGINE = EngineSpec(
    id="m2m100",
    family="translation",
    version=1,
    summary="M2M100 by CTranslate2: 99 of our languages, any to any, MIT",
    load=load,
    locales=frozenset(CODES),
    weights_licence="MIT",
    models=MODELS,
    extra="studio",
    packages=("ctranslate2", "sentencepiece"),
    capabilities={"languages": tiers_of(CODES)},
)
