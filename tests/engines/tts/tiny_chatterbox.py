"""Run inside the chatterbox worker's environment: `save FOLDER` writes a model with random weights, `serve` is the
worker on it. The text-to-token model is cut to 14 layers (its alignment watcher looks at the 14th) and 12 tokens; the
token-to-sound model has one size only, and is a gigabyte."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "engines" / "workers"))

import chatterbox_worker
import worker_protocol

N_SOUNDS = 6561
"""Speech tokens that the token-to-sound model knows."""


def cut_down() -> None:
    import torchaudio_python

    torchaudio_python.install()
    from chatterbox.models.t3 import llama_configs
    from chatterbox.models.t3.t3 import T3

    llama_configs.LLAMA_CONFIGS["Llama_520M"].update(num_hidden_layers=14, intermediate_size=64)
    whole = T3.inference

    def short(self, **options):
        tokens = whole(self, **{**options, "max_new_tokens": 12})
        return tokens.clamp(max=N_SOUNDS - 1)  # a trained model gives nothing above, but for its marks

    T3.inference = short


def save(folder: Path) -> None:
    cut_down()
    import torch
    from chatterbox.mtl_tts import T3, S3Gen, T3Config, VoiceEncoder
    from safetensors.torch import save_file

    torch.manual_seed(5)
    config = T3Config.multilingual()
    models = {"ve": VoiceEncoder(), "t3_mtl23ls_v2": T3(config), "s3gen": S3Gen()}
    for name, model in models.items():
        tensors = {key: tensor.contiguous().clone() for key, tensor in model.state_dict().items()}
        save_file(tensors, folder / f"{name}.safetensors")
    tokens = ["[START]", "[STOP]", "[UNK]", "[SPACE]", "[en]", "[es]", *"abcdefghijklmnopqrstuvwxyz.,'"]
    special = [
        {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for i, token in enumerate(tokens) if len(token) > 1
    ]  # fmt: skip
    vocabulary = {token: i for i, token in enumerate(tokens)}
    bpe = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocabulary, "merges": []}
    content = {"version": "1.0", "added_tokens": special, "model": bpe}
    (folder / "grapheme_mtl_merged_expanded_v1.json").write_text(json.dumps(content))


def load(folder: str, device: str, n_threads: int) -> dict:
    cut_down()
    return chatterbox_worker.load(folder, device, n_threads)


if __name__ == "__main__":
    if sys.argv[1] == "save":
        save(Path(sys.argv[2]))
    else:
        methods = {"load": load, "speak": chatterbox_worker.speak}
        worker_protocol.serve("chatterbox", "chatterbox-tts", methods)
