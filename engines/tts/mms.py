"""MMS-TTS (VITS, transformers, in process): one small model per language, for languages that have no other voice.

Each model reads the letters of one script in one spelling and nothing else: no digits, often no foreign letters. What a
model cannot read is an error, because the tokenizer would leave it out without a word. Phoneme times are left to the
plan's aligner: a VITS model of letters has durations of letters, and letters are not phonemes.

Source of the recipe: Pratap et al. 2023, "Scaling Speech Technology to 1,000+ Languages"; transformers' VitsModel.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from dub.errors import BadInput, EngineFailed
from engines.spec import EngineSpec
from engines.tts.contract import Speech
from engines.tts.mms_text import readable
from engines.tts.silence import sounding
from lang.bcp47 import Locale
from lang.engine_codes import codes_of
from lang.registry import language

N_KEPT = 4
"""Models in memory at a time, 150 MB each: a run of a hundred languages must not hold a hundred of them."""

_SEED = 20230522
_SCRIPTS = {"latin": "Latn", "cyrillic": "Cyrl", "arabic": "Arab", "ethiopic": "Ethi", "syllabics": "Cans"}


class Mms:
    """One language's voice. Meets `Synthesizer`; it has one voice, so styles are refused. Thread-safe."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """`folder`: config.json, model.safetensors, vocab.json, tokenizer_config.json. Loaded by the first call."""
        self._folder, self._device = folder, device
        self.rate_hz = _rate_hz(folder)

    def speak(self, text: str, locale: Locale, style: bytes, speed: float = 1.0) -> Speech:
        """See `Synthesizer.speak`; `phonemes` is empty. Raises EngineFailed naming the characters it cannot read."""
        if style:
            raise BadInput("mms has no styles", mend="enroll the speakers for mms")
        if not 0.5 <= speed <= 2.0:
            raise EngineFailed(f"mms speaks at 0.5..2.0 of its tempo, not {speed}")
        network = _network(self._folder, self._device)
        samples = network.say(text, locale, speed)
        first, last = sounding(samples, self.rate_hz)
        return Speech(samples[first:last], self.rate_hz, ())


class _Network:
    """A loaded model; one call at a time."""

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import VitsModel, VitsTokenizer

        self._tokenizer = VitsTokenizer.from_pretrained(folder, local_files_only=True)
        model = VitsModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        self._model = model.eval().to(device)
        self._device = device
        self._lock = Lock()

    def say(self, text: str, locale: Locale, speed: float) -> Any:
        """float32 (n,), the same for the same question whatever else happens in the process."""
        import torch

        from engines.vits_control import OwnNoise, at_tempo

        romanize = _romanizer() if self._tokenizer.is_uroman else None
        line = readable(text, frozenset(self._tokenizer.encoder), locale, romanize)
        tokens = self._tokenizer(line, return_tensors="pt").to(self._device)
        with self._lock, torch.inference_mode(), OwnNoise(_SEED), at_tempo(self._model, speed):
            waveform = self._model(**tokens).waveform[0]
        return waveform.float().clamp(-1, 1).cpu().numpy()


_networks: OrderedDict[tuple[Path, str], _Network] = OrderedDict()
_choosing = Lock()


def _network(folder: Path, device: str) -> _Network:
    with _choosing:
        key = (folder, device)
        if key not in _networks:
            while len(_networks) >= N_KEPT:
                _networks.popitem(last=False)
            _networks[key] = _Network(folder, device)
        _networks.move_to_end(key)
        return _networks[key]


@lru_cache(maxsize=1)
def _romanizer() -> Any:
    """Several seconds to make: once per process."""
    import uroman

    return uroman.Uroman().romanize_string


def _rate_hz(folder: Path) -> int:
    return int(json.loads((folder / "config.json").read_text("utf-8"))["sampling_rate"])


def _model_id(code: str) -> str:
    """Ids are ASCII, as the hub's names are: cac-dialect_sanmateoixtatán is written there without its accent."""
    return f"mms-tts-{unicodedata.normalize('NFKD', code).encode('ascii', 'ignore').decode().lower()}"


def _scripts() -> dict[Locale, str]:
    """What a model reads where its name says another script than the registry's for the language (uz: Cyrillic)."""
    told = {locale: re.search(r"-script_(\w+)$", code) for locale, code in codes_of("mms_tts").items()}
    scripts = {locale: _SCRIPTS[match.group(1)] for locale, match in told.items() if match}
    return {locale: script for locale, script in scripts.items() if script != language(locale).script}


def load(model: str, device: str = "auto") -> Mms:
    """`model`: an id of models.lock, mms-tts-<MMS code>. `device`: cpu, cuda, or auto for a GPU where there is one.
    Raises WeightsMissing, BadInput for a device that is not there."""
    import torch
    import transformers  # noqa: F401  a missing package is told at once, not by the first line

    from engines import weights

    if device not in ("auto", "cpu") and not (device == "cuda" and torch.cuda.is_available()):
        raise BadInput(f"options.mms.device = {device!r} is not there", mend="use auto, cpu, or cuda on a GPU machine")
    is_on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return Mms(weights.folder(model), "cuda" if is_on_gpu else "cpu")


MODELS: dict[Locale, str] = {locale: _model_id(code) for locale, code in codes_of("mms_tts").items()}

ENGINE = EngineSpec(
    id="mms",
    family="tts",
    version=1,
    summary="MMS-TTS: one small voice per language, 16 kHz; not yet run with its real weights",
    load=load,
    locales=frozenset(MODELS),
    code_licence="Apache-2.0",
    weights_licence="CC-BY-NC-4.0",
    licence_class="noncommercial",
    models=tuple(sorted(set(MODELS.values()))),
    model_of_locale=MODELS,
    extra="studio",
    packages=("torch", "transformers", "uroman"),
    capabilities={"phoneme_times": False, "reads_numbers": False, "scripts": _scripts()},
)
