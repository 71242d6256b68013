"""Where polydub keeps what outlives a run on this machine: weights, the default store, environments of engines."""

from __future__ import annotations

import os
from pathlib import Path


def cache_home() -> Path:
    """$POLYDUB_HOME, or ~/.cache/polydub."""
    return Path(os.environ.get("POLYDUB_HOME") or "~/.cache/polydub").expanduser()
