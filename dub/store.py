"""Store: artifacts by content and memo records by key, on a folder; every write appears whole or not at all.

<root>/cas/ab/abcdef…     one file per artifact, read-only, named by its sha256
<root>/memo/<stage>/<key>.json
<root>/claims/            one lock per stage at work
<root>/scratch/<n>/       work folders of living processes, each beside the lock <n>.alive that its holder keeps;
                          a dead one's is swept at the next start
<root>/titles/<title>/<run>.json    what a run used (dub/ledger.py), for garbage collection (dub/store_gc.py)

An artifact's time of change is when it was last put or asked for: what is old is used by nobody.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from dub.artifact import Artifact, sha256_of
from dub.errors import BadInput, DiskFull, StoreUnavailable, ToolFailed
from dub.file_lock import locked

FULL_BYTES = 1 << 20
"""A disk with less left is full: who writes there fails in ways that do not always say so."""
TOUCH_S = 60.0
"""An artifact's time of last use is true to this."""


@dataclass(frozen=True)
class Kept:
    """One file or object of a store. `name`: its path or key under the root. `modified`: seconds since 1970."""

    name: str
    n_bytes: int
    modified: float


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

    def __str__(self) -> str:
        return str(self.root)

    def put(self, path: Path, media_type: str) -> Artifact:
        """Move a finished scratch file into the store."""
        artifact = Artifact(sha256=sha256_of(path), n_bytes=path.stat().st_size, media_type=media_type)
        target = self._blob(artifact.sha256)
        if self._has_here(artifact):
            path.unlink()
            return artifact
        with _storage_errors(self.root):
            target.parent.mkdir(exist_ok=True)
            _sync(path)
            path.chmod(0o444)
            os.utime(path)  # its age counts from now, however long its making took
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
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise BadInput(f"cannot read {path}: {error.strerror}", mend="give a readable file") from error
            return self.put(copy, media_type)

    def put_bytes(self, content: bytes, media_type: str) -> Artifact:
        with self.scratch() as folder:
            (folder / "bytes").write_bytes(content)
            return self.put(folder / "bytes", media_type)

    def has(self, artifact: Artifact) -> bool:
        return self._has_here(artifact)

    def path(self, artifact: Artifact) -> Path:
        """A local, read-only file with the artifact's content. Raises StoreUnavailable when it is gone."""
        if not self._has_here(artifact):
            raise StoreUnavailable(f"artifact {artifact} is not in {self}")
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
        """A work folder on the store's own file system, removed afterwards and swept if we die. Raises DiskFull for
        work that failed because the disk is full, whatever its own error says."""
        folder = self.root / "scratch" / uuid4().hex
        with _storage_errors(self.root):
            lock = locked(_alive(folder))
            folder.mkdir()
        try:
            yield folder
        except (OSError, ToolFailed) as error:
            if _is_full(self.root, error):
                raise _disk_full(self.root) from error
            raise
        finally:
            _remove_scratch(folder, lock)

    @contextlib.contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Hold a piece of work for this thread alone, on this host; the kernel frees it when we die."""
        path = self.root / "claims" / name
        with _storage_errors(self.root):
            lock = locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(lock)

    # --- for ledgers and garbage collection: files by their name under the root ------------------------------------

    def kept(self, under: str) -> Iterator[Kept]:
        """Every file under a folder of the store (`cas`, `memo`, `titles`), in no order; what goes meanwhile is
        left out."""
        for folder, _, names in os.walk(self.root / under):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    facts = path.stat()
                    yield Kept(path.relative_to(self.root).as_posix(), facts.st_size, facts.st_mtime)

    def read(self, name: str) -> bytes | None:
        """A small file's content; None when there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"cannot read {name} of {self}: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        """Put a small file, whole or not at all; an older one is replaced."""
        with _storage_errors(self.root), self.scratch() as scratch:
            (scratch / "content").write_bytes(content)
            _sync(scratch / "content")
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(scratch / "content", self.root / name)

    def remove(self, names: Sequence[str], not_since: float) -> None:
        """Remove files, but none that was put or asked for since the moment `not_since`: it is moved aside, looked at
        again and put back, so who asks in between sees it gone and back, and never loses it."""
        with _storage_errors(self.root), self.scratch() as aside:
            for n, name in enumerate(names):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self.root / name, aside / str(n))
                    if (aside / str(n)).stat().st_mtime > not_since:
                        os.replace(aside / str(n), self.root / name)

    def sweep(self) -> int:
        """Remove what dead processes left: their work folders and their claims. Returns how many things went."""
        n_before = self._n_left()
        self._sweep_scratch()
        for claim in (self.root / "claims").iterdir():
            with contextlib.suppress(OSError):  # somebody holds it
                lock = locked(claim, wait=False)
                claim.unlink(missing_ok=True)
                os.close(lock)
        return n_before - self._n_left()

    def _n_left(self) -> int:
        return sum(1 for name in ("scratch", "claims") for _ in (self.root / name).iterdir())

    def _has_here(self, artifact: Artifact) -> bool:
        """Whether the file is there, whole; it counts as used now."""
        path = self._blob(artifact.sha256)
        try:
            facts = path.stat()
            if facts.st_size != artifact.n_bytes:
                return False
            if time.time() - facts.st_mtime > TOUCH_S:
                os.utime(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreUnavailable(f"cannot read {self}: {error}") from error
        return True

    def _blob(self, sha256: str) -> Path:
        return self.root / "cas" / sha256[:2] / sha256

    def _sweep_scratch(self) -> None:
        """Remove the work folders whose holder died, wherever it died: the kernel has freed their locks."""
        for folder in {path.with_suffix("") for path in (self.root / "scratch").iterdir()}:
            with contextlib.suppress(OSError):  # somebody works there
                _remove_scratch(folder, locked(_alive(folder), wait=False))


def _alive(scratch: Path) -> Path:
    """The lock stands beside the folder: in it, it would be gone while the rest is still being removed."""
    return scratch.with_suffix(".alive")


def _remove_scratch(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _alive(folder).unlink(missing_ok=True)
    os.close(lock)


@lru_cache(maxsize=8)
def open_store(root: str) -> Store:
    """One Store per place and process: of a folder, or of `s3://bucket/prefix`. Raises BadInput for an unusable URL."""
    if root.startswith("s3:"):
        from dub.bucket_store import open_bucket_store  # the folder's users need no S3

        return open_bucket_store(root)
    return Store(Path(root))


@contextlib.contextmanager
def _storage_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if _is_full(root, error):
            raise _disk_full(root) from error
        raise StoreUnavailable(f"cannot write to the artifact store {root}: {error}") from error


def _is_full(root: Path, error: BaseException) -> bool:
    """Whether work failed for want of room: by its own word, or because the disk has none left."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if os.strerror(errno.ENOSPC) in str(error):
        return True
    with contextlib.suppress(OSError):
        return shutil.disk_usage(root).free < FULL_BYTES
    return False


def _disk_full(root: Path) -> DiskFull:
    free = shutil.disk_usage(root).free
    return DiskFull(
        f"the disk of the artifact store {root} is full ({free / 1e6:.1f} MB left)",
        mend="free some space there (polydub store gc), or give another --store; what is finished is kept",
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
