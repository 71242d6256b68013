"""Put finished artifacts under their public names, in a folder or in S3: whole or not at all, whatever happens in
between."""

from __future__ import annotations

import logging
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from dub.artifact import Artifact
from dub.bucket import Bucket
from dub.errors import BadInput, StoreUnavailable
from dub.finding import Level
from dub.location import S3Url
from dub.plan import Plan
from dub.store import Store

ENDINGS = ("mp4", "srt", "vtt", "mouths.svg")
"""Of the files that a language is published as, those that are kept in quarantine when it failed."""

logger = logging.getLogger("dub")


def publish(store: Store, artifact: Artifact, place: Path | S3Url) -> None:
    """Copy an artifact to `place`; an older file or object of that name is replaced in one step."""
    if isinstance(place, S3Url):
        Bucket(place.bucket).upload(store.path(artifact), place.key, _media_type(place.name))
    else:
        _replace(place, lambda temporary: shutil.copyfile(store.path(artifact), temporary))


def publish_files(
    store: Store, files: Mapping[str, Artifact], out: Path | S3Url, stem: str, plan: Plan, verdict: Level
) -> dict[str, str]:
    """A language's files by their ENDINGS, as `STEM.ENDING` in `out`; a failed one's in the plan's quarantine, which
    a mended one leaves for good. Returns their names under `out`."""
    folder = plan.folder_for(verdict)
    names = {ending: f"{folder}/{stem}.{ending}" if folder else f"{stem}.{ending}" for ending in files}
    for ending, artifact in files.items():
        publish(store, artifact, out / names[ending])
    if not folder:
        leave_quarantine(plan, out, [f"{stem}.{ending}" for ending in ENDINGS])
    return names


def leave_quarantine(plan: Plan, out: Path | S3Url, names: Sequence[str]) -> None:
    """Remove what lies in `out`'s quarantine under the names of files that are public now. What may not be removed is
    warned of: the good files are in place, and the old ones are no reason to fail them."""
    if not plan.quarantine:
        return
    quarantine = out / plan.quarantine
    try:
        if isinstance(quarantine, S3Url):
            bucket, keys = Bucket(quarantine.bucket), [(quarantine / name).key for name in names]
            bucket.remove([key for key in keys if bucket.head(key) is not None])
        elif quarantine.is_dir():
            for name in names:
                (quarantine / name).unlink(missing_ok=True)
            with suppress(OSError):  # other languages are still in it
                quarantine.rmdir()
    except (StoreUnavailable, OSError) as error:
        logger.warning("an older failed film may be left in %s: %s", quarantine, error)


def publish_text(text: str, place: Path | S3Url) -> None:
    if isinstance(place, S3Url):
        Bucket(place.bucket).write_bytes(place.key, text.encode(), _media_type(place.name))
    else:
        _replace(place, lambda temporary: Path(temporary).write_text(text, "utf-8"))


def published_text(place: Path | S3Url) -> str | None:
    """What stands there; None when nothing does. Raises BadInput when it cannot be read."""
    try:
        if isinstance(place, S3Url):
            content = Bucket(place.bucket).read_bytes(place.key)
            return None if content is None else content.decode()
        return place.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {place}: {error}") from error


def check_writable(out: Path | S3Url) -> None:
    """Raises BadInput or StoreRefused when nothing can be put into the folder or under the prefix: found out now, and
    not after the work."""
    if isinstance(out, S3Url):
        Bucket(out.bucket).write_bytes((out / ".polydub").key, b"polydub writes here\n", "text/plain")
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot make the folder {out}: {error.strerror}", mend="give another with --out") from error
    if not os.access(out, os.W_OK):
        raise BadInput(f"cannot write to {out}", mend="give another folder with --out")


def _media_type(name: str) -> str:
    kinds = {".vtt": "text/vtt", ".srt": "application/x-subrip", ".xlf": "application/xliff+xml"}
    return kinds.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _replace(path: Path, write: Callable[[str], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
