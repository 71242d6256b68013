"""Chatterbox Multilingual by chatterbox-tts 0.1.7: one model, 21 of its 23 languages, any speaker from seconds of them.

Every sound it makes carries its makers' inaudible watermark (PerTh).
"""

from __future__ import annotations

from typing import Any

import worker_protocol
import worker_sound

_voices: worker_sound.Voices[Any] = worker_sound.Voices()
_loaded: dict[str, Any] = {}
UNREAD = ("he", "zh")
"""Languages whose text the package prepares by models that are fetched from elsewhere at run time; without them it goes
on in silence, and the text is read wrongly."""


def load(folder: str, device: str, n_threads: int) -> dict[str, Any]:
    """`folder`: ve.safetensors, t3_mtl23ls_v2.safetensors, s3gen.safetensors and grapheme_mtl_merged_expanded_v1.json.
    The package's own loader would unpickle two of them."""
    from pathlib import Path

    import torch
    import torchaudio_python

    torchaudio_python.install()
    import perth
    from chatterbox.models.tokenizers import tokenizer as tokenizers
    from chatterbox.mtl_tts import T3, ChatterboxMultilingualTTS, MTLTokenizer, S3Gen, T3Config, VoiceEncoder
    from safetensors.torch import load_file

    if perth.PerthImplicitWatermarker is None:  # its import swallows whatever goes wrong
        raise ValueError("resemble-perth does not load, and nothing may be said without its watermark")
    torch.set_num_threads(n_threads)
    device = worker_sound.device_of(device)
    place = Path(folder)
    tokenizers.hf_hub_download = lambda repo_id, filename, cache_dir: str(place / filename)  # for Chinese, unused
    encoder, speaking, sounding = VoiceEncoder(), T3(T3Config.multilingual()), S3Gen()
    encoder.load_state_dict(load_file(place / "ve.safetensors"))
    speaking.load_state_dict(load_file(place / "t3_mtl23ls_v2.safetensors"))
    # Not strict, as in the package: the file lacks buffers that are computed.
    absent = sounding.load_state_dict(load_file(place / "s3gen.safetensors"), strict=False)
    if unloaded := [key for key in absent.missing_keys if key in dict(sounding.named_parameters())]:
        raise ValueError(f"s3gen.safetensors lacks {', '.join(unloaded[:5])}")
    for part in (encoder, speaking, sounding):
        part.to(device).eval()
    tokenizer = MTLTokenizer(str(place / "grapheme_mtl_merged_expanded_v1.json"))
    model = ChatterboxMultilingualTTS(speaking, sounding, encoder, tokenizer, device)
    _loaded["model"] = model
    return {"rate_hz": int(model.sr)}


def speak(text: str, language: str, reference: str, transcript: str, speed: float, out: str) -> dict[str, Any]:
    """`reference`: a WAV file; `transcript` is not used. It has no tempo of its own: `speed` must be 1."""
    model = _loaded["model"]
    if language not in model.get_supported_languages() or language in UNREAD:
        raise worker_protocol.Refused(f"this model does not speak {language!r}")
    if speed != 1.0:
        raise worker_protocol.Refused("this model has one tempo")

    def conditionals() -> Any:
        model.prepare_conditionals(reference)
        return model.conds

    worker_sound.seed_everything()
    model.conds = _voices.of(reference, conditionals)
    worker_sound.seed_everything()
    return worker_sound.spoken(model.generate(text, language_id=language).numpy(), model.sr, out)


if __name__ == "__main__":
    worker_protocol.serve("chatterbox", "chatterbox-tts", {"load": load, "speak": speak})
