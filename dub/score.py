"""The score of a talking or dubbed video's mouth: every measure with what real video scores and the limit used.

Definitions, sources and the measurements behind each number: docs/mouth-metrics.md.
"""

from __future__ import annotations

from typing import Literal

from dub.artifact import Artifact, Record
from dub.finding import Level
from lang.bcp47 import Locale

Range = tuple[float | None, float | None]
"""Lowest and highest value; None: open."""


class Metric(Record):
    """One measure. `ok`: values that need no look; `usable`: outside of it a video fails, None where it only informs:
    then it never changes the verdict. `real`: lowest and highest that real talking video scored."""

    what: str
    unit: str = ""
    real: Range
    ok: Range
    usable: Range | None = None
    source: str

    @property
    def gates(self) -> bool:
        return self.usable is not None

    def level(self, value: float) -> Level:
        if self.usable is not None and not _within(value, self.usable):
            return Level.FAILED
        return Level.OK if _within(value, self.ok) else Level.DEGRADED


class Measure(Record):
    """One metric's result. `value` None: `note` says why it was not measured. `level` None: it only informs."""

    metric: str
    value: float | None
    level: Level | None
    note: str = ""


class MouthScore(Record):
    """Everything measured on one video. `figures`: SVG and PNG by name; `page`: HTML with all of it."""

    schema_version: Literal[1] = 1
    title: str
    locale: Locale | None
    measures: tuple[Measure, ...]
    n_frames: int
    n_frames_with_face: int = 0
    figures: dict[str, Artifact] = {}
    page: Artifact | None = None

    @property
    def verdict(self) -> Level:
        """The worst level of what gates."""
        levels = {measure.level for measure in self.measures}
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in levels), Level.OK)

    def value(self, metric: str) -> float | None:
        return next((measure.value for measure in self.measures if measure.metric == metric), None)

    def level(self, metric: str) -> Level | None:
        return next((measure.level for measure in self.measures if measure.metric == metric), None)


THEVAL = "THEval, arXiv 2511.04520"

METRICS: dict[str, Metric] = {
    "closure_recall": Metric(
        what="p, b, m whose lips meet", real=(0.8, 1.0), ok=(0.8, None), usable=(0.5, None),
        source="after the Bilabial Closure Score, arXiv 2606.13630",
    ),
    "closure_by_chance": Metric(
        what="... that would meet with any other words", real=(0.20, 0.73), ok=(None, None),
        source="the same count with the words moved by 0.5 to 3 s",
    ),
    "false_closures": Metric(
        what="open vowels with shut lips", real=(0.0, 0.5), ok=(None, 0.6), source="project measure",
    ),
    "silence_movement": Metric(
        what="lip movement in silence", unit="eye distances", real=(0.004, 0.010), ok=(None, 0.02), usable=(None, 0.04),
        source=f"Silent Lip Stability, {THEVAL}",
    ),
    "silence_closed_share": Metric(
        what="frames of silence with shut lips", real=(0.0, 0.76), ok=(None, None), source="SILENT, arXiv 2605.16918",
    ),
    "lip_dynamics": Metric(
        what="how much the lips deform", unit="eye distances", real=(0.017, 0.034), ok=(0.012, None),
        usable=(0.007, None),
        source=f"Lip Dynamics, {THEVAL}",
    ),
    "aperture_jerk": Metric(
        what="unevenness of the lips' opening", unit="eye distances", real=(0.010, 0.034), ok=(None, 0.045),
        usable=(None, 0.07), source="mean second difference per frame",
    ),
    "aperture_correlation": Metric(
        what="lips foretold from the sound, in sync", unit="r", real=(0.32, 0.49), ok=(0.28, None), usable=(0.2, None),
        source="per-video ridge regression; Yehia et al., 1998",
    ),
    "av_offset": Metric(
        what="sound after the picture", unit="ms", real=(-5.0, 41.0), ok=(-90.0, 90.0), usable=(-185.0, 185.0),
        source="ITU-R BT.1359; the meter's own error is 60 ms",
    ),
    "av_confidence": Metric(
        what="how clear that offset is", unit="deviations", real=(2.6, 5.3), ok=(3.0, None), source="project measure",
    ),
    "sharpness_ratio": Metric(
        what="sharpness of the mouth against the source", unit="x", real=(0.94, 1.0), ok=(0.85, 1.15),
        usable=(0.5, 2.0), source="Laplacian energy, Pech-Pacheco et al., 2000",
    ),
    "flicker_ratio": Metric(
        what="flicker of the mouth against the source", unit="x", real=(1.0, 1.0), ok=(None, 1.3), usable=(None, 2.0),
        source="second difference in time",
    ),
    "outside_psnr": Metric(
        what="likeness outside the lower face", unit="dB", real=(42.0, 100.0), ok=(36.0, None), usable=(28.0, None),
        source="PSNR of the luma, median frame",
    ),
    "outside_change": Metric(
        what="largest change outside the lower face", unit="grey levels", real=(0.0, 5.5), ok=(None, 10.0),
        usable=(None, 40.0), source="8 px block means, worst frame",
    ),
    "frames_touched": Metric(
        what="frames whose mouth was changed", real=(0.0, 0.0), ok=(None, None), source="project measure",
    ),
    "speech_frames_touched": Metric(
        what="new speech with a changed mouth", real=(1.0, 1.0), ok=(0.9, None), usable=(0.5, None),
        source="project measure",
    ),
}  # fmt: skip
"""In the order they are shown."""


def measured(metric: str, value: float | None, note: str = "") -> Measure:
    """`value` judged by the metric's limits; None says that it could not be measured, and why."""
    if value is None or not METRICS[metric].gates:
        return Measure(metric=metric, value=value, level=None, note=note)
    return Measure(metric=metric, value=value, level=METRICS[metric].level(value), note=note)


def _within(value: float, bounds: Range) -> bool:
    low, high = bounds
    return value == value and (low is None or value >= low) and (high is None or value <= high)
