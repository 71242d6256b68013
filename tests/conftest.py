"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dub.stage import Desk

SHARED_MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk over an empty store of its own."""
    return Desk(store=str(tmp_path / "store"))


@pytest.fixture(scope="session")
def shared_media() -> Path:
    """The development clips; only tests marked `media` ask for them (make test-media)."""
    folder = Path(os.environ.get("POLYDUB_TEST_MEDIA", SHARED_MEDIA))
    if not folder.is_dir():
        pytest.fail(f"tests marked `media` need the development clips in {folder} (POLYDUB_TEST_MEDIA)")
    return folder


@pytest.fixture(scope="session")
def sample_video() -> Path:
    """The talking video that polydub ships."""
    return Path(__file__).resolve().parents[1] / "samples" / "hello.mp4"
