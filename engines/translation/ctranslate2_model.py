"""A CTranslate2 model on a device: what the engines' options say, checked, and each model loaded once per process.

CTranslate2 (https://github.com/OpenNMT/CTranslate2, MIT) runs encoder-decoder models on CPU or GPU without torch.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dub.errors import EngineUnavailable, WeightsCorrupt
from engines import weights
from lang.bcp47 import Locale

Device = Literal["auto", "cpu", "cuda"]
ComputeType = Literal["auto", "int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"]


class Options(BaseModel):
    """`source`, `target`: the hop of a route. `model`: id in models.lock. `device`: `auto` takes a GPU where there is
    one. `compute_type`: `auto` is int8 on a CPU and half precision on a GPU. `max_batch_tokens`: a batch's memory
    grows with it. `n_threads` 0: all CPUs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Locale | None = None
    target: Locale | None = None
    model: str
    device: Device = "auto"
    compute_type: ComputeType = "auto"
    beam_size: int = Field(4, ge=1, le=10)
    max_batch_tokens: int = Field(2048, ge=1)
    n_threads: int = Field(0, ge=0)


@dataclass(frozen=True)
class LoadedModel:
    """`translator`: a thread-safe ctranslate2.Translator. `vocabulary`: the tokens that its encoder knows."""

    id: str
    folder: Path
    translator: Any
    vocabulary: frozenset[str]

    def require_token(self, token: str) -> str:
        """The token itself. Raises WeightsCorrupt where the model's vocabulary lacks it: another model's files."""
        if token not in self.vocabulary:
            raise WeightsCorrupt(f"{self.id} does not know the token {token!r}", mend=f"polydub models pull {self.id}")
        return token


_loaded: dict[tuple[str, ...], LoadedModel] = {}
_loading = Lock()


def load_model(options: Options, *, gpu_compute_type: str = "float16") -> LoadedModel:
    """The model of these options, shared by every hop that uses it.

    `gpu_compute_type`: what `auto` means on a GPU. Raises WeightsMissing, and EngineUnavailable for a device or compute
    type that this machine lacks.
    """
    import ctranslate2

    folder = weights.folder(options.model)
    device = options.device
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    compute_type = _compute_type(options, device, gpu_compute_type)
    n_threads = options.n_threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    key = (str(folder), device, compute_type, str(n_threads))
    with _loading:
        if key not in _loaded:
            try:
                translator = ctranslate2.Translator(
                    str(folder), device=device, compute_type=compute_type, intra_threads=n_threads
                )
            except RuntimeError as error:
                raise EngineUnavailable(
                    f"{options.model} cannot be loaded on {device}: {error}",
                    mend=f"polydub models pull {options.model}, or choose another device or a smaller model",
                ) from error
            _loaded[key] = LoadedModel(options.model, folder, translator, _vocabulary(folder))
        return _loaded[key]


def _compute_type(options: Options, device: str, gpu_compute_type: str) -> str:
    import ctranslate2

    if device == "cuda" and not ctranslate2.get_cuda_device_count():
        raise EngineUnavailable(
            f"{options.model} is to run on cuda, and CTranslate2 finds no CUDA device here",
            mend='set device = "cpu" (or "auto") for this engine in the profile, or install the NVIDIA driver',
        )
    wanted = options.compute_type
    if wanted == "auto":
        return "int8" if device == "cpu" else gpu_compute_type
    supported = sorted(ctranslate2.get_supported_compute_types(device))
    if wanted not in supported:  # CTranslate2 itself would take another in silence
        raise EngineUnavailable(
            f"{options.model}: this {device} does not compute in {wanted}",
            mend=f'set compute_type to "auto" or one of: {", ".join(supported)}',
        )
    return wanted


def _vocabulary(folder: Path) -> frozenset[str]:
    for name in ("shared_vocabulary.json", "source_vocabulary.json"):
        if (folder / name).is_file():
            return frozenset(json.loads((folder / name).read_text("utf-8")))
    raise WeightsCorrupt(f"{folder} has no vocabulary", mend=f"polydub models pull {folder.name}")
