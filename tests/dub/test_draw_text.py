"""Text in any script, drawn by the ffmpeg that the product uses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dub.draw_text import draw_line
from dub.errors import EngineUnavailable
from dub.media import ffmpeg_exe


@pytest.mark.parametrize(
    ("text", "language"), [("AI dub: voice", "en"), ("الصوت مصطنع", "ar"), ("音声は合成です", "ja")]
)
def test_it_is_cropped_to_its_ink_and_grows_with_its_size(text: str, language: str) -> None:
    small, large = (draw_line(text, language, size) for size in (24, 96))
    for drawn in (small, large):
        edges = (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1])
        assert all(edge.max() > 127 for edge in edges)
        assert drawn.min() == 0
    assert large.shape[1] / small.shape[1] == pytest.approx(4, rel=0.06)


def test_arabic_letters_join_and_run_from_the_right() -> None:
    """A letter that is joined to the next has a short form; and what stands first in the text is drawn last."""
    joined, apart = (draw_line(text, "ar", 64) for text in ("ممم", "م\u200cم\u200cم"))
    assert [len(_runs(drawn)) for drawn in (joined, apart)] == [1, 3]
    sparse_first = draw_line("ا ضضض", "ar", 64)
    ink = (sparse_first > 127).any(axis=0)
    gaps = np.flatnonzero(~ink)
    assert gaps.max() > 0.7 * ink.size, "the lone first letter is at the right end"


def _runs(drawn: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.intp]]:
    """Columns with ink, in runs between which there is none."""
    columns = np.flatnonzero((drawn > 127).any(axis=0))
    return np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)


def test_letters_that_no_font_has_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fontconfig is shown a folder with one font, which has no Japanese."""
    dejavu, *_ = Path("/usr/share/fonts").rglob("DejaVuSans.ttf")
    (tmp_path / "fonts").mkdir()
    shutil.copy(dejavu, tmp_path / "fonts")
    (tmp_path / "fonts.conf").write_text(
        f"<fontconfig><dir>{tmp_path}/fonts</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>"
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    assert draw_line("AI dub", "en", 24).any()
    with pytest.raises(EngineUnavailable, match="no font of this machine has 声 音, to write") as refused:
        draw_line("音声", "ja", 24)
    assert "fonts-noto-cjk" in refused.value.mend


def test_an_ffmpeg_without_libass_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in ffmpeg's place that answers as such a build does."""
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho \"[AVFilterGraph @ 0x5] No such filter: 'ass'\" >&2\nexit 1\n")
    program.chmod(0o755)
    assert ffmpeg_exe() != str(program)
    monkeypatch.setenv("POLYDUB_FFMPEG", str(program))
    with pytest.raises(EngineUnavailable, match="built without libass") as refused:
        draw_line("AI dub", "en", 24)
    assert "POLYDUB_FFMPEG" in refused.value.mend
