"""What `models.lock` says of a model: its files, their bytes, where they come from. Read by engines/weights_lock.py."""

import fnmatch
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engines import weights_pulled

UNKNOWN: Literal["unknown"] = "unknown"
"""Stands for a sha256 that no public source tells: what comes first is recorded and held to (`--trust-first`)."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ModelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
# A name that cannot leave its folder: no leading dot; one folder deep at most, as some models load from a subfolder.
FileName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.-]*/)?[A-Za-z0-9_][A-Za-z0-9_.-]*$")]

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PICKLED = ("*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib", "pytorch_model*.bin", "training_args.bin")
# CTranslate2's own format is always called model.bin; engines/weights_formats.py looks whether it is that.
_PLAIN = (
    "*.safetensors", "*.json", "*.txt", "*.model", "*.spm", "*.onnx", "*.onnx_data", "*.tflite", "*.tiktoken",
    "*.jinja", "model.bin",
)  # fmt: skip


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


class HubFile(_Frozen):
    """One file of a hub repository; `n_bytes` is exact, unless `is_about`."""

    name: str = Field(min_length=1)
    n_bytes: int = Field(gt=0)
    sha256: Sha256 | Literal["unknown"]
    is_about: bool

    @field_validator("name")
    @classmethod
    def _stays_inside(cls, name: str) -> str:
        if escapes(name):
            raise ValueError(f"{name!r} leaves its repository")
        return name


class HubRepo(_Frozen):
    """Files of one hub repository at one commit. `revision` is a commit, or `main` where none is known."""

    hub: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$")
    revision: str = Field(pattern=r"^([0-9a-f]{40}|main)$")
    files: tuple[HubFile, ...] = Field(min_length=1)

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for file in self.files)

    @property
    def is_fixed(self) -> bool:
        return _COMMIT.fullmatch(self.revision) is not None


Package = PypiPackage | NpmPackage | HubRepo


class MemberPart(_Frozen):
    package: PypiPackage | NpmPackage
    member: str = Field(min_length=1)

    @field_validator("member")
    @classmethod
    def _stays_inside(cls, member: str) -> str:
        if escapes(member):
            raise ValueError(f"member {member!r} leaves its package")
        return member


class HubPart(_Frozen):
    package: HubRepo
    file: str


class TextPart(_Frozen):
    text: str


class HexPart(_Frozen):
    hex: str = Field(pattern=r"^([0-9a-f]{2})+$")


class PathPart(_Frozen):
    path: Path


Part = MemberPart | HubPart | TextPart | HexPart | PathPart


class TorchCheckpoint(_Frozen):
    """What the parts give before conversion to safetensors; `torch_key` names the tensors wanted, "" takes all.
    `about`: its size is only about right.

    `file`: its name in the model's hub repository, where it comes from there. `husks`: packages whose objects lie
    beside the tensors (a training configuration): they are read as empty, and the packages are not imported.
    """

    n_bytes: int = Field(gt=0)
    sha256: Sha256 | Literal["unknown"]
    torch_key: str = ""
    file: str = ""
    husks: tuple[str, ...] = ()
    about: bool = False


class FileEntry(_Frozen):
    """One weight file: its name in the model's folder, its exact bytes, and how to get them.

    With `about`, or sha256 "unknown", `n_bytes` is only about right.
    """

    name: FileName
    n_bytes: int = Field(gt=0)
    sha256: Sha256 | Literal["unknown"]
    sources: tuple[tuple[Part, ...], ...] = Field(min_length=1)
    converted_from: TorchCheckpoint | None = None
    about: bool = False

    @model_validator(mode="after")
    def _is_no_pickle(self) -> "FileEntry":
        """Pickles run code when they are read: they come in only by `converted_from`, whose reader lets none run."""
        from_hub = [part.file for source in self.sources for part in source if isinstance(part, HubPart)]
        members = [part.member for source in self.sources for part in source if isinstance(part, MemberPart)]
        if self.converted_from is not None:
            from_hub, members = [], []
        for name in (self.name, *from_hub, *members):
            is_pickled = _matches(name, _PICKLED)
            if is_pickled or (name in from_hub and not _matches(name, _PLAIN)):
                what = "is a pickle" if is_pickled else "is of no format that is loaded here"
                raise ValueError(f"{name} {what}: take safetensors, ONNX or CTranslate2, or use converted_from")
        return self

    @property
    def origin_sha256(self) -> str:
        """The digest that identifies it, of the checkpoint it is made from if there is one; or "unknown"."""
        if self.sha256 == UNKNOWN and self.converted_from is not None:
            return self.converted_from.sha256
        return self.sha256

    @property
    def hub_repos(self) -> Iterator[HubRepo]:
        return (part.package for source in self.sources for part in source if isinstance(part, HubPart))


class Conversion(_Frozen):
    """What a checkpoint is turned into when it is pulled; `quantization` is CTranslate2's."""

    to: Literal["ctranslate2"]
    quantization: Literal["int8", "int8_float16", "float16", "float32"]


class ModelEntry(_Frozen):
    """One model: the files of its folder, its engine family and the licence of its weights (SPDX).

    With `convert`, the files are the checkpoint that the folder's files are made from.
    """

    id: ModelId
    family: str
    licence: str
    origin: str
    files: tuple[FileEntry, ...] = Field(min_length=1)
    convert: Conversion | None = None

    @property
    def digest(self) -> str:
        """One sha256 over every file's name and sha256 and the conversion: another digest, other weights.

        The same on every machine where the lock knows every digest; else of those recorded when it was pulled. Where
        it was not, of none: nothing can be computed with it there.
        """
        recorded = {} if self.is_known else weights_pulled.recorded_digests(self.id)
        lines = sorted(f"{self._identity(file, recorded)}  {file.name}\n" for file in self.files)
        if self.convert is not None:
            lines.append(f"{self.convert.to} {self.convert.quantization}\n")
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @staticmethod
    def _identity(file: FileEntry, recorded: Mapping[str, str]) -> str:
        return recorded.get(file.name, UNKNOWN) if file.origin_sha256 == UNKNOWN else file.origin_sha256

    @property
    def is_known(self) -> bool:
        """Whether the lock fixes every byte that is fetched."""
        return all(file.origin_sha256 != UNKNOWN for file in self.files)

    @property
    def needs_trust(self) -> bool:
        """Whether what comes first has to be believed: a digest or a commit is not known."""
        repos = (repo for file in self.files for repo in file.hub_repos)
        return not self.is_known or any(not repo.is_fixed for repo in repos)

    @property
    def is_recorded(self) -> bool:
        """Whether its folder holds a record of what came (pulled.json): the lock alone does not tell every byte."""
        is_about = any(file.about or file.sha256 == UNKNOWN for file in self.files)
        return self.convert is not None or self.needs_trust or is_about

    @property
    def n_bytes(self) -> int:
        """Size of its files: of the finished folder, or of the checkpoint where there is a conversion."""
        return sum(file.n_bytes for file in self.files)

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages of every file's preferred source, each once, in lock order."""
        preferred = (part for file in self.files for part in file.sources[0])
        return tuple(dict.fromkeys(part.package for part in preferred if isinstance(part, MemberPart | HubPart)))


def escapes(name: str) -> bool:
    """Whether an archive member's name would lead out of the folder it is unpacked into."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    last = PurePosixPath(name).name.lower()
    return any(fnmatch.fnmatchcase(last, pattern) for pattern in patterns)
