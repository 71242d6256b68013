"""OmniVoice 0.2: one model, some 600 languages, any speaker from a few seconds of them and what they said."""

from __future__ import annotations

from typing import Any

import worker_protocol
import worker_sound

_voices: worker_sound.Voices[Any] = worker_sound.Voices()
_loaded: dict[str, Any] = {}


def load(folder: str, device: str, n_threads: int) -> dict[str, Any]:
    """`folder`: as on the hub: the model's files, and its audio tokenizer in audio_tokenizer/."""
    import torch
    import torchaudio_python

    torchaudio_python.install()
    from omnivoice.models.omnivoice import OmniVoice

    torch.set_num_threads(n_threads)
    device = worker_sound.device_of(device)
    dtype = torch.float32 if device == "cpu" else torch.float16
    model = OmniVoice.from_pretrained(
        folder, device_map=device, dtype=dtype, use_safetensors=True, local_files_only=True
    )
    _loaded["model"] = model.eval()
    return {"rate_hz": int(model.sampling_rate)}


def speak(text: str, language: str, reference: str, transcript: str, speed: float, out: str) -> dict[str, Any]:
    """`reference`: a WAV file, `transcript`: what is said in it. No silence is cut out of the middle, so that `speed`
    is the tempo of what comes out."""
    model = _loaded["model"]
    if language not in model.supported_language_ids():
        raise worker_protocol.Refused(f"this model does not speak {language!r}")
    if not transcript.strip():
        raise worker_protocol.Refused("the reference has no transcript")
    worker_sound.seed_everything()
    voice = _voices.of(reference, lambda: model.create_voice_clone_prompt(ref_audio=reference, ref_text=transcript))
    worker_sound.seed_everything()
    (samples,) = model.generate(
        text=text, language=language, voice_clone_prompt=voice, speed=speed, postprocess_output=False, pad_duration=0.0,
        fade_duration=0.0,
    )  # fmt: skip
    return worker_sound.spoken(samples, model.sampling_rate, out)


if __name__ == "__main__":
    worker_protocol.serve("omnivoice", "omnivoice", {"load": load, "speak": speak})
