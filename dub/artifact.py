"""Artifact: a file named by its content. Tasks exchange Artifacts, never paths, arrays or models."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of every record that is stored or passed between tasks: frozen, no unknown fields, plain JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Artifact(Record):
    """Content-addressed file. Where it lies is the Store's business, so the same record is good on any machine."""

    sha256: str
    n_bytes: int
    media_type: str

    def __str__(self) -> str:
        return f"{self.media_type}:{self.sha256[:12]}"


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in 1 MiB pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
