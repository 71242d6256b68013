"""What ingest learns about a source: the facts every later stage relies on instead of the container's claims."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record


class VideoFacts(Record):
    """The picture as a player shows it: after rotation, edit lists applied, at one constant frame rate.

    `width_px`, `height_px`: displayed raster after rotation, less an odd last column or row, so always even.
    `pixel_aspect`: sample aspect ratio after rotation. `color_*`: ffprobe's colour tags, "" where unknown.
    `frame_rate`: the constant rate that frames are read at; `is_variable_rate`: the file's own was not constant.
    `n_frames`: frames counted by decoding, never the container's number. `start_offset`: seconds by which the first
    frame comes after the sound's start (negative: before).
    """

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    pixel_aspect: Fraction = Fraction(1)
    frame_rate: Fraction = Field(gt=0)
    n_frames: int = Field(gt=0)
    rotation_degrees: Literal[0, 90, 180, 270] = 0
    is_variable_rate: bool = False
    start_offset: Fraction = Fraction(0)
    codec: str = ""
    pixel_format: str = ""
    color_space: str = ""
    color_primaries: str = ""
    color_transfer: str = ""

    @property
    def duration(self) -> Fraction:
        return self.n_frames / self.frame_rate


class Source(Record):
    """One ingested title. `original`: the user's file, byte for byte. `programme`: its sound as 48 kHz stereo float
    WAV starting at the first frame's time and exactly `video.duration` long (padded or cut to the sample)."""

    schema_version: Literal[1] = 1
    title: str
    original: Artifact
    video: VideoFacts
    programme: Artifact
    n_source_channels: int
    mean_level_db: float


class Stems(Record):
    """`dialogue`: mono 48 kHz float WAV; `bed`: stereo, music and effects; both as long as the programme."""

    dialogue: Artifact
    bed: Artifact


class FaceTrack(Record):
    """Where everybody's face is in every frame.

    `landmarks`: .npz of the persons seen and their mesh points in displayed pixels (engines/face/contract.py,
    TrackedFaces). `n_found`: frames that show a face. `shots`: first frame of every shot.
    """

    schema_version: Literal[2] = 2
    engine: str
    n_frames: int
    n_found: int
    n_faces: int
    landmarks: Artifact
    shots: tuple[int, ...] = (0,)
