"""Tensors out of a torch checkpoint without torch, and without letting its pickle call anything.

Reads the format that `torch.save` wrote before 1.6: five pickles (magic number, protocol, machine, the
object, storage keys), then each storage as an int64 count and raw little-endian values (`_legacy_load` in
torch/serialization.py). Writes safetensors: an 8-byte header length, a JSON header, the values
(https://github.com/huggingface/safetensors#format); with names in order the bytes are always the same.
"""

import json
import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dub.errors import WeightsCorrupt

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001

_DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "|V2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}  # fmt: skip
_SAFETENSORS_DTYPES = {
    "<f4": "F32", "<f8": "F64", "<f2": "F16", "|V2": "BF16", "<i8": "I64", "<i4": "I32", "<i2": "I16", "|i1": "I8",
    "|u1": "U8", "|b1": "BOOL",
}  # fmt: skip
"""numpy has no bfloat16: two bytes that are only carried."""

# What a truncated or forged pickle, header or storage ends in.
MALFORMED = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)


class Storage(NamedTuple):
    dtype: str
    key: str
    n_values: int


@dataclass(frozen=True)
class View:
    """A tensor as the pickle tells it: a strided view into a storage whose values follow later."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor_v2(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_gradient: object
) -> View:
    return View(storage, offset, tuple(shape), tuple(strides))


class TensorUnpickler(pickle.Unpickler):
    """Knows ordered dicts, tensors and storages by name and refuses every other global."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor_v2
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a checkpoint")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _device, n_values, view = pid
        if kind != "storage" or dtype not in _SAFETENSORS_DTYPES or view is not None:
            raise pickle.UnpicklingError(f"persistent id {pid!r} is no plain storage")
        return self.storages.setdefault(key, Storage(dtype, key, n_values))


def read_state_dict(checkpoint: Path, key: str = "model_state") -> dict[str, NDArray[Any]]:
    """The tensors under `key` ("": of the outermost dict) of a pre-1.6 torch checkpoint, contiguous arrays by name.

    Raises WeightsCorrupt, naming the file, where the pickle asks for anything but tensors, or the format
    is another.
    """
    try:
        with checkpoint.open("rb") as file:
            head = [TensorUnpickler(file).load() for _ in range(2)]
            if head != [LEGACY_MAGIC, LEGACY_PROTOCOL]:
                raise pickle.UnpicklingError("not a pre-1.6 torch checkpoint")
            if not TensorUnpickler(file).load()["little_endian"]:
                raise pickle.UnpicklingError("written on a big-endian machine")
            unpickler = TensorUnpickler(file)
            loaded = unpickler.load()
            views: Mapping[str, object] = loaded[key] if key else loaded
            named = {name: view for name, view in views.items() if isinstance(view, View)}
            wanted = {view.storage.key for view in named.values()}
            values_by_key: dict[str, NDArray[Any]] = {}
            for storage_key in TensorUnpickler(file).load():
                values = _read_storage(file, unpickler.storages[storage_key])
                if storage_key in wanted:
                    values_by_key[storage_key] = values
        return {name: materialise(view, values_by_key[view.storage.key]) for name, view in named.items()}
    except MALFORMED as error:
        raise WeightsCorrupt(f"{checkpoint}: {error!r}") from error


def _read_storage(file: BinaryIO, storage: Storage) -> NDArray[Any]:
    (n_values,) = struct.unpack("<q", file.read(8))
    values = np.frombuffer(file.read(storage.n_values * np.dtype(storage.dtype).itemsize), storage.dtype)
    if not n_values == storage.n_values == values.size:
        raise ValueError(f"storage {storage.key} has {values.size} values, {storage.n_values} promised")
    return values


def materialise(view: View, values: NDArray[Any]) -> NDArray[Any]:
    last = view.offset + sum((n - 1) * stride for n, stride in zip(view.shape, view.strides, strict=True))
    if view.offset < 0 or last >= values.size or min((*view.shape, 1)) < 1 or min((*view.strides, 0)) < 0:
        raise ValueError(f"a tensor of shape {view.shape} reaches outside its storage of {values.size}")
    strides = tuple(stride * values.itemsize for stride in view.strides)
    strided = np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, strides, writeable=False)
    return np.ascontiguousarray(strided).reshape(view.shape)


def write_safetensors(tensors: Mapping[str, NDArray[Any]], target: BinaryIO) -> None:
    """Writes arrays in name order."""
    layouts = {name: (array.dtype.newbyteorder("<").str, array.shape) for name, array in tensors.items()}
    write_safetensors_of(layouts, lambda name: tensors[name], target)


def write_safetensors_of(
    layouts: Mapping[str, tuple[str, tuple[int, ...]]], array_of: Callable[[str], NDArray[Any]], target: BinaryIO
) -> None:
    """Writes in name order what `array_of` gives, one array at a time; `layouts`: little-endian dtype and shape."""
    header: dict[str, object] = {}
    offset = 0
    for name in sorted(layouts):
        dtype, shape = layouts[name]
        end = offset + math.prod(shape) * np.dtype(dtype).itemsize
        header[name] = {"dtype": _SAFETENSORS_DTYPES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    target.write(struct.pack("<Q", len(text)) + text)
    for name in sorted(layouts):
        array = array_of(name)
        target.write(array.astype(array.dtype.newbyteorder("<")).tobytes())


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file by name, read-only. Raises WeightsCorrupt where the header lies."""
    numpy_dtypes = {name: dtype for dtype, name in _SAFETENSORS_DTYPES.items()}
    data = path.read_bytes()
    try:
        (n_header,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + n_header])
        header.pop("__metadata__", None)
        values = memoryview(data)[8 + n_header :]
        return {
            name: np.frombuffer(values[slice(*entry["data_offsets"])], numpy_dtypes[entry["dtype"]]).reshape(
                entry["shape"]
            )
            for name, entry in header.items()
        }
    except MALFORMED as error:
        raise WeightsCorrupt(f"{path}: {error!r}") from error
