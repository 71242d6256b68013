"""A worker's virtual environment: `$POLYDUB_HOME/engines/<name>/`, made from the pins of `infra/workers/<name>.txt`.

An environment appears by one rename when everything in it is installed, with a stamp that holds the digest of its
requirements: one that is half made, or made from other pins, is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dub.errors import BadInput, EngineUnavailable, ToolFailed, ToolTimedOut
from dub.home import cache_home

REQUIREMENTS = Path(__file__).resolve().parents[1] / "infra" / "workers"
SCRIPTS = Path(__file__).with_name("workers")
_STAMP = "polydub-requirements.sha256"
_ALONE = "# alone:"
"""The line of a list after which packages are installed without what they declare."""
_DEADLINE_S = 3600.0


def names() -> tuple[str, ...]:
    """Every worker there is."""
    return tuple(sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))


def folder_of(name: str) -> Path:
    return cache_home() / "engines" / name


def python_of(name: str) -> Path:
    """The interpreter of a worker that is installed. Cheap. Raises EngineUnavailable with the command that mends it."""
    folder = folder_of(name)
    python = folder / "bin" / "python"
    mend = f"polydub engines install {name}"
    stamp = folder / _STAMP
    if not stamp.is_file() or not python.exists():
        raise EngineUnavailable(f"the worker {name!r} is not installed in {folder}", mend=mend)
    if stamp.read_text("ascii").strip() != digest(name):
        raise EngineUnavailable(f"the worker {name!r} in {folder} was made from other requirements", mend=mend)
    return python


def command_of(name: str, script: str) -> list[str]:
    """The command that runs a script of engines/workers/ inside the worker's environment, ours shut out."""
    return [str(python_of(name)), "-s", "-E", str(SCRIPTS / f"{script}.py")]


def install(name: str) -> Path:
    """Make a worker's environment, or make it anew where its requirements have changed; returns its folder.

    pip installs the versions of the list, with this Python. Raises BadInput for an unknown name,
    EngineUnavailable where Python has no venv, ToolFailed with pip's last lines, ToolTimedOut after an hour.
    """
    requirements = _requirements(name)
    try:
        python_of(name)
        return folder_of(name)
    except EngineUnavailable:
        pass
    root = cache_home() / "engines"
    root.mkdir(parents=True, exist_ok=True)
    with (root / f".install-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in root.glob(f".making-{name}-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f".making-{name}-", dir=root))
        try:
            _fill(making / name, requirements)
            (making / name / _STAMP).write_text(digest(name), "ascii")
            if folder_of(name).exists():
                folder_of(name).rename(making / "replaced")
            (making / name).rename(folder_of(name))
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder_of(name)


def _fill(folder: Path, requirements: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder)], what="python -m venv")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    together, _, alone = requirements.read_text("utf-8").partition(_ALONE)
    for lines, options in ((together, []), (alone.partition("\n")[2], ["--no-deps"])):
        if any(line.strip() and not line.startswith("#") for line in lines.splitlines()):
            part = folder / "polydub-requirements.txt"
            part.write_text(lines, "utf-8")
            _run([*pip, *options, "-r", str(part)], what="pip")


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_DEADLINE_S
        )
    except subprocess.TimeoutExpired:
        raise ToolTimedOut(f"{what} did not end within {_DEADLINE_S:.0f} s") from None
    if done.returncode:
        said = "\n".join(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:] if line.strip())
        if what != "pip":
            raise EngineUnavailable(f"{what} fails:\n{said}", mend="apt-get install python3-venv")
        raise ToolFailed(f"{what} ended with {done.returncode}:\n{said}")


def _requirements(name: str) -> Path:
    path = REQUIREMENTS / f"{name}.txt"
    if name not in names():
        raise BadInput(f"there is no worker {name!r}", mend=f"one of: {', '.join(names()) or 'none'}")
    return path


def digest(name: str) -> str:
    """Of a worker's requirements: another digest, another environment. Raises BadInput for an unknown name."""
    return hashlib.sha256(_requirements(name).read_bytes()).hexdigest()
