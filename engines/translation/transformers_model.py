"""A causal language model by transformers, for those that CTranslate2 lacks: loaded once, sampling made repeatable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dub.errors import EngineFailed, EngineUnavailable
from engines import weights
from engines.translation.conversion import require_all_tensors
from lang.bcp47 import Locale


class Options(BaseModel):
    """`source`, `target`: the hop of a route. `model`: id in models.lock. `device`: `auto` takes a GPU where there is
    one. `dtype`: `auto` is bfloat16 on a GPU and float32 on a CPU. `max_batch_tokens`: a batch's memory grows with it.
    `seed`: another one draws other answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Locale | None = None
    target: Locale | None = None
    model: str
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_batch_tokens: int = Field(4096, ge=1)
    seed: int = Field(0, ge=0)


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn; the names and meanings are those of transformers' generation settings."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float


class CausalModel:
    """A chat model and its tokenizer. One caller at a time."""

    def __init__(self, model_id: str, tokenizer: Any, model: Any) -> None:
        self.id = model_id
        self._tokenizer = tokenizer
        self._model = model
        self._one_at_a_time = Lock()

    def prompt(self, text: str) -> tuple[int, ...]:
        """A user's message as the checkpoint's chat template writes it, up to where the answer starts: token ids."""
        messages = [{"role": "user", "content": text}]
        ids = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True
        )["input_ids"]
        return tuple(ids)

    def answers(
        self, prompts: Sequence[Sequence[int]], sampling: Sampling, *, most_tokens: int, seed: int
    ) -> list[str | None]:
        """One per prompt; None for one that did not end within `most_tokens`. Raises EngineFailed.

        Each answer is drawn with a generator seeded by its own prompt, so neither a second run nor another batch
        draws otherwise. (On a GPU a batch's size may still move the last bits of the scores.)
        """
        import torch

        longest = max(map(len, prompts))
        pad, ends = self._pad_id(), self._end_ids()
        given = torch.full((len(prompts), longest), pad, dtype=torch.long)
        mask = torch.zeros_like(given)
        for row, prompt in enumerate(prompts):
            given[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        try:
            with self._one_at_a_time, torch.inference_mode():
                ids = self._model.generate(
                    input_ids=given.to(self._model.device),
                    attention_mask=mask.to(self._model.device),
                    generation_config=_greedy(most_tokens, pad, ends),
                    logits_processor=[_drawing(prompts, longest, sampling, seed)],
                )
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"{self.id} failed: {error}") from error
        return [self._text(row[longest:].tolist(), ends) for row in ids]

    def _text(self, answer: list[int], ends: list[int]) -> str | None:
        for position, token in enumerate(answer):
            if token in ends:
                return str(self._tokenizer.decode(answer[:position], skip_special_tokens=True))
        return None

    def _end_ids(self) -> list[int]:
        ends = self._model.generation_config.eos_token_id
        if ends is None:
            ends = self._tokenizer.eos_token_id
        return list(ends) if isinstance(ends, list | tuple) else [ends]

    def _pad_id(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(pad if pad is not None else self._end_ids()[0])


def _greedy(most_tokens: int, pad: int, ends: list[int]) -> Any:
    """The best of what `_drawing` lets through, which is one token; not the checkpoint's own sampling settings, which
    would draw from the process's one random state."""
    from transformers import GenerationConfig

    return GenerationConfig(do_sample=False, max_new_tokens=most_tokens, pad_token_id=pad, eos_token_id=ends)


def _drawing(prompts: Sequence[Sequence[int]], longest: int, sampling: Sampling, seed: int) -> Any:
    """A logits processor that draws each row's next token itself and lets no other through."""
    import torch

    generators = [torch.Generator().manual_seed(_seed_of(prompt, seed)) for prompt in prompts]

    def draw(input_ids: Any, scores: Any) -> Any:
        chosen = torch.full_like(scores, -torch.inf)
        for row, prompt in enumerate(prompts):
            seen = torch.unique(input_ids[row, longest - len(prompt) :])
            chosen[row, _drawn(scores[row].float(), seen, sampling, generators[row])] = 0.0
        return chosen

    return draw


def _seed_of(prompt: Sequence[int], seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {list(prompt)}".encode()).digest()[:7], "big")


def _drawn(scores: Any, seen: Any, sampling: Sampling, generator: Any) -> int:
    """One token by repetition penalty (Keskar et al. 2019), temperature, top-k and nucleus (Holtzman et al. 2020).

    `scores`: logits (vocabulary,) float32; `seen`: ids that the penalty holds for. Drawn on the CPU, whatever the
    device, by the Gumbel trick: the largest of log-probability plus Gumbel noise is a sample.
    """
    import torch

    penalised = scores[seen]
    scores = scores.clone()
    scores[seen] = torch.where(
        penalised < 0, penalised * sampling.repetition_penalty, penalised / sampling.repetition_penalty
    )
    best = torch.topk(scores / sampling.temperature, min(sampling.top_k, scores.numel()))
    values, ids = best.values.cpu(), best.indices.cpu()
    probabilities = torch.softmax(values, dim=0)
    is_tail = probabilities.cumsum(0) - probabilities >= sampling.top_p
    noise = -torch.log(-torch.log(torch.rand(values.numel(), generator=generator).clamp(1e-9, 1 - 1e-7)))
    return int(ids[torch.argmax((values + noise).masked_fill(is_tail, -torch.inf))])


_loaded: dict[tuple[str, ...], CausalModel] = {}
_loading = Lock()


def load_causal_model(options: Options) -> CausalModel:
    """The model of these options, shared by every hop that uses it. Raises WeightsMissing, and EngineUnavailable for a
    device that this machine lacks."""
    import torch
    import transformers

    folder = weights.folder(options.model)
    device, dtype = _device(options), options.dtype
    if dtype == "auto":
        dtype = "bfloat16" if device == "cuda" else "float32"
    key = (str(folder), device, dtype)
    with _loading:
        if key not in _loaded:
            safely = {"local_files_only": True, "trust_remote_code": False}
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **safely)
                model, told = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, use_safetensors=True, dtype=getattr(torch, dtype), output_loading_info=True, **safely
                )
                require_all_tensors(told)
            except (OSError, ValueError, KeyError, RuntimeError) as error:
                raise EngineUnavailable(
                    f"{options.model} cannot be loaded: {error}", mend=f"polydub models pull {options.model}"
                ) from error
            _loaded[key] = CausalModel(options.model, tokenizer, model.to(device).eval())
        return _loaded[key]


def _device(options: Options) -> str:
    import torch

    has_gpu = torch.cuda.is_available()
    if options.device == "cuda" and not has_gpu:
        raise EngineUnavailable(
            f"{options.model} is to run on cuda, and torch finds no CUDA device here",
            mend='set device = "cpu" (or "auto") for this engine in the profile, or install a CUDA build of torch',
        )
    return ("cuda" if has_gpu else "cpu") if options.device == "auto" else options.device
