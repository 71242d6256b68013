"""MADLAD-400: 400 languages (Google, https://arxiv.org/abs/2309.04662), a T5 by CTranslate2, Apache-2.0.

The one permissive model of the long tail. Known faults: it drops sentences from a text (given one at a time here),
invents and repeats (guarded here, judged by the translate stage), mixes scripts in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dub.errors import WeightsCorrupt
from engines.spec import EngineSpec
from engines.translation.ctranslate2_model import LoadedModel, Options, load_model
from engines.translation.ctranslate2_tokens import END, JsonPieces
from engines.translation.ctranslate2_translator import CTranslate2Translator, tiers_of
from lang.bcp47 import Locale
from lang.engine_codes import codes_of

CODES = codes_of("madlad400")
MODELS = ("madlad-400-3b-mt",)

_TARGET_TOKEN = re.compile(r"<(?=2\w)")


class MadladTokenizer:
    """Meets `Tokenizer`: the target's token, `<2es>`, is written before the text; the source is not named."""

    def __init__(self, pieces: JsonPieces, model: LoadedModel) -> None:
        self._pieces = pieces
        self._model = model

    def encode(self, text: str, source: Locale, target: Locale) -> list[str]:
        code = self._model.require_token(CODES[target])
        tokens = self._pieces.encode(f"{code} {_TARGET_TOKEN.sub('< ', text)}")
        if code not in tokens[:2]:  # the tokenizer may write a space's token before it
            raise WeightsCorrupt(
                f"the tokenizer of {self._model.id} takes {code} apart", mend=f"polydub models pull {self._model.id}"
            )
        return [*tokens, END]

    def target_prefix(self, target: Locale) -> list[str]:
        return []

    def decode(self, tokens: Sequence[str]) -> str:
        return self._pieces.decode(tokens)


def load(**options: Any) -> CTranslate2Translator:
    chosen = Options(**{"model": MODELS[0], **options})
    # T5 was trained in bfloat16 and overflows in float16.
    model = load_model(chosen, gpu_compute_type="bfloat16")
    pieces = JsonPieces(model.folder / "tokenizer.json", is_text_only=False)
    return CTranslate2Translator(model, MadladTokenizer(pieces, model), chosen, languages=CODES)


ENGINE = EngineSpec(
    id="madlad",
    family="translation",
    version=1,
    summary=f"MADLAD-400 by CTranslate2: {len(CODES)} of our languages, any to any, Apache-2.0",
    load=load,
    locales=frozenset(CODES),
    weights_licence="Apache-2.0",
    models=MODELS,
    extra="studio",
    packages=("ctranslate2", "tokenizers"),
    capabilities={"languages": tiers_of(CODES)},
)
