"""Put finished artifacts under their public names: whole or not at all, whatever happens in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from dub.artifact import Artifact
from dub.errors import BadInput
from dub.store import Store


def publish(store: Store, artifact: Artifact, path: Path) -> None:
    """Copy an artifact to `path`; an older file of that name is replaced in one step."""
    _replace(path, lambda temporary: shutil.copyfile(store.path(artifact), temporary))


def publish_text(text: str, path: Path) -> None:
    _replace(path, lambda temporary: Path(temporary).write_text(text, "utf-8"))


def _replace(path: Path, write: object) -> None:
    assert callable(write)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
        try:
            write(temporary)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror}", mend="give another folder with --out") from error
