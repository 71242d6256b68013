"""Decoder, renderer and encoder at work at the same time: frames read ahead, and written behind, by a thread each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

FRAMES_AHEAD = 6
"""Decoded and finished frames that may wait: they bound the memory."""


class Ahead:
    """Iterates over `frames` in a thread of its own, a few frames ahead. A context manager; errors come out here."""

    _END = object()

    def __init__(self, frames: Iterator[Bytes]) -> None:
        self._frames = frames
        self._ready: queue.Queue[Any] = queue.Queue(FRAMES_AHEAD)
        self._error: BaseException | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Iterator[Bytes]:
        self._thread.start()
        return iter(self)

    def __iter__(self) -> Iterator[Bytes]:
        while (frame := self._ready.get()) is not self._END:
            yield frame
        if self._error is not None:
            raise self._error

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)
            except queue.Empty:
                continue

    def _read(self) -> None:
        try:
            for frame in self._frames:
                if self._is_over.is_set():
                    break
                self._ready.put(frame)
        except BaseException as error:
            self._error = error
        finally:
            self._frames.close()  # type: ignore[attr-defined]
            self._ready.put(self._END)


class Behind:
    """Hands frames to `write` from a thread of its own. Leaving it waits for the last one; errors come out at `put` or
    there."""

    def __init__(self, write: Callable[[Bytes], None]) -> None:
        self._write = write
        self._waiting: queue.Queue[Bytes | None] = queue.Queue(FRAMES_AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def put(self, frame: Bytes) -> None:
        if self._error is not None:
            raise self._error
        self._waiting.put(frame)

    def __exit__(self, kind: object, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (frame := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._write(frame)
                except BaseException as error:
                    self._error = error
