"""Files of a hub repository at one commit, by huggingface_hub's addresses, credentials and session.

`HF_ENDPOINT` names another hub or mirror, `HF_TOKEN` opens gated models; neither the token nor an address with its
query is ever put into a log or an error. The body is read here, not by `hf_hub_download`, which begins anew after a
kill: a file of gigabytes goes on where it ended.
"""

import hashlib
import json
import logging
import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dub.errors import DubError, ToolFailed, WeightsCorrupt
from engines.weights_entry import UNKNOWN, HubFile, HubRepo

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

log = logging.getLogger(__name__)

# Read when huggingface_hub is imported. Else it tells the hub about this machine, by a request of its own.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

N_ATTEMPTS = 3
"""How often a file is asked for without a single new byte before it is given up."""
WAIT_S = 1.0
TIMEOUT_S = 20.0
"""For one answer, or one chunk, of the server."""
_CHUNK_BYTES = 1 << 16
_OVERLOADED = (408, 429, 500, 502, 503, 504)
_COMMIT = "commit"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def folder_for(root: Path, repo: HubRepo) -> Path:
    """Where a repository's files are gathered: the same for the next pull, so that it can go on."""
    wanted = json.dumps([repo.hub, repo.revision, [file.name for file in repo.files]])
    return root / f"{repo.hub.replace('/', '--')}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"


def file_in(folder: Path, name: str) -> Path:
    """A fetched file of the repository; the folder is flat."""
    return folder / name.replace("/", "--")


def commit_in(folder: Path) -> str:
    """The commit that the folder's files are of."""
    return (folder / _COMMIT).read_text()


def fetch_repo(repo: HubRepo, into: Path, stop: threading.Event) -> Path:
    """Gathers the repository's files in `into`, going on from what lies there. Digests are the caller's to check.

    Raises ToolFailed where the hub does not give a file, or `stop` was set by another thread; WeightsCorrupt where it
    says beforehand that its bytes are not those wanted.
    """
    into.mkdir(parents=True, exist_ok=True)
    for file in repo.files:
        if not file_in(into, file.name).is_file():
            try:
                _fetch(repo, file, into, stop)
            except DubError:
                raise
            except Exception as error:
                raise _explained(error, repo, file) from None  # the library's own message holds addresses
    return into


def _fetch(repo: HubRepo, file: HubFile, into: Path, stop: threading.Event) -> None:
    target = file_in(into, file.name)
    partial = target.with_name(f"{target.name}.part")
    n_failures = 0
    while True:
        n_before = partial.stat().st_size if partial.exists() else 0
        try:
            found = _look_up(repo, file, into)
            _read_body(repo, file, found, partial, stop)
            break
        except Exception as error:
            if stop.is_set() or not _is_passing(error):
                raise
            n_now = partial.stat().st_size if partial.exists() else 0
            n_failures = 0 if n_now > n_before else n_failures + 1
            if n_failures == N_ATTEMPTS:
                raise
            log.warning("%s: %s broke off at %d bytes, going on", repo.hub, file.name, n_now)
            stop.wait(WAIT_S)
    with partial.open("rb") as whole:
        os.fsync(whole.fileno())
    partial.replace(target)


