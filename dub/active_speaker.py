"""Who on screen is speaking: each part of an utterance given to a face by how that face's mouth moves meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dub.on_screen import OnScreen, SeenSpan

STILL = 0.02
"""Spread of the aperture (5th to 95th percentile, IOD) under which a mouth did not speak: tracking noise is 0.005."""
LEAST_SPEECH_S = 0.8


def who_speaks(parts: Sequence[SeenSpan], apertures: Sequence[npt.NDArray[np.float32]], frame_rate: float) -> OnScreen:
    """`parts`: utterances cut at shots, whose verdicts are to be found. `apertures` per face (n_frames,), NaN where it
    is not seen."""
    spans = []
    for part in parts:
        spreads = [_spread(aperture[part.first_frame : part.end_frame]) for aperture in apertures]
        best = int(np.argmax(spreads)) if spreads else -1
        is_short = part.end_frame - part.first_frame < LEAST_SPEECH_S * frame_rate
        if best >= 0 and (spreads[best] >= STILL or (is_short and spreads[best] >= 0)):
            spans.append(part.model_copy(update={"verdict": "speaks", "face": best}))
        else:
            spans.append(part)
    faces_of: dict[str, tuple[int, ...]] = {}
    for span in spans:
        if span.face is not None and span.face not in faces_of.get(span.speaker, ()):
            faces_of[span.speaker] = (*faces_of.get(span.speaker, ()), span.face)
    return OnScreen(spans=tuple(spans), faces_of=faces_of)


def _spread(aperture: npt.NDArray[np.float32]) -> float:
    """-1 where the face is not seen for half of the time."""
    seen = aperture[np.isfinite(aperture)]
    if len(seen) * 2 < len(aperture) or not len(seen):
        return -1.0
    low, high = np.quantile(seen, [0.05, 0.95])
    return float(high - low)
