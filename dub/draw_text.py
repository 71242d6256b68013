"""A line of text as a picture, in any script: shaped, joined and ordered by libass, which ffmpeg brings."""

from __future__ import annotations

import re
import tempfile
from functools import lru_cache
from pathlib import Path

import ffmpeg
import numpy as np
import numpy.typing as npt

from dub.errors import EngineUnavailable, ToolFailed
from dub.media import ffmpeg_exe
from dub.tool import run_tool_told

Bytes = npt.NDArray[np.uint8]

FONTS_MEND = "apt-get install fonts-noto-core fonts-noto-cjk, or give words in another script"
MEASURED_AT_PX = 64
_CANVAS_EMS = (3, 90)
"""(height, width) that any line fits into before it is measured."""
_NO_GLYPH = re.compile(r"failed to find any fallback with glyph 0x([0-9A-Fa-f]+)")
_ASS = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
Language: {language}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, BorderStyle, Outline, Shadow, Alignment, \
MarginL, MarginR, MarginV, Encoding
Style: line,Sans,{size},&H00FFFFFF,&H00000000,&H00000000,1,0,0,5,0,0,0,-1

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.00,0:01:00.00,line,{text}
"""
"""Encoding -1: the first strong character of the text decides which way it runs."""


@lru_cache(maxsize=512)
def width_in_ems(text: str, language: str) -> float:
    """Width of the text for a font size of 1. Raises as `draw_line` does."""
    _, width = draw_line(text, language, MEASURED_AT_PX).shape
    return float(width / MEASURED_AT_PX)


def draw_line(text: str, language: str, size_px: int) -> Bytes:
    """The text in one line, white (255) on black (0), cropped to what is drawn: uint8 (h, w). `size_px`: the font's
    size; `language`: ISO 639 code, by which fonts of Han characters differ.

    Raises EngineUnavailable where no font of this machine has a character, naming it, or where ffmpeg has no libass.
    """
    height, width = (2 * (ems * size_px // 2) for ems in _CANVAS_EMS)
    with tempfile.TemporaryDirectory(prefix="polydub-text-") as folder:
        script = Path(folder) / "line.ass"
        script.write_text(_ASS.format(width=width, height=height, size=size_px, language=language, text=text), "utf-8")
        black = ffmpeg.input(f"color=black:size={width}x{height}:rate=25:duration=0.04", f="lavfi")
        output = black.filter("ass", str(script)).output("pipe:1", format="rawvideo", pix_fmt="gray", vframes=1)
        line = [ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "warning"]
        try:
            drawn, told = run_tool_told(output.compile(cmd=line), deadline_s=60)
        except ToolFailed as error:
            if "No such filter" not in str(error):
                raise
            raise EngineUnavailable(
                f"{ffmpeg_exe()} draws no text: it was built without libass",
                mend="install Debian's ffmpeg, or set POLYDUB_FFMPEG to one that has libass",
            ) from None
    if missing := sorted({chr(int(code, 16)) for code in _NO_GLYPH.findall(told)}):
        raise EngineUnavailable(f"no font of this machine has {' '.join(missing)}, to write {text!r}", mend=FONTS_MEND)
    picture = np.frombuffer(drawn, np.uint8).reshape(height, width)
    rows, columns = (np.flatnonzero(picture.max(axis=axis) > 127) for axis in (1, 0))
    if not rows.size:
        raise EngineUnavailable(f"no font was found on this machine to write {text!r}", mend=FONTS_MEND)
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
