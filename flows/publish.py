"""Put finished artifacts under their public names, in a folder or in S3: whole or not at all, whatever happens in
between."""

from __future__ import annotations

import mimetypes
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from dub.artifact import Artifact
from dub.bucket import Bucket
from dub.errors import BadInput
from dub.location import S3Url
from dub.store import Store


def publish(store: Store, artifact: Artifact, place: Path | S3Url) -> None:
    """Copy an artifact to `place`; an older file or object of that name is replaced in one step."""
    if isinstance(place, S3Url):
        Bucket(place.bucket).upload(store.path(artifact), place.key, _media_type(place.name))
    else:
        _replace(place, lambda temporary: shutil.copyfile(store.path(artifact), temporary))


def publish_files(
    store: Store, files: Mapping[str, Artifact], out: Path | S3Url, stem: str, folder: str
) -> dict[str, str]:
    """A language's files by their endings, as `STEM.ENDING` in `out` or a folder of it. Returns their names there."""
    names = {ending: f"{folder}/{stem}.{ending}" if folder else f"{stem}.{ending}" for ending in files}
    for ending, artifact in files.items():
        publish(store, artifact, out / names[ending])
    return names


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
