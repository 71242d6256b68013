"""What is believed when it first comes, and the record that it is held to ever after.

A model whose lock entry does not fix every byte (a sha256 that no public source tells, a commit that is not known) is
pulled only when a person says --trust-first. So is the record of a conversion kept: other versions of a library
convert to other bytes, so the lock can fix only the checkpoint.
"""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dub.errors import BadInput, WeightsCorrupt, WeightsMissing
from engines import weights_pulled
from engines.weights_entry import UNKNOWN, FileEntry, HubPart, ModelEntry
from engines.weights_pulled import Pulled

_CONVERTERS = ("ctranslate2", "transformers", "torch")


def require_known(entries: Iterable[ModelEntry]) -> None:
    """Raises BadInput, naming the models of which something would have to be believed."""
    unknown = [entry.id for entry in map(settled, entries) if entry.needs_trust]
    if unknown:
        raise BadInput(
            f"models.lock does not know every digest or the commit of {', '.join(unknown)}: "
            "what comes first would have to be believed",
            mend=f"polydub models pull {' '.join(unknown)} --trust-first   (its digests are recorded and held to)",
        )


def record_of(entry: ModelEntry) -> Pulled:
    """What a model's folder must hold. Raises WeightsMissing where it was not pulled, or not as the lock now says."""
    pulled = weights_pulled.read(entry.id)
    wanted = _conversion_of(entry)
    reason = _other_source(entry, pulled)
    if pulled.conversion != wanted:
        reason = f"wanted is {wanted or 'what comes'}, there is {pulled.conversion or 'what came'}"
    if reason:
        raise WeightsMissing(
            f"{entry.id} was pulled before models.lock changed: {reason}", mend=f"polydub models pull {entry.id}"
        )
    return pulled


def settled(entry: ModelEntry) -> ModelEntry:
    """The entry with what was recorded when it was first pulled in place of what the lock does not know."""
    try:
        pulled = weights_pulled.read(entry.id)
    except (WeightsMissing, WeightsCorrupt):
        return entry
    if _other_source(entry, pulled):
        return entry
    return entry.model_copy(update={"files": tuple(_settled_file(file, pulled) for file in entry.files)})


def _settled_file(file: FileEntry, pulled: Pulled) -> FileEntry:
    recorded = pulled.fetched[file.name]
    changed: dict[str, Any] = {}
    if file.sha256 == UNKNOWN:
        changed = {"n_bytes": recorded.n_bytes, "sha256": recorded.sha256, "about": False}
    sources = tuple(tuple(_settled_part(part, pulled) for part in source) for source in file.sources)
    return file.model_copy(update={**changed, "sources": sources})


def _settled_part(part: Any, pulled: Pulled) -> Any:
    """A part of a hub repository at `main` is asked for at the commit that came first, with the digests of then."""
    if not isinstance(part, HubPart) or part.package.is_fixed or part.package.hub not in pulled.revisions:
        return part
    repo = part.package.model_copy(update={"revision": pulled.revisions[part.package.hub]})
    return part.model_copy(update={"package": repo})


def recorded(entry: ModelEntry, fetched: Path, revisions: dict[str, str]) -> Path:
    """Converts the files in `fetched` if the entry says so; returns the model's folder, with its record in it."""
    came = {file.name: weights_pulled.describe(fetched / file.name) for file in entry.files}
    if entry.convert is None:
        weights_pulled.write(Pulled(revisions=revisions, fetched=came), fetched)
        return fetched
    made = fetched.with_name(f"{fetched.name}-converted")
    _convert(entry, fetched, made)
    pulled = Pulled(
        revisions=revisions,
        fetched=came,
        made={path.name: weights_pulled.describe(path) for path in sorted(made.iterdir())},
        conversion=_conversion_of(entry),
        made_with=", ".join(f"{name} {_version(name)}" for name in _CONVERTERS),
    )
    weights_pulled.write(pulled, made)
    return made


def _convert(entry: ModelEntry, checkpoint: Path, made: Path) -> None:
    from engines.translation.conversion import convert

    assert entry.convert is not None
    convert(checkpoint, made, entry.convert.quantization)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _conversion_of(entry: ModelEntry) -> str:
    return f"{entry.convert.to} {entry.convert.quantization}" if entry.convert else ""


def _other_source(entry: ModelEntry, pulled: Pulled) -> str:
    """In what that came, as recorded, is not what the entry asks for; "" where it is."""
    if {file.name for file in entry.files} != set(pulled.fetched):
        return "it has other files"
    for file in entry.files:
        if file.sha256 not in (UNKNOWN, pulled.fetched[file.name].sha256):
            return f"{file.name} has another digest"
        for repo in file.hub_repos:
            if repo.is_fixed and pulled.revisions.get(repo.hub, repo.revision) != repo.revision:
                return f"it is of commit {pulled.revisions[repo.hub]}"
    return ""
