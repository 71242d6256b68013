"""The portrait mode's records: one photo, a voice and a script become a talking video per language."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from dub.errors import BadInput
from dub.finding import Finding
from dub.script import DubScript, Timeline
from dub.source import Source, Stems, VideoFacts
from lang.bcp47 import Locale

FRAME_RATE = Fraction(25)
SENTENCE_PAUSE_S, PARAGRAPH_PAUSE_S = Fraction(35, 100), Fraction(7, 10)
"""Silence between one sentence and the next, and between paragraphs: what readers leave at an easy pace."""
BEFORE_S, AFTER_S = Fraction(1, 2), Fraction(4, 5)
"""Silence before the first word and after the last: the face is seen at rest."""
SPEAKER = "s1"


class Motion(Record):
    """How the portrait moves. `amplitude`: 1 = as a calm speaker, 0 = only eyelids and mouth. `seed`: another number,
    another way of moving."""

    amplitude: float = Field(1.0, ge=0, le=2)
    seed: int = Field(0, ge=0)


class Backdrop(Record):
    """What stands behind the person. `colour`: red, green, blue 0..255. `image`: for the kind "image"."""

    kind: Literal["original", "colour", "image", "blur"] = "original"
    colour: tuple[int, int, int] = (0, 0, 0)
    image: Artifact | None = None


class PhotoFacts(Record):
    """A photo as it will be shown, and its face. `iod_px`: distance of the outer eye corners at that size;
    `yaw_deg`, `pitch_deg`, `roll_deg`: as the face tracker reads them; `sharpness`: see engines/portrait/photo_face.py;
    `aperture`: how open its lips are (IOD); `mouth_sharpness`: mean squared Laplacian of the mouth box's luma. The
    measures are None where the engine looks at no face."""

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    iod_px: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    sharpness: float | None = None
    aperture: float | None = None
    mouth_sharpness: float | None = None
    can_blink: bool = True

    def as_video(self, n_frames: int) -> VideoFacts:
        """A video of the photo's size."""
        return VideoFacts(
            width_px=self.width_px,
            height_px=self.height_px,
            frame_rate=FRAME_RATE,
            n_frames=n_frames,
            codec="h264",
            pixel_format="yuv420p",
            color_space="smpte170m",
            color_primaries="bt709",
            color_transfer="bt709",
        )


class Portrait(Record):
    """A photo that can be made to talk. `posed`: a file that only the engine reads. `still`: the photo as a silent MP4
    of one frame, which stands where a dub has its source's picture."""

    schema_version: Literal[1] = 1
    engine: str
    name: str
    facts: PhotoFacts
    posed: Artifact
    still: Artifact


class Film(Record):
    """The photo shown while the voice recording plays, as MP4: what a title's source is to its dubs."""

    video: Artifact


class Talk(Record):
    """What is to be said, in one language. `script`: one utterance per sentence, whose times are only an order;
    `starts_paragraph`: the ids of the utterances that a longer pause precedes."""

    schema_version: Literal[1] = 1
    script: DubScript
    starts_paragraph: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Performed(Record):
    """One locale's talk at its own pace. `script`, `source` and `stems` are those of a title that never was: the text
    with the times at which it is said, a picture as long, and silence behind the voice."""

    schema_version: Literal[1] = 1
    timeline: Timeline
    script: DubScript
    source: Source
    stems: Stems


class Upscale(Record):
    """Enlargement of the finished picture: by `factor`, with `model` (an ONNX super-resolution network) or lanczos."""

    factor: int = Field(2, ge=2, le=4)
    model: Artifact | None = None
    model_name: str = ""


class AvatarJob(Record):
    """One photo into N languages. `scripts`: texts by locale; `script` is the text in `source_locale` (None: found).
    `background`: original, blur, a colour (#rrggbb or a name of COLOURS), or the path of an image."""

    photo: Path
    voice: Path
    script: Path | None = None
    scripts: dict[Locale, Path] = {}
    targets: tuple[Locale, ...] = Field(min_length=1)
    out: Path
    profile: str = "embedded"
    source_locale: Locale | None = None
    consent: Path | None = None
    background: str = "original"
    motion: Motion = Motion()
    long_side_px: int = Field(1080, ge=128, le=3840)
    upscale: int | None = Field(default=None, ge=2, le=4)
    upscale_model: Path | None = None
    glossary: Path | None = None
    memory: Path | None = None
    store: Path | None = None
    title: str = ""


COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "green": (0, 177, 64),
    "blue": (0, 71, 187),
}
"""Names for --background; green and blue are those of keying screens."""


def colour_of(text: str) -> tuple[int, int, int] | None:
    """`#rrggbb` or a name, as red, green and blue; None for what is neither. Raises BadInput for a malformed `#`."""
    if text.lower() in COLOURS:
        return COLOURS[text.lower()]
    if not text.startswith("#"):
        return None
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise BadInput(f"--background {text!r} is no colour", mend="for example --background '#20304a'")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
