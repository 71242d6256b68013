"""What runs polydub on many machines, checked by the tools' own validators: no network, no daemon, no cluster."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"


def script(name: str) -> dict[str, Any]:
    """The names of infra/<name>.py; its neighbours are found as when it is run."""
    sys.path.insert(0, str(INFRA))
    try:
        return runpy.run_path(str(INFRA / f"{name}.py"))
    finally:
        sys.path.remove(str(INFRA))


def checked(program: str, *arguments: str | Path, timeout_s: float = 60) -> str:
    """Run a validator that came as a Python package; what it printed. It must find nothing."""
    tool = Path(sys.executable).parent / program
    assert tool.is_file(), f"{program} comes with the extra infra-check: pip install '.[infra-check]'"
    done = subprocess.run([tool, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
