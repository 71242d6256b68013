"""Where this machine's slots and the sockets of its resident engines lie: a folder that nobody else can enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from dub.errors import EngineUnavailable

LONGEST_PATH = 80
"""Bytes: the name of a Unix socket has room for 107 in all."""


def runtime_folder() -> Path:
    """$POLYDUB_RUNTIME, else polydub under $XDG_RUNTIME_DIR, else polydub-<uid> among the temporary files; made if need
    be, with mode 0700. Processes that share GPUs must share it, and it must be on a disk of this machine.

    Raises EngineUnavailable when it is somebody else's or open to others.
    """
    given, session = os.environ.get("POLYDUB_RUNTIME"), os.environ.get("XDG_RUNTIME_DIR")
    if given:
        folder = Path(given).absolute()
    elif session and os.access(session, os.W_OK):
        folder = Path(session, "polydub")
    else:
        folder = Path(tempfile.gettempdir(), f"polydub-{os.getuid()}")
    mend = "set POLYDUB_RUNTIME to a folder of your own with mode 0700, on a local disk"
    try:
        folder.mkdir(mode=0o700, parents=bool(given), exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise EngineUnavailable(f"cannot use {folder} for GPU slots: {error.strerror}", mend=mend) from error
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise EngineUnavailable(f"{folder} is not a folder that only you can enter", mend=mend)
    if len(os.fsencode(folder)) > LONGEST_PATH:
        raise EngineUnavailable(f"the name {folder} is too long for a socket in it", mend=mend)
    return folder
