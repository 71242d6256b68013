"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, on loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.seaweed import free_ports


@contextmanager
def postgres() -> Iterator[str]:
    """Yields the URL of an empty database, as SQLAlchemy's asyncpg driver wants it. Fails the test where there is no
    PostgreSQL (infra/system_packages.sh test installs it)."""
    folder = Path(tempfile.mkdtemp(prefix="polydub-postgres-"))
    [port] = free_ports(1)
    data = folder / "data"
    try:
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _run("initdb", "--pgdata", data, "--username=polydub", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off -c full_page_writes=off -c max_connections=200"
        _run("pg_ctl", "start", "-w", "--pgdata", data, "--log", folder / "server.log", "-o", options)
        _run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "polydub", "prefect")
        yield f"postgresql+asyncpg://polydub@127.0.0.1:{port}/prefect"
    finally:
        if (data / "postmaster.pid").exists():
            _run("pg_ctl", "stop", "-m", "immediate", "--pgdata", data)
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str | Path) -> None:
    """Its output goes to nobody: pg_ctl's server would hold a pipe open for ever."""
    as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*as_owner, _program(program), *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"{program} ended with {done.returncode}"


def _program(name: str) -> str:
    """Debian keeps the server's programs out of PATH."""
    folders = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ["PATH"]]))
    if found is None:
        pytest.fail(f"{name} is not installed: infra/system_packages.sh test")
    return found
