"""The pictures of a MouthScore: the lips' curve, r over shifts, the worst moments; and the page that shows them."""

from __future__ import annotations

import base64

import numpy as np

from dub.contact_sheet import GAP_PX, mouth_contact_sheet
from dub.figures import aperture_figure, sheet_figure
from dub.mouth_metrics import Floats
from dub.mouth_pictures import SHEET_SIDE_IOD, worst_moments
from dub.score import MouthScore
from dub.score_page import offset_figure, score_page
from dub.script import Timeline
from dub.source import Source
from dub.store import Store
from engines.face.contract import MOUTH_CORNERS, TrackedFace
from lang.bcp47 import Locale
from tasks.score_measures import Evidence

CELL_PX = 150
SVG, HTML = "image/svg+xml", "text/html"
NO_WORDS = Locale("und")


def drawn(
    store: Store,
    score: MouthScore,
    evidence: Evidence,
    video: Source,
    said: Timeline | None,
    source: Source | None,
) -> MouthScore:
    """The score with its figures and page. `source`: shown above the video on the sheet, where its raster agrees."""
    face, found = evidence.face, evidence.closures()
    unknown: Floats = np.full(face.n_frames, np.nan, np.float32)
    words = said or Timeline(locale=NO_WORDS, placed=(), overruns=(), dialogue=video.programme)
    figures = {
        "Worst moments": _sheet(store, evidence, video, source),
        "Opening of the lips": aperture_figure(unknown, unknown, face.aperture, evidence.rate, found, words),
        "Sound against lips": offset_figure(evidence.offset) if evidence.offset else "",
    }
    figures = {name: svg for name, svg in figures.items() if svg}
    page = store.put_bytes(score_page(score, figures).encode(), HTML)
    names = {"Worst moments": "mouths", "Opening of the lips": "aperture", "Sound against lips": "offset"}
    stored = {names[heading]: store.put_bytes(svg.encode(), SVG) for heading, svg in figures.items()}
    return score.model_copy(update={"figures": stored, "page": page})


def _sheet(store: Store, evidence: Evidence, video: Source, source: Source | None) -> str:
    """The /p b m/ farthest open, and frames spread over the speech; "" where no mouth is seen."""
    import cv2

    face = evidence.face
    centre, side = _middle(face), SHEET_SIDE_IOD * face.iod_px
    last = video.video.n_frames
    same = source is not None and _raster(source) == _raster(video)
    if same and source is not None:
        last = min(last, source.video.n_frames)
    moments = [
        moment
        for moment in worst_moments(evidence.closures(), evidence.speech & evidence.seen)
        if moment.frame < last and np.isfinite(centre[moment.frame]).all()
    ]
    if not moments:
        return ""
    png = mouth_contact_sheet(
        store.path(source.original) if same and source is not None else None,
        store.path(video.original),
        video.video.model_copy(update={"n_frames": last}),
        centre,
        side,
        [moment.frame for moment in moments],
        n_columns=len(moments),
        cell_px=CELL_PX,
    )
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    height, width = picture.shape[:2]
    return sheet_figure(address, width, height, CELL_PX + GAP_PX, moments, evidence.rate)


def _middle(face: TrackedFace) -> Floats:
    return np.asarray(face.at(*MOUTH_CORNERS).mean(axis=1), np.float32)


def _raster(video: Source) -> tuple[int, int]:
    return video.video.width_px, video.video.height_px
