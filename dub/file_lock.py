"""File lock: a file whose lock the kernel frees when its holder dies, however it dies. For one host."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def locked(path: Path, *, wait: bool = True) -> int:
    """Lock the file at `path`, made if need be; the descriptor holds it. Without `wait`, OSError when it is taken.

    The holder may remove or rename the file before closing the descriptor: whoever waited makes a new one.
    """
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(lock).st_ino:
                    return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # the last holder removed the file while we waited for it