def _look_up(repo: HubRepo, file: HubFile, into: Path) -> "HfFileMetadata":
    """Where the file lies; sees to it that all files are of one commit, and that it is the one wanted."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    fixed = into / _COMMIT
    commit = fixed.read_text() if fixed.exists() else repo.revision
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    url = hf_hub_url(repo.hub, file.name, revision=commit, endpoint=endpoint)
    found = get_hf_file_metadata(url, token=_token(), timeout=TIMEOUT_S, endpoint=endpoint)
    where = _where(repo, file)
    if found.commit_hash is None or found.size is None:
        raise ToolFailed(f"{where}: the server does not answer as a model hub does", mend="check HF_ENDPOINT")
    if repo.is_fixed and found.commit_hash != repo.revision:
        raise WeightsCorrupt(f"{where}: the hub answered with commit {found.commit_hash}")
    _require_promised(found, file, where)
    if not fixed.exists():
        fixed.write_text(found.commit_hash)
    return found


def _require_promised(found: "HfFileMetadata", file: HubFile, where: str) -> None:
    """What the hub says of a file before a byte of it has come. A 64-digit etag is the sha256 of a large file."""
    etag, size = found.etag or "", found.size or 0
    if file.sha256 != UNKNOWN and _SHA256.fullmatch(etag) and etag != file.sha256:
        raise WeightsCorrupt(f"{where}: sha256 is {etag} on the hub, models.lock says {file.sha256}")
    if not file.is_about and size != file.n_bytes:
        raise WeightsCorrupt(f"{where}: the hub has {size} bytes, models.lock promises {file.n_bytes}")
    if size > 2 * file.n_bytes + (1 << 20):
        raise WeightsCorrupt(f"{where}: the hub has {size} bytes, models.lock says about {file.n_bytes}")


def _read_body(repo: HubRepo, file: HubFile, found: "HfFileMetadata", partial: Path, stop: threading.Event) -> None:
    from huggingface_hub import get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    size = found.size or 0
    start = partial.stat().st_size if partial.exists() else 0
    if start > size:
        partial.unlink()
        start = 0
    if start == size and partial.exists():
        return
    is_hub = urlsplit(found.location).netloc == urlsplit(_endpoint()).netloc
    headers = {
        **build_hf_headers(token=_token() if is_hub else False),  # never to the store that the hub redirects to
        "Accept-Encoding": "identity",
        **({"Range": f"bytes={start}-"} if start else {}),
    }
    with get_session().stream("GET", found.location, headers=headers, timeout=TIMEOUT_S) as response:
        hf_raise_for_status(response)
        is_resumed = start > 0 and response.status_code == 206
        n_bytes = start if is_resumed else 0
        with partial.open("ab" if is_resumed else "wb") as out:
            for chunk in response.iter_bytes(_CHUNK_BYTES):
                if stop.is_set():
                    raise ToolFailed(f"{_where(repo, file)}: the download was stopped")
                n_bytes += len(chunk)
                if n_bytes > size:
                    raise WeightsCorrupt(f"{_where(repo, file)}: over the {size} bytes that the hub promised")
                out.write(chunk)
    if n_bytes != size:
        raise ConnectionError(f"{n_bytes} bytes of {size} came")
    etag = found.etag or ""
    if _SHA256.fullmatch(etag):
        _require_transferred(partial, etag, _where(repo, file))


def _require_transferred(partial: Path, sha256: str, where: str) -> None:
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        partial.unlink()
        raise WeightsCorrupt(f"{where}: sha256 of what came is {digest}, the hub says {sha256}")


def _endpoint() -> str:
    from huggingface_hub import constants

    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or str(constants.ENDPOINT)


def _token() -> str | bool:
    return os.environ.get("HF_TOKEN") or False


def _where(repo: HubRepo, file: HubFile) -> str:
    return f"{repo.hub} at {repo.revision[:12]}, {file.name}"


def _is_passing(error: Exception) -> bool:
    """Whether asking again may help: the connection broke, or the server is overloaded."""
    import httpx2
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return False
    return isinstance(error, httpx2.TransportError | ConnectionError) or _status_of(error) in _OVERLOADED


def _status_of(error: Exception) -> int | None:
    response: Any = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def _explained(error: Exception, repo: HubRepo, file: HubFile) -> DubError:
    """The hub's refusal in our words, without the address, which may carry a signature or a password."""
    import httpx2
    from huggingface_hub import errors

    where = f"{_where(repo, file)}, from {urlsplit(_endpoint()).hostname}"
    network = "check the network and HF_ENDPOINT, then pull again: what has come is kept"
    match error:
        case errors.GatedRepoError():
            what, mend = "is gated", "accept its terms on the hub, then set HF_TOKEN"
        case errors.RepositoryNotFoundError():
            what, mend = "is not there, or is private", "check HF_ENDPOINT; for a private one set HF_TOKEN"
        case errors.RevisionNotFoundError() | errors.EntryNotFoundError():
            what, mend = "has no such commit or file", "check HF_ENDPOINT: a mirror may lack it"
        case errors.OfflineModeIsEnabled():
            what, mend = "was not asked for: HF_HUB_OFFLINE is set", "unset it to pull"
        case _ if (status := _status_of(error)) is not None:
            what, mend = f"was answered with HTTP {status}", network
        case httpx2.TransportError() | ConnectionError():
            what, mend = f"could not be fetched: the connection failed ({type(error).__name__})", network
        case OSError():
            what, mend = f"could not be written: {error.strerror}", "free some space, or set POLYDUB_HOME elsewhere"
        case _:
            what, mend = f"could not be fetched ({type(error).__name__})", network
    return ToolFailed(f"{where}: {what}", mend=mend)
