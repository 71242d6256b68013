"""PP-OCRv6 small (PaddleOCR, arXiv 2009.09941 and its successors): one network finds lines of writing, one reads them.

Latin, Chinese and Japanese scripts; other writing is found, but read as nonsense. Weights (31 MB, Apache-2.0) from PyPI
`rapidocr`, whose code is not used: it needs another build of OpenCV beside the one that mediapipe brings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.screen_text.contract import Picture, WrittenText
from engines.spec import EngineSpec

LONG_SIDE_PX = 960
"""A picture is shrunk to this: a caption's letters still are some 20 px high."""
STRIDE_PX = 32
IS_TEXT, IS_LINE = 0.3, 0.5
"""Of the finder's map: a pixel of writing, and the mean of what counts as a line of it."""
GROWN_BY = 1.6
"""The finder's map shows the core of a line; area by outline times this is added on every side (DBNet, arXiv
1911.08947)."""
LEAST_PX = 4
LINE_HEIGHT_PX = 48
LEAST_CERTAINTY = 0.6


class PpOcr:
    def __init__(self, finder: Path, reader: Path, n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._finder, self._reader = (
            onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
            for path in (finder, reader)
        )
        letters = self._reader.get_modelmeta().custom_metadata_map["character"]
        self._letters = ["", *letters.split("\n"), " "]  # the first is CTC's blank

    def read(self, picture: Picture) -> tuple[WrittenText, ...]:
        height, width = picture.shape[:2]
        found = []
        for left, top, right, bottom in self._find(picture):
            if text := self._read_line(picture[top:bottom, left:right]):
                found.append(WrittenText(text, left / width, top / height, right / width, bottom / height))
        return tuple(sorted(found, key=lambda line: (line.top, line.left)))

    def _find(self, picture: Picture) -> list[tuple[int, int, int, int]]:
        """Boxes (left, top, right, bottom) of lines, in pixels."""
        import cv2

        height, width = picture.shape[:2]
        shrunk = min(1.0, LONG_SIDE_PX / max(height, width))
        size = tuple(max(STRIDE_PX, round(side * shrunk / STRIDE_PX) * STRIDE_PX) for side in (width, height))
        text_map = self._finder.run(None, {"x": _network_input(cv2.resize(picture, size))})[0][0, 0]
        mask = cv2.dilate((text_map > IS_TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
        boxes = []
        for contour in cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]:
            x, y, w, h = cv2.boundingRect(contour)
            inside = text_map[y : y + h, x : x + w][mask[y : y + h, x : x + w] > 0]
            if min(w, h) < LEAST_PX or inside.mean() < IS_LINE:
                continue
            by = GROWN_BY * w * h / (2 * (w + h))
            across, down = width / size[0], height / size[1]
            boxes.append(
                (
                    max(0, round((x - by) * across)),
                    max(0, round((y - by) * down)),
                    min(width, round((x + w + by) * across)),
                    min(height, round((y + h + by) * down)),
                )
            )
        return boxes

    def _read_line(self, line: Picture) -> str:
        """What stands in a cut-out line; "" where the network is not sure."""
        import cv2

        height, width = line.shape[:2]
        size = (max(LINE_HEIGHT_PX, round(width * LINE_HEIGHT_PX / height)), LINE_HEIGHT_PX)
        steps: Any = self._reader.run(None, {"x": _network_input(cv2.resize(line, size))})[0][0]
        letters = steps.argmax(axis=1)
        is_new = np.concatenate([[True], letters[1:] != letters[:-1]]) & (letters != 0)
        if not is_new.any() or steps.max(axis=1)[is_new].mean() < LEAST_CERTAINTY:
            return ""
        return "".join(self._letters[letter] for letter in letters[is_new]).strip()


def _network_input(picture: Picture) -> npt.NDArray[np.float32]:
    """RGB uint8 (h, w, 3) -> BGR float32 (1, 3, h, w), -1..1."""
    return np.ascontiguousarray(((picture[..., ::-1].astype(np.float32) / 127.5) - 1).transpose(2, 0, 1)[None])


def load(n_threads: int = 2) -> PpOcr:
    from engines import weights

    folder = weights.folder("pp-ocr")
    return PpOcr(folder / "find.onnx", folder / "read.onnx", n_threads)


ENGINE = EngineSpec(
    id="pp-ocr",
    family="screen_text",
    version=1,
    summary="PP-OCRv6 small: finds and reads captions in Latin, Chinese and Japanese",
    load=load,
    code_licence="MIT",
    weights_licence="Apache-2.0",
    weights=("pp-ocr",),
    extra="embedded",
    packages=("onnxruntime", "cv2"),
)
