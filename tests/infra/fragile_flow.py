"""A flow that loses its process: what the automations of infra/install_automations.py are tested on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from prefect import flow


@flow(name="fragile", persist_result=False)
def fragile(starts: str, hang_at: int = 0, die_at: tuple[int, ...] = ()) -> None:
    """Write our process id to a file of the folder `starts`, one per start; hang at one, be killed at others."""
    folder = Path(starts)
    n_start = len(list(folder.iterdir())) + 1
    (folder / f"new-{n_start}").write_text(str(os.getpid()))
    (folder / f"new-{n_start}").rename(folder / str(n_start))
    if n_start == hang_at:
        time.sleep(600)
    if n_start in die_at:
        os.kill(os.getpid(), signal.SIGKILL)
