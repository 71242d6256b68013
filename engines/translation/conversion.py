"""A transformers checkpoint becomes a CTranslate2 folder with its tokenizer beside it; done once, at the pull.

CTranslate2 (https://github.com/OpenNMT/CTranslate2, MIT) holds a model in one file, quantised, and runs it without
torch. Only here is torch needed for NLLB, MADLAD, M2M100 and OPUS-MT.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from dub.errors import BadInput, EngineFailed, EngineUnavailable

Quantization = Literal["int8", "int8_float16", "float16", "float32"]
"""How weights are stored: 1, 1, 2 and 4 bytes each. What they are computed in is chosen when they are loaded."""

TOKENIZER_FILES = {
    # M2M100's language tokens stand in the map alone: without it they are not in the vocabulary that is converted.
    "m2m_100": (("tokenizer.json",), ("sentencepiece.bpe.model", "special_tokens_map.json")),
    "t5": (("tokenizer.json",),),
    "marian": (("source.spm", "target.spm"),),
}
"""By `model_type` of config.json: the sets of files, any one of which is enough to tokenise at run time."""

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def convert(checkpoint: Path, out: Path, quantization: str) -> None:
    """Writes the CTranslate2 folder `out` from the transformers checkpoint folder `checkpoint`.

    `out` must not exist, or be empty; it appears whole or not at all. `quantization`: one of `Quantization`. The same
    checkpoint and library versions give the same bytes. Raises BadInput for a folder that is no such checkpoint, lacks
    its tokenizer's files or holds a pickle, EngineUnavailable without the `studio` extra, EngineFailed when the library
    refuses it.
    """
    if quantization not in get_args(Quantization):
        raise BadInput(f"no quantization {quantization!r}", mend=f"one of: {', '.join(get_args(Quantization))}")
    tokenizer_files = _checked(checkpoint)
    converter = _converter(checkpoint, tokenizer_files)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=out.parent) as scratch:
        whole = Path(scratch) / "model"
        try:
            converter.convert(str(whole), quantization=quantization)
        except (ValueError, RuntimeError, OSError, KeyError, NotImplementedError) as error:
            raise EngineFailed(f"{checkpoint} cannot be converted for CTranslate2: {error}") from error
        whole.rename(out)


def _checked(checkpoint: Path) -> list[str]:
    """The tokenizer's files to carry over, after every check that needs no model library."""
    try:
        model_type = json.loads((checkpoint / "config.json").read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{checkpoint} is no transformers checkpoint: its config.json: {error!r}",
            mend="give the folder that holds config.json, *.safetensors and the tokenizer's files",
        ) from error
    if model_type not in TOKENIZER_FILES:
        raise BadInput(
            f"{checkpoint} is a model of type {model_type!r}", mend=f"convertible are: {', '.join(TOKENIZER_FILES)}"
        )
    names = {path.name for path in checkpoint.iterdir()}
    if pickles := sorted(name for name in names if name.endswith(_PICKLES)):
        raise BadInput(
            f"{checkpoint} holds {pickles[0]}, a pickle, which can run code when it is read",
            mend="keep only the safetensors files; take a revision of the model that has them",
        )
    if not any(name.endswith(".safetensors") for name in names):
        raise BadInput(f"{checkpoint} has no *.safetensors", mend="take a revision of the model that has them")
    for wanted in TOKENIZER_FILES[model_type]:
        if set(wanted) <= names:
            return list(wanted)
    choices = ", or ".join(" and ".join(wanted) for wanted in TOKENIZER_FILES[model_type])
    raise BadInput(f"{checkpoint} has no tokenizer", mend=f"put there {choices} of the same model")


def _converter(checkpoint: Path, tokenizer_files: list[str]) -> Any:
    """CTranslate2's own converter, kept from the network and from pickles. Raises EngineUnavailable."""
    try:
        import torch  # noqa: F401  CTranslate2's module hides its absence and then fails obscurely
        from ctranslate2.converters import TransformersConverter
    except ModuleNotFoundError as error:
        raise EngineUnavailable(
            f"converting a model needs the Python package {error.name!r}", mend="pip install '.[studio]'"
        ) from error

    class LocalConverter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
            safely = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True}
            model, told = super().load_model(model_class, model_name_or_path, **safely, **kwargs)
            require_all_tensors(told)
            return model

        def load_tokenizer(self, tokenizer_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
            return super().load_tokenizer(tokenizer_class, model_name_or_path, local_files_only=True, **kwargs)

    return LocalConverter(str(checkpoint), copy_files=tokenizer_files)


def require_all_tensors(told: Mapping[str, Any]) -> None:
    """Raises ValueError where transformers made tensors up, as it does, in random numbers and with no more than a
    warning, for those that a checkpoint lacks. `told`: what from_pretrained says with output_loading_info."""
    made_up = sorted(map(str, [*told["missing_keys"], *told["mismatched_keys"]]))
    if made_up:
        raise ValueError(f"its files lack {len(made_up)} of the model's tensors, {made_up[0]} among them")
