"""The zip checkpoints of today's torch: real ones written by torch, and hostile ones."""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dub.errors import WeightsCorrupt
from engines.torch_checkpoint import read_safetensors, read_state_dict
from engines.torch_zip import convert_zip, is_zip

torch = pytest.importorskip("torch")


def converted(checkpoint: Path, key: str = "", husks: tuple[str, ...] = ()) -> Path:
    out = checkpoint.with_suffix(".safetensors")
    with out.open("wb") as file:
        convert_zip(checkpoint, file, key, husks)
    return out


def test_what_torch_saved_is_what_safetensors_load(tmp_path: Path) -> None:
    """Views, tied storages, parameters, scalars and every dtype, as torch reads them itself."""
    from safetensors.torch import load_file

    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = OrderedDict(
        whole=base, tied=base, transposed=base.T, row=base[2], corner=base[1:3, 2:5], scalar=torch.tensor(3.5),
        parameter=torch.nn.Parameter(torch.ones(2, 3)), half=torch.randn(5).half(), brain=torch.randn(5).bfloat16(),
        long=torch.arange(5), int=torch.arange(5, dtype=torch.int32), byte=torch.arange(5, dtype=torch.uint8),
        mask=torch.tensor([True, False]),
    )  # fmt: skip
    torch.save(state, tmp_path / "model.bin")
    loaded = load_file(converted(tmp_path / "model.bin"))
    assert set(loaded) == set(state)
    for name, tensor in state.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor.detach())


def test_the_bytes_are_always_the_same(tmp_path: Path) -> None:
    torch.save({"b": torch.ones(3), "a": torch.zeros(2)}, tmp_path / "one.bin")
    torch.save({"a": torch.zeros(2), "b": torch.ones(3)}, tmp_path / "other.bin")
    assert converted(tmp_path / "one.bin").read_bytes() == converted(tmp_path / "other.bin").read_bytes()


def test_a_key_names_the_tensors_and_a_husk_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XTTS keeps its configuration beside the tensors, as an object of its own package."""
    package = types.ModuleType("xtts_like")
    config = type("Config", (), {"__module__": "xtts_like", "__qualname__": "Config"})
    package.Config = config  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xtts_like", package)
    settings: Any = config()
    settings.depth = 3
    torch.save({"model": {"w": torch.ones(3)}, "config": settings}, tmp_path / "model.pth")
    monkeypatch.delitem(sys.modules, "xtts_like")
    with pytest.raises(WeightsCorrupt, match=r"xtts_like\.Config is not allowed"):
        converted(tmp_path / "model.pth", "model")
    tensors = read_safetensors(converted(tmp_path / "model.pth", "model", ("xtts_like",)))
    assert np.array_equal(tensors["w"], np.ones(3, np.float32))
    assert "xtts_like" not in sys.modules


def test_a_checkpoint_of_old_torch_needs_no_key_either(tmp_path: Path) -> None:
    """OPUS-MT's of 2020: the state dict itself, in the format before 1.6, its embeddings under several names."""
    table = torch.arange(12.0).reshape(3, 4)
    torch.save({"shared": table, "encoder": table}, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    assert not is_zip(tmp_path / "old.bin")
    tensors = read_state_dict(tmp_path / "old.bin", "")
    assert np.array_equal(tensors["encoder"], table.numpy())
    assert np.array_equal(tensors["shared"], table.numpy())


def archive(path: Path, pickled: bytes, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        for name, content in members.items():
            file.writestr(f"archive/{name.replace('_', '/')}", content)
    return path


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def test_a_pickle_that_would_act_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for husks in ((), ("os",), ("posix",)):
        bomb = archive(tmp_path / "bomb.bin", pickle.dumps({"w": Bomb()}))
        with pytest.raises(WeightsCorrupt, match=r"bomb\.bin"):
            converted(bomb, "", husks)
    assert not (tmp_path / "exploded").exists()


def _saved(tmp_path: Path) -> zipfile.ZipFile:
    torch.save({"w": torch.arange(6.0)}, tmp_path / "good.bin")
    return zipfile.ZipFile(tmp_path / "good.bin")


@pytest.mark.parametrize(
    "fault", ["short storage", "no storage", "big-endian", "two pickles", "cut", "no tensors", "compressed"]
)
def test_a_malformed_archive_is_refused(tmp_path: Path, fault: str) -> None:
    good = {name.partition("/")[2]: content for name, content in _members(_saved(tmp_path)).items()}
    if fault == "short storage":
        good["data/0"] = good["data/0"][:-4]
    elif fault == "no storage":
        del good["data/0"]
    elif fault == "big-endian":
        good["byteorder"] = b"big"
    elif fault == "two pickles":
        good["more/data.pkl"] = good["data.pkl"]
    elif fault == "no tensors":
        good["data.pkl"] = pickle.dumps({"epoch": 3})
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if fault == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in good.items():
            file.writestr(f"archive/{name}", content)
    content = buffer.getvalue()
    (tmp_path / "bad.bin").write_bytes(content[: len(content) // 2] if fault == "cut" else content)
    with pytest.raises(WeightsCorrupt, match=r"bad\.bin"):
        converted(tmp_path / "bad.bin")


def _members(file: zipfile.ZipFile) -> dict[str, bytes]:
    return {name: file.read(name) for name in file.namelist()}
