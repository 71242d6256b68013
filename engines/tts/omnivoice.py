"""OmniVoice: clones a speaker from seconds of them and what they said, in some 600 languages, in an environment of its
own."""

from __future__ import annotations

from engines.spec import EngineSpec
from engines.tts.worker_voice import WorkerVoice, start_worker
from lang.engine_codes import codes_of

RATE_HZ = 24_000
CODES = codes_of("omnivoice")


def load(device: str = "auto") -> WorkerVoice:
    """Starts nothing: the worker is started by the first line. `device`: cpu, cuda, or auto for a GPU where there is
    one. Raises EngineUnavailable, WeightsMissing."""
    from engines import weights

    worker = start_worker("omnivoice", "omnivoice", weights.folder("omnivoice"), device)
    return WorkerVoice("omnivoice", worker, CODES, RATE_HZ)


ENGINE = EngineSpec(
    id="omnivoice",
    family="tts",
    version=1,
    summary=f"OmniVoice: clones a speaker, {len(CODES)} languages of the registry; not yet run with its real weights",
    load=load,
    locales=frozenset(CODES),
    code_licence="Apache-2.0",
    weights_licence="CC-BY-NC-4.0",
    licence_class="noncommercial",
    weights=("omnivoice",),
    worker="omnivoice",
    # Its own number words are optional packages for a few languages, so ours come first.
    capabilities={
        "reads_numbers": False,
        "clones": True,
        "fits_voices": True,
        "phoneme_times": False,
        "needs_transcript": True,
    },
)
