"""Reading tensors out of a torch pickle that may be hostile."""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dub.errors import WeightsCorrupt
from engines.torch_checkpoint import (
    LEGACY_MAGIC,
    LEGACY_PROTOCOL,
    read_safetensors,
    read_state_dict,
    write_safetensors,
)

VALUES = np.arange(12, dtype=np.float32)


class Named:
    """Pickles as a global of the given name, which need not exist here."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Storage:
    def __init__(self, key: str, n_values: int) -> None:
        self.key, self.n_values = key, n_values


class Call:
    def __init__(self, function: Named, *arguments: object) -> None:
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):  # the Python one: its opcodes can be written by hand
    """Writes what `torch.save` before 1.6 wrote, and, unlike it, anything a forger would."""

    def persistent_id(self, thing: object) -> object:
        if isinstance(thing, Storage):
            return ("storage", Named("torch", "FloatStorage"), thing.key, "cuda:0", thing.n_values, None)
        return None

    def save(self, thing: Any, save_persistent_id: bool = True) -> None:
        if isinstance(thing, Named):
            self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(thing, save_persistent_id)


def tensor(key: str, n_values: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Call:
    rebuild = Named("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, Storage(key, n_values), offset, shape, strides, False, OrderedDict())


def write_checkpoint(path: Path, model_state: object, storages: dict[str, np.ndarray] | None = None) -> Path:
    storages = {"1": VALUES} if storages is None else storages
    file = io.BytesIO()
    sizes = {"protocol_version": LEGACY_PROTOCOL, "little_endian": True, "type_sizes": {}}
    content = {"step": 7, "model_state": model_state}
    for thing in (LEGACY_MAGIC, LEGACY_PROTOCOL, sizes, content, list(storages)):
        Writer(file, protocol=2).dump(thing)
    for values in storages.values():
        file.write(struct.pack("<q", values.size) + values.tobytes())
    path.write_bytes(file.getvalue())
    return path


def test_tensors_are_read_as_the_views_they_are(tmp_path: Path) -> None:
    state = {
        "plain": tensor("1", 12, 0, (3, 4), (4, 1)),
        "transposed": tensor("1", 12, 2, (2, 3), (1, 2)),
        "scalar": tensor("1", 12, 5, (), ()),
        "not a tensor": 3,
    }
    storages = {"unused": np.zeros(5, np.float32), "1": VALUES}
    state["other"] = tensor("unused", 5, 0, (5,), (1,))
    tensors = read_state_dict(write_checkpoint(tmp_path / "model.pt", state, storages))
    assert set(tensors) == {"plain", "transposed", "scalar", "other"}
    np.testing.assert_array_equal(tensors["plain"], VALUES.reshape(3, 4))
    np.testing.assert_array_equal(tensors["transposed"], [[2, 4, 6], [3, 5, 7]])
    assert tensors["scalar"].shape == ()
    assert tensors["scalar"] == 5


def test_a_pickle_that_would_call_something_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    hostile = Call(Named(os.system.__module__, "system"), f"touch {tmp_path / 'called'}")
    for state in ({"weight": hostile}, hostile, {"weight": Call(Named("builtins", "eval"), "1")}):
        with pytest.raises(WeightsCorrupt, match=r"model\.pt.*not allowed"):
            read_state_dict(write_checkpoint(tmp_path / "model.pt", state))
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    "bad",
    [
        tensor("1", 12, 0, (13,), (1,)),
        tensor("1", 12, 9, (2, 2), (2, 2)),
        tensor("1", 12, -1, (2,), (1,)),
        tensor("1", 12, 11, (2,), (-1,)),
        tensor("1", 99, 0, (2,), (1,)),
        tensor("gone", 12, 0, (2,), (1,)),
    ],
)
def test_a_view_outside_its_storage_is_refused(tmp_path: Path, bad: Call) -> None:
    with pytest.raises(WeightsCorrupt, match=r"model\.pt"):
        read_state_dict(write_checkpoint(tmp_path / "model.pt", {"weight": bad}))


def test_a_cut_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "model.pt", {"plain": tensor("1", 12, 0, (3, 4), (4, 1))})
    whole = path.read_bytes()
    for end in range(0, len(whole), 3):
        path.write_bytes(whole[:end])
        with pytest.raises(WeightsCorrupt):
            read_state_dict(path)


def test_safetensors_come_back_as_they_were_and_always_in_the_same_bytes(tmp_path: Path) -> None:
    tensors = {"b": VALUES.reshape(3, 4), "a": np.array([1, 2, 3], np.int64), "c": np.float32(2.5).reshape(())}
    written = []
    for names in (["b", "a", "c"], ["c", "a", "b"]):
        with (tmp_path / "x.safetensors").open("wb") as file:
            write_safetensors({name: tensors[name] for name in names}, file)
        written.append((tmp_path / "x.safetensors").read_bytes())
    assert written[0] == written[1]
    read = read_safetensors(tmp_path / "x.safetensors")
    assert set(read) == set(tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
    (tmp_path / "x.safetensors").write_bytes(written[0][:-5])
    with pytest.raises(WeightsCorrupt, match=r"x\.safetensors"):
        read_safetensors(tmp_path / "x.safetensors")
