"""Objects of libraries that must not be shared between threads, made once per thread and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Made = TypeVar("Made")


def made_once_per_thread(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """`make(key)`, called once for each key and thread: ICU's iterators and formatters hold state while they work."""
    kept = threading.local()

    @wraps(make)
    def made(key: str) -> Made:
        objects: dict[str, Made] = kept.__dict__
        if key not in objects:
            objects[key] = make(key)
        return objects[key]

    return made
