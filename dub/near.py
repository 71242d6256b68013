"""Near: which files of a store in S3 stay on this machine's disk, and which make room.

The least recently used artifacts go first, and never what a run at work may still read. Every process that opens the
store holds a lock in `living/` for as long as it lives; what was used since the oldest of them began stays, for a day
at most: no stage reads longer than that. So the bound is soft: a run that needs more than it gets more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from uuid import uuid4

from dub.errors import BadInput
from dub.file_lock import locked
from dub.home import cache_home

LONGEST_USE_S = 24 * 3600.0
PARTS_KEPT_S = 7 * 24 * 3600.0
"""A download that was cut is continued for so long."""
MARGIN_S = 120.0
"""An artifact's time of last use is true to a minute (dub/store.py)."""


def near_root() -> Path:
    """$POLYDUB_NEAR, or `near` in $POLYDUB_HOME (~/.cache/polydub): a folder per store is made in it."""
    return Path(os.environ.get("POLYDUB_NEAR") or cache_home() / "near").expanduser()


def near_bytes(root: Path) -> int:
    """$POLYDUB_NEAR_GB (default: 100, or half of the disk where that is less). Raises BadInput."""
    asked = os.environ.get("POLYDUB_NEAR_GB", "")
    try:
        chosen = float(asked) * 1e9 if asked else min(100e9, shutil.disk_usage(root).total / 2)
    except ValueError:
        chosen = -1.0
    if not 0 <= chosen < float("inf"):
        raise BadInput(f"POLYDUB_NEAR_GB is {asked!r}", mend="set it to a number of gigabytes, such as 100")
    return int(chosen)


def live_in(root: Path) -> int:
    """Say that this process uses the files under `root`; holds while the descriptor is open."""
    (root / "living").mkdir(exist_ok=True)
    return locked(root / "living" / uuid4().hex)


def make_room(root: Path, max_bytes: int) -> int:
    """Remove the least recently used artifacts until `max_bytes` are left, or all the rest is in use. Returns how many
    bytes went. One process at a time; another that asks meanwhile is content."""
    try:
        lock = locked(root / "making-room", wait=False)
    except OSError:
        return 0
    try:
        now = time.time()
        _remove_older(root / "incoming", now - PARTS_KEPT_S)
        in_use_since = max(_oldest_life(root / "living", now), now - LONGEST_USE_S) - MARGIN_S
        files = sorted((facts.st_mtime, facts.st_size, path) for path, facts in _files(root / "cas"))
        excess = sum(size for _, size, _ in files) - max_bytes
        n_removed = 0
        for used, size, path in files:
            if n_removed >= excess or used >= in_use_since:
                break
            path.unlink(missing_ok=True)
            n_removed += size
        return n_removed
    finally:
        os.close(lock)


def _oldest_life(living: Path, now: float) -> float:
    """When the oldest living process began; the locks of dead ones are removed."""
    oldest = now
    for path in living.iterdir():
        with contextlib.suppress(FileNotFoundError):
            began = path.stat().st_mtime
            try:
                lock = locked(path, wait=False)
            except OSError:
                oldest = min(oldest, began)
                continue
            path.unlink(missing_ok=True)
            os.close(lock)
    return oldest


def _remove_older(folder: Path, moment: float) -> None:
    for path, facts in _files(folder):
        if facts.st_mtime < moment:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for inner, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found.append((Path(inner, name), Path(inner, name).stat()))
    return found
