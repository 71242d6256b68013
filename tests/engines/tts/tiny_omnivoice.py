"""Run inside the omnivoice worker's environment: writes an OmniVoice model of real architecture, tiny and random."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "engines" / "workers"))

import torchaudio_python


def save(folder: Path) -> None:
    torchaudio_python.install()

    import torch
    from omnivoice.models.omnivoice import OmniVoice, OmniVoiceConfig
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        DacFeatureExtractor,
        HiggsAudioV2TokenizerConfig,
        HiggsAudioV2TokenizerModel,
        PreTrainedTokenizerFast,
        Qwen3Config,
    )

    torch.manual_seed(5)

    # A byte-level tokenizer with the published model's control tokens.
    control = [f"<|{name}|>" for name in ("denoise", "lang_start", "lang_end", "instruct_start", "instruct_end",
                                          "text_start", "text_end", "endoftext")]  # fmt: skip
    alphabet = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(control)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>").save_pretrained(folder)

    # More entries than audio codes: both are looked up in the text's table before one is chosen.
    llm = Qwen3Config(
        vocab_size=1100, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, max_position_embeddings=4096,
    )  # fmt: skip
    OmniVoice(OmniVoiceConfig(llm_config=llm)).save_pretrained(folder)

    ratios = [8, 5, 4, 2, 3]  # 960 samples a frame: 25 frames a second, as published
    acoustic = {
        "model_type": "dac", "encoder_hidden_size": 4, "hidden_size": 128, "decoder_hidden_size": 64,
        "downsampling_ratios": ratios, "upsampling_ratios": ratios, "hop_length": 960,
    }  # fmt: skip
    semantic = {
        "model_type": "hubert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "conv_dim": [16] * 7, "num_conv_pos_embedding_groups": 4,
        "num_conv_pos_embeddings": 16,
    }  # fmt: skip
    codec = HiggsAudioV2TokenizerConfig(
        acoustic_model_config=acoustic, semantic_model_config=semantic, target_bandwidths=[0.5, 1, 1.5, 2],
        sample_rate=24_000,
    )  # fmt: skip
    HiggsAudioV2TokenizerModel(codec).save_pretrained(folder / "audio_tokenizer")
    DacFeatureExtractor(sampling_rate=24_000, hop_length=960).save_pretrained(folder / "audio_tokenizer")


if __name__ == "__main__":
    save(Path(sys.argv[1]))
