"""Enlarging frames: lanczos, and networks bound by their shapes."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dub.errors import BadInput
from engines.lipsync import mouth_blend as blend
from engines.portrait.enlarger import enlarger


def frame(width: int = 40, height: int = 32) -> np.ndarray:
    """Planar yuv420p: luma rises to the right, chroma is flat."""
    planes = np.full((height * 3 // 2, width), 140, np.uint8)
    planes[:height] = np.linspace(40, 200, width).astype(np.uint8)
    return planes


def network(path: Path, n_channels: int, factor: int, *, side: int | str = "h", inputs: int = 1) -> Path:
    """A graph that repeats every pixel `factor` times each way, as an ONNX Resize."""
    shape = [1, n_channels, side, side if isinstance(side, int) else "w"]
    given = [helper.make_tensor_value_info(f"in{k}", TensorProto.FLOAT, shape) for k in range(inputs)]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, n_channels, "H", "W"])
    scales = numpy_helper.from_array(np.array([1, 1, factor, factor], np.float32), "scales")
    nodes = [helper.make_node("Resize", ["in0", "", "scales"], ["out"], mode="nearest")]
    graph = helper.make_graph(nodes, "grow", given, [out], [scales])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def test_lanczos_keeps_the_picture() -> None:
    large = enlarger(2, None, "")(frame())
    assert large.shape == (96, 80)
    luma, blue, red = blend.planes(large)
    assert np.abs(luma[::2, ::2].astype(int) - frame()[:32].astype(int)).max() <= 4
    assert set(np.unique(blue)) == set(np.unique(red)) == {140}


@pytest.mark.parametrize("n_channels", [1, 3])
def test_a_network_of_either_kind_enlarges(tmp_path: Path, n_channels: int) -> None:
    large = enlarger(3, network(tmp_path / "x3.onnx", n_channels, 3), "x3.onnx")(frame())
    luma = blend.planes(large)[0]
    assert luma.shape == (96, 120)
    assert np.abs(luma[1::3, 1::3].astype(int) - frame()[:32].astype(int)).max() <= 3


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"n_channels": 3, "factor": 3}, r"wrong\.onnx makes \(1, 3, 96, 120\)"),
        ({"n_channels": 4, "factor": 2}, r"wrong\.onnx takes .* no picture"),
        ({"n_channels": 3, "factor": 2, "side": 64}, r"64x64 only"),
        ({"n_channels": 3, "factor": 2, "inputs": 2}, r"not one picture"),
    ],
)
def test_a_wrong_network_is_named(tmp_path: Path, made: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        enlarger(2, network(tmp_path / "wrong.onnx", **made), "wrong.onnx")


def test_what_is_no_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    with pytest.raises(BadInput, match=r"text\.onnx is no ONNX network"):
        enlarger(2, tmp_path / "text.onnx", "text.onnx")
