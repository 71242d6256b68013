"""Store: artifacts by content and memo records by key, on a folder; every write appears whole or not at all.

<root>/cas/ab/abcdef…     one file per artifact, read-only, named by its sha256
<root>/memo/<stage>/<key>.json
<root>/claims/            one lock per stage at work
<root>/scratch/<n>/       work folders of living processes, each beside the lock <n>.alive that its holder keeps;
                          a dead one's is swept at the next start
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from dub.artifact import Artifact, sha256_of
from dub.errors import BadInput, StoreUnavailable


class Store:
    """A folder of artifacts. Safe for many threads and processes at once; the same bytes twice are harmless."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            for name in ("cas", "memo", "claims", "scratch"):
                (root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot use {root} as the artifact store: {error}") from error
        self._sweep_scratch()

    def put(self, path: Path, media_type: str) -> Artifact:
        """Move a finished scratch file into the store."""
        artifact = Artifact(sha256=sha256_of(path), n_bytes=path.stat().st_size, media_type=media_type)
        target = self._blob(artifact.sha256)
        if target.exists() and target.stat().st_size == artifact.n_bytes:
            path.unlink()
            return artifact
        with _storage_errors(self.root):
            target.parent.mkdir(exist_ok=True)
            _sync(path)
            path.chmod(0o444)
            os.replace(path, target)
            _sync(target.parent)
        return artifact

    def put_copy(self, path: Path, media_type: str) -> Artifact:
        """Copy a file of the user's into the store; the original stays as it is."""
        with self.scratch() as folder:
            copy = folder / "copy"
            try:
                shutil.copyfile(path, copy)
            except OSError as error:
                raise BadInput(f"cannot read {path}: {error.strerror}", mend="give a readable file") from error
            return self.put(copy, media_type)

    def put_bytes(self, content: bytes, media_type: str) -> Artifact:
        with self.scratch() as folder:
            (folder / "bytes").write_bytes(content)
            return self.put(folder / "bytes", media_type)

    def has(self, artifact: Artifact) -> bool:
        path = self._blob(artifact.sha256)
        return path.exists() and path.stat().st_size == artifact.n_bytes

    def path(self, artifact: Artifact) -> Path:
        """A local, read-only file with the artifact's content. Raises StoreUnavailable when it is gone."""
        if not self.has(artifact):
            raise StoreUnavailable(f"artifact {artifact} is not in {self.root}")
        return self._blob(artifact.sha256)

    def read_bytes(self, artifact: Artifact) -> bytes:
        return self.path(artifact).read_bytes()

    def memo(self, stage: str, key: str) -> bytes | None:
        """The record a stage left under this key, or None."""
        try:
            return (self.root / "memo" / stage / f"{key}.json").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"cannot read the memo of {stage}: {error}") from error

    def remember(self, stage: str, key: str, record: bytes) -> None:
        folder = self.root / "memo" / stage
        with _storage_errors(self.root), self.scratch() as scratch:
            folder.mkdir(exist_ok=True)
            (scratch / "record").write_bytes(record)
            _sync(scratch / "record")
            os.replace(scratch / "record", folder / f"{key}.json")
            _sync(folder)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A work folder on the store's own file system, removed afterwards and swept if we die."""
        folder = self.root / "scratch" / uuid4().hex
        with _storage_errors(self.root):
            lock = _locked(_alive(folder))
            folder.mkdir()
        try:
            yield folder
        finally:
            _remove_scratch(folder, lock)

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Hold a piece of work for this thread alone, on this host; the kernel frees it when we die."""
        path = self.root / "claims" / name
        with _storage_errors(self.root):
            lock = _locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(lock)

    def _blob(self, sha256: str) -> Path:
        return self.root / "cas" / sha256[:2] / sha256

    def _sweep_scratch(self) -> None:
        """Remove the work folders whose holder died, wherever it died: the kernel has freed their locks."""
        for folder in {path.with_suffix("") for path in (self.root / "scratch").iterdir()}:
            with contextlib.suppress(OSError):  # somebody works there
                _remove_scratch(folder, _locked(_alive(folder), wait=False))


def _alive(scratch: Path) -> Path:
    """The lock stands beside the folder: in it, it would be gone while the rest is still being removed."""
    return scratch.with_suffix(".alive")


def _remove_scratch(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _alive(folder).unlink(missing_ok=True)
    os.close(lock)


def _locked(path: Path, *, wait: bool = True) -> int:
    """Lock the file at `path`, made if need be; the descriptor holds it. Without `wait`, OSError when it is taken."""
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


@lru_cache(maxsize=8)
def open_store(root: str) -> Store:
    """One Store per folder and process."""
    return Store(Path(root))


@contextlib.contextmanager
def _storage_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"cannot write to the artifact store {root}: {error}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
