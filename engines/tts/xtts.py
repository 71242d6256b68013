"""XTTS v2 (coqui-tts): clones a speaker from seconds of them, in 17 languages, in an environment of its own."""

from __future__ import annotations

from engines.spec import EngineSpec
from engines.tts.worker_voice import WorkerVoice, start_worker
from lang.engine_codes import codes_of

RATE_HZ = 24_000
CODES = codes_of("xtts_v2")


def load(device: str = "auto") -> WorkerVoice:
    """Starts nothing: the worker is started by the first line. `device`: cpu, cuda, or auto for a GPU where there is
    one. Raises EngineUnavailable, WeightsMissing."""
    from engines import weights

    return WorkerVoice("xtts", start_worker("xtts", "xtts", weights.folder("xtts-v2"), device), CODES, RATE_HZ)


ENGINE = EngineSpec(
    id="xtts",
    family="tts",
    version=1,
    summary="XTTS v2: clones a speaker, 17 languages; not yet run with its real weights",
    load=load,
    locales=frozenset(CODES),
    code_licence="MPL-2.0",
    weights_licence="CPML",
    licence_class="noncommercial",
    weights=("xtts-v2",),
    worker="xtts",
    capabilities={"clones": True, "fits_voices": True, "phoneme_times": False},
)
