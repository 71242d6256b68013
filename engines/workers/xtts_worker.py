"""XTTS v2 by coqui-tts 0.28: one model, 17 languages, any speaker from a few seconds of them."""

from __future__ import annotations

from typing import Any

import worker_protocol
import worker_sound

_voices: worker_sound.Voices[Any] = worker_sound.Voices()
_loaded: dict[str, Any] = {}


def load(folder: str, device: str, n_threads: int) -> dict[str, Any]:
    """`folder`: config.json, vocab.json, model.safetensors (the published checkpoint's tensors under their names)."""
    from pathlib import Path

    import torch
    import torchaudio_python

    torchaudio_python.install(seems_to_have_torchcodec=True)
    from safetensors.torch import load_file
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts

    class SafeXtts(Xtts):
        """Reads tensors where Xtts would unpickle a checkpoint."""

        def _load_checkpoint(self, model_path: Path) -> dict[str, Any]:
            return load_file(model_path)

    torch.set_num_threads(n_threads)
    device = worker_sound.device_of(device)
    place = Path(folder)
    config = XttsConfig()
    config.load_json(str(place / "config.json"))
    model = SafeXtts(config)
    model.load_checkpoint(
        config,
        checkpoint_dir=place,
        checkpoint_path=place / "model.safetensors",
        vocab_path=place / "vocab.json",
        speaker_file_path=place / "no-stock-speakers",
        eval=True,
    )
    _loaded.update(model=model.to(device), config=config)
    return {"rate_hz": int(config.audio.output_sample_rate)}


def speak(text: str, language: str, reference: str, transcript: str, speed: float, out: str) -> dict[str, Any]:
    """`reference`: a WAV file; `transcript` is not used. Texts longer than the model's limit are split at sentences."""
    model, config = _loaded["model"], _loaded["config"]
    if language not in config.languages:
        raise worker_protocol.Refused(f"this model does not speak {language!r}")
    worker_sound.seed_everything()
    latents, speaker = _voices.of(
        reference,
        lambda: model.get_conditioning_latents(
            audio_path=reference,
            max_ref_length=config.max_ref_len,
            gpt_cond_len=config.gpt_cond_len,
            gpt_cond_chunk_len=config.gpt_cond_chunk_len,
            sound_norm_refs=config.sound_norm_refs,
        ),
    )
    worker_sound.seed_everything()
    limit = model.tokenizer.char_limits.get(language.split("-")[0], 250)
    said = model.inference(
        text, language, latents, speaker, temperature=config.temperature, length_penalty=config.length_penalty,
        repetition_penalty=config.repetition_penalty, top_k=config.top_k, top_p=config.top_p, speed=speed,
        enable_text_splitting=len(text) > limit,
    )  # fmt: skip
    return worker_sound.spoken(said["wav"], config.audio.output_sample_rate, out)


if __name__ == "__main__":
    worker_protocol.serve("xtts", "coqui-tts", {"load": load, "speak": speak})
