"""Disclosure: the line in a film's picture that says that it was made by AI."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from dub.finding import Finding, Level
from dub.source import VideoFacts
from lang.bcp47 import Locale

When = Literal["start", "always"]

START_S = 6
"""Three groups of pictures: the line goes at a key frame. What x264 carries over it into the rest of that part is
nothing, or a grey level or two in single frames; the parts that follow are the same bits as without it."""
SHARE_OF_SHORTER_SIDE = 1 / 18
"""Height of a line of letters, ascenders to descenders: a little under that of usual subtitles."""
SAFE_WIDTH, SAFE_MARGIN = 0.84, 0.05
"""Of width and height: inside the 90 % in which titles are safe (SMPTE ST 2046-1), the box's own edge included."""
WIDEST_EMS = 33
"""Some 75 Latin letters: in an upright film such a line is written in a fortieth of the width, and a longer one would
not be read."""


class Wording(Record):
    """What a language's picture is to say, and when. `moved`, `unmoved`: with and without lips that were moved.
    `language`: in which it is said; `is_users`: in the user's own words."""

    locale: Locale
    language: Locale
    when: When
    moved: str
    unmoved: str
    is_users: bool = False

    def said(self, n_rendered: int) -> str:
        return self.moved if n_rendered else self.unmoved

    def end_frame(self, video: VideoFacts) -> int:
        """Frames [0, this) bear it. A group of pictures is two seconds (dub.media.FrameWriter)."""
        if self.when == "always":
            return video.n_frames
        return min(video.n_frames, START_S // 2 * max(1, round(2 * video.frame_rate)))


class Disclosure(Record):
    """What the picture says: frames [0, `end_frame`) bear `text`. `image`: an Overlay (dub/overlay.py).
    `n_over_face`: of these frames, those in which the box lies over a face."""

    schema_version: Literal[1] = 1
    text: str
    language: Locale
    is_users: bool
    image: Artifact
    end_frame: int = Field(gt=0)
    n_over_face: int = 0

    def n_frames_of(self, frames: range) -> int:
        """How many of these frames, from the first on, bear it."""
        return max(0, min(self.end_frame, frames.stop) - frames.start)


def disclosure_finding(disclosure: Disclosure, locale: Locale, frame_rate: Fraction) -> Finding:
    """What a localization manager has to know of it: that it is there, and what is not as it should be."""
    seconds = float(disclosure.end_frame / frame_rate)
    told = f"The picture says {disclosure.text!r} in its first {seconds:.1f} s."
    wrong = []
    if disclosure.language.language != locale.language:
        wrong.append(f"It is English: polydub has no wording in {locale}. Give one: disclosure_text in the plan.")
    if disclosure.n_over_face:
        wrong.append(f"It lies over a face in {disclosure.n_over_face} frames. Look at them.")
    level = Level.DEGRADED if wrong else Level.OK
    return Finding(level=level, check="visible_disclosure", message=" ".join([told, *wrong]))
