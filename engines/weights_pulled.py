"""`pulled.json` in a model's folder: what came when the lock could not tell every byte beforehand.

It is written once, by the pull, and held to ever after: by the checks at load, by `models verify`, by the engine's
fingerprint and by the next pull of the same model.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dub.errors import WeightsCorrupt, WeightsMissing
from dub.home import cache_home

RECORD = "pulled.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PulledFile(_Frozen):
    """Size, digest and, for what lies in the folder, the time of last change in ns: other time, read it again."""

    n_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    mtime_ns: int = 0


class Pulled(_Frozen):
    """`revisions`: commit by hub repository. `fetched`: the files that came, by name. `made`: what they were converted
    into; empty where they are themselves the model. `conversion`, `made_with`: how, and by which library versions."""

    schema_version: int = 1
    revisions: dict[str, str] = {}
    fetched: dict[str, PulledFile]
    made: dict[str, PulledFile] = {}
    conversion: str = ""
    made_with: str = ""

    @property
    def files(self) -> dict[str, PulledFile]:
        """What lies in the folder."""
        return self.made or self.fetched


def models_root() -> Path:
    return cache_home() / "models"


def read(model_id: str) -> Pulled:
    """Raises WeightsMissing where the model was not pulled, WeightsCorrupt where its record cannot be read."""
    path = models_root() / model_id / RECORD
    try:
        return Pulled.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise WeightsMissing(f"{path} is not there", mend=f"polydub models pull {model_id}") from None
    except (OSError, ValidationError) as error:
        raise WeightsCorrupt(f"{path} cannot be read: {error}", mend=_again(model_id)) from error


def recorded_digests(model_id: str) -> dict[str, str]:
    """sha256 of what came, by file name; {} for a model that was not pulled. Raises WeightsCorrupt."""
    try:
        return {name: file.sha256 for name, file in read(model_id).fetched.items()}
    except WeightsMissing:
        return {}


def write(pulled: Pulled, folder: Path) -> None:
    with (folder / RECORD).open("w", encoding="utf-8") as out:
        out.write(pulled.model_dump_json(indent=1, exclude_defaults=True) + "\n")
        out.flush()
        os.fsync(out.fileno())


def describe(path: Path) -> PulledFile:
    """Reads the file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    found = path.stat()
    return PulledFile(n_bytes=found.st_size, sha256=sha256, mtime_ns=found.st_mtime_ns)


def require_unchanged(path: Path, recorded: PulledFile, model_id: str, *, read_all: bool = False) -> None:
    """Raises WeightsMissing or WeightsCorrupt where a file is not what was recorded.

    A file of the size and time recorded is not read, unless `read_all`; one that was touched is, once a process.
    """
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there", mend=f"polydub models pull {model_id}")
    found = path.stat()
    if found.st_size != recorded.n_bytes:
        raise WeightsCorrupt(
            f"{path}: {found.st_size} bytes, {recorded.n_bytes} when it was pulled", mend=_again(model_id)
        )
    if found.st_mtime_ns == recorded.mtime_ns and not read_all:
        return
    digest = describe(path).sha256 if read_all else _digest_of(path, found.st_mtime_ns, found.st_size)
    if digest != recorded.sha256:
        raise WeightsCorrupt(f"{path}: sha256 is {digest}, it was {recorded.sha256} when pulled", mend=_again(model_id))


@lru_cache(maxsize=256)
def _digest_of(path: Path, mtime_ns: int, n_bytes: int) -> str:
    return describe(path).sha256


def _again(model_id: str) -> str:
    return f"polydub models pull {model_id}"
