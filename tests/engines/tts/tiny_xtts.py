"""Run inside the xtts worker's environment: writes an XTTS model of real architecture, tiny and random, to a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "engines" / "workers"))

import torchaudio_python


def save(folder: Path) -> None:
    torchaudio_python.install(seems_to_have_torchcodec=True)

    import torch
    from safetensors.torch import save_file
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts

    config = XttsConfig()
    config.model_args = XttsArgs(
        gpt_layers=2, gpt_n_model_channels=64, gpt_n_heads=2, gpt_max_audio_tokens=60, gpt_max_text_tokens=200,
        gpt_num_audio_tokens=66, gpt_start_audio_token=64, gpt_stop_audio_token=65, gpt_use_perceiver_resampler=True,
        decoder_input_dim=64,
    )  # fmt: skip
    letters = sorted(set("abcdefghijklmnopqrstuvwxyz'.,?!áéíóúñ"))
    tokens = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", "[es]", "[zh-cn]", *letters, *"0123456789"]
    special = [
        {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for i, token in enumerate(tokens) if len(token) > 1
    ]  # fmt: skip
    bpe = {"type": "BPE", "unk_token": "[UNK]", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}
    (folder / "vocab.json").write_text(json.dumps({"version": "1.0", "added_tokens": special, "model": bpe}))
    config.save_json(str(folder / "config.json"))
    config.model_args.tokenizer_file = str(folder / "vocab.json")

    torch.manual_seed(5)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    model.init_models()
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}, folder / "model.safetensors"
    )


if __name__ == "__main__":
    save(Path(sys.argv[1]))
