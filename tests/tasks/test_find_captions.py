"""Captions that are burned into a picture are found; a sign or a mark in it is none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.artifact import Artifact
from dub.captions import Captions
from dub.check_captions import check_captions
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.media import FrameWriter
from dub.script import DubScript, Utterance
from dub.source import Source
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from lang.bcp47 import Locale
from tasks.find_captions import MOST_LOOKED_AT, find_captions
from tests.clips import facts

pytestmark = pytest.mark.models

SAID = ("Good morning to all of you.", "The keys are in the car.", "We sold a hundred boxes.", "It rained all week.")
SPANISH = ("Buenos dias a todos.", "Las llaves estan en el coche.", "Vendimos cien cajas.", "Ha llovido mucho.")
WIDTH, HEIGHT = 640, 360
ENGINE = EngineChoice(family="screen_text", id="pp-ocr", fingerprint="1")


def looked(desk: Desk, folder: Path, written: Sequence[str], at: tuple[int, int] = (60, 330)) -> Captions:
    """A title of as many seconds as lines, one line said and one written in each."""
    path = folder / "film.mp4"
    with FrameWriter(path, facts(5 * len(written), 5, WIDTH, HEIGHT)) as writer:
        for text in written:
            picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            cv2.circle(picture, (320, 140), 80, (170, 190, 220), -1)
            cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2, cv2.LINE_AA)
            for _ in range(5):
                writer.write(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420))
    film = desk.open_store().put(path, "video/mp4")
    nothing = Artifact(sha256="0" * 64, n_bytes=0, media_type="audio/wav")
    source = Source(
        title="film", original=film, video=facts(5 * len(written), 5, WIDTH, HEIGHT), programme=nothing,
        n_source_channels=1, mean_level_db=-20,
    )  # fmt: skip
    script = DubScript(
        source_locale=Locale("en"),
        duration=Fraction(len(written)),
        utterances=tuple(
            Utterance(id=f"u{n:04}", speaker="s1", span=Span.of_seconds(n, n + 1), text=SAID[n % len(SAID)])
            for n in range(len(written))
        ),
    )
    return find_captions(desk, source, script, ENGINE)


def judged(captions: Captions) -> Finding:
    [finding] = check_captions(captions, Gates())
    return finding


def test_captions_of_what_is_said(desk: Desk, tmp_path: Path) -> None:
    captions = looked(desk, tmp_path, SAID)
    assert [caption.says_it for caption in captions.found] == [True] * len(SAID)
    finding = judged(captions)
    assert finding.level is Level.DEGRADED
    assert "Good morning" in finding.message


def test_captions_in_another_language(desk: Desk, tmp_path: Path) -> None:
    captions = looked(desk, tmp_path, SPANISH)
    assert [caption.says_it for caption in captions.found] == [False] * len(SAID)
    assert judged(captions).level is Level.DEGRADED


@pytest.mark.parametrize(
    ("written", "at"),
    [
        (("",) * 4, (60, 330)),
        (("Anna Bloom, gardener",) * 4, (60, 330)),
        (SPANISH, (60, 190)),
    ],
    ids=["nothing", "the same every time", "in the middle of the picture"],
)
def test_other_writing_is_none(desk: Desk, tmp_path: Path, written: Sequence[str], at: tuple[int, int]) -> None:
    captions = looked(desk, tmp_path, written, at)
    assert captions.found == ()
    assert judged(captions).level is Level.OK


def test_a_long_title_is_looked_at_here_and_there(desk: Desk, tmp_path: Path) -> None:
    captions = looked(desk, tmp_path, SAID * 10)
    assert captions.n_looked == MOST_LOOKED_AT
    assert {caption.second // 10 for caption in captions.found} == {0, 1, 2, 3}
