"""GPU slots: one stage at work per GPU of this machine, whoever asks, from whichever process.

A slot is a file that its holder locks. The kernel frees it when the holder dies, however it dies, so nothing has to be
tidied up. Hand-over within a process is at once; between processes a free slot is seen within POLL_S.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from dub.errors import BadInput
from tasks.runtime_folder import runtime_folder

POLL_S = 0.02
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9/:-]*")

_door = threading.Lock()
"""Only one thread of a process looks for a free slot; the others queue here, at no cost."""

_given_back = threading.Event()


def gpu_devices() -> tuple[str, ...]:
    """$POLYDUB_GPUS: how many GPUs ("2" is 0 and 1), or which, by number or id ("0,3", "GPU-5c..,"); none when unset.

    Raises BadInput for anything else.
    """
    said = os.environ.get("POLYDUB_GPUS", "").strip()
    if said.isdecimal():
        return tuple(str(number) for number in range(int(said)))
    devices = tuple(device.strip() for device in said.split(",") if device.strip())
    if len(set(devices)) != len(devices) or not all(_DEVICE.fullmatch(device) for device in devices):
        raise BadInput(f"POLYDUB_GPUS={said!r} names no GPUs", mend='give a number, or devices like "0,1"')
    return devices


@contextlib.contextmanager
def gpu_slot(devices: tuple[str, ...], folder: Path | None = None) -> Iterator[str]:
    """Hold one GPU, as soon as one is free; yields its name. Take it only for work that the memo does not know."""
    folder = folder or runtime_folder()
    with _door:
        device, lock = _first_free(devices, folder)
    try:
        yield device
    finally:
        os.close(lock)
        _given_back.set()


def file_stem(device: str) -> str:
    """A device's name as part of a file's."""
    return "gpu" + re.sub(r"[^A-Za-z0-9]", "_", device)


def _first_free(devices: tuple[str, ...], folder: Path) -> tuple[str, int]:
    while True:
        _given_back.clear()
        for device in devices:
            lock = os.open(folder / f"{file_stem(device)}.slot", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            return device, lock
        _given_back.wait(POLL_S)
