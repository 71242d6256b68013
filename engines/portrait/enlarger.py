"""Enlarge frames: lanczos, or any ONNX super-resolution network, bound by the shapes of its input and output.

Networks take either colour (1, 3, h, w), RGB 0..1 (Real-ESRGAN, SwinIR and their kin), or luma alone (1, 1, h, w),
0..1 (ESPCN, FSRCNN, the ONNX zoo's sub-pixel CNN), with free height and width.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput
from engines.lipsync import mouth_blend as blend

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

Enlarge = Callable[[Bytes], Bytes]
PROBE_PX = 32


def enlarger(factor: int, model: Path | None, name: str) -> Enlarge:
    """A function from a planar yuv420p frame to one `factor` times as wide and high. Raises BadInput, which calls the
    network `name`, for a file that does not enlarge by `factor`."""
    if model is None:
        return lambda frame: _by_lanczos(frame, factor)
    network = check_network(model, name, factor)
    is_colour = network.get_inputs()[0].shape[1] == 3
    return lambda frame: _by_network(network, frame, factor, is_colour=is_colour)


def check_network(model: Path, name: str, factor: int) -> Any:
    """The network, after one small picture went through it. Raises BadInput naming what is wrong."""
    import onnxruntime

    mend = f"give an ONNX network that takes (1, 3, h, w) or (1, 1, h, w) and enlarges it {factor} times"
    try:
        network = onnxruntime.InferenceSession(str(model), providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime raises a dozen kinds of its own
        raise BadInput(f"{name} is no ONNX network: {str(error).splitlines()[0][:160]}", mend=mend) from error
    inputs, outputs = network.get_inputs(), network.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)":
        kinds = ", ".join(f"{value.name} {value.type}" for value in inputs)
        raise BadInput(f"{name} takes {kinds} and gives {len(outputs)} outputs, not one picture of each", mend=mend)
    shape = list(inputs[0].shape)
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise BadInput(f"{name} takes {shape}, which is no picture", mend=mend)
    if any(isinstance(side, int) for side in shape[2:]):
        raise BadInput(
            f"{name} takes pictures of {shape[2]}x{shape[3]} only", mend="export it with free height and width"
        )
    probe = np.zeros((1, shape[1], PROBE_PX, PROBE_PX + 8), np.float32)
    try:
        given = network.run(None, {inputs[0].name: probe})[0].shape
    except Exception as error:
        raise BadInput(f"{name} fails on a picture: {str(error).splitlines()[0][:160]}", mend=mend) from error
    wanted = (1, shape[1], PROBE_PX * factor, (PROBE_PX + 8) * factor)
    if tuple(given) != wanted:
        raise BadInput(f"{name} makes {tuple(given)} of {probe.shape}, not {wanted}", mend=mend)
    return network


def _by_lanczos(frame: Bytes, factor: int) -> Bytes:
    import cv2

    large = _empty(frame, factor)
    for into, plane in zip(blend.planes(large), blend.planes(frame), strict=True):
        into[:] = cv2.resize(plane, None, fx=factor, fy=factor, interpolation=cv2.INTER_LANCZOS4)
    return large


def _by_network(network: Any, frame: Bytes, factor: int, *, is_colour: bool) -> Bytes:
    import cv2

    if not is_colour:
        large = _by_lanczos(frame, factor)
        luma = (blend.planes(frame)[0].astype(np.float32) - 16) / 219
        blend.planes(large)[0][:] = np.clip(_run(network, luma[None, None])[0, 0] * 219 + 16.5, 0, 255)
        return large
    rgb = cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420).astype(np.float32) / 255
    seen = _run(network, np.ascontiguousarray(rgb.transpose(2, 0, 1)[None]))[0].transpose(1, 2, 0)
    picture = np.clip(seen * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YUV_I420), np.uint8)


def _run(network: Any, picture: Floats) -> Floats:
    return np.asarray(network.run(None, {network.get_inputs()[0].name: picture})[0], np.float32)


def _empty(frame: Bytes, factor: int) -> Bytes:
    return np.empty((frame.shape[0] * factor, frame.shape[1] * factor), np.uint8)
