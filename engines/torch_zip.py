"""The zip that `torch.save` writes since 1.6, made into safetensors without torch and without letting its pickle act.

The archive holds `<name>/data.pkl`, the object with its tensors as references, and `<name>/data/<key>`, the raw values
of each storage (`torch/serialization.py`, `_save`). Values are copied tensor by tensor: a checkpoint of gigabytes takes
the memory of its largest tensor.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dub.errors import WeightsCorrupt
from engines.torch_checkpoint import MALFORMED, Storage, TensorUnpickler, View, materialise, write_safetensors_of

_LITTLE = b"little"


class _Husk:
    """Stands for an object of a package named in `husks`: takes whatever the pickle gives it, and does nothing."""

    def __init__(self, *_arguments: object, **_more: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


class _ZipUnpickler(TensorUnpickler):
    """As TensorUnpickler; a class of a package in `husks` is read as an empty object, never imported."""

    def __init__(self, file: Any, husks: tuple[str, ...]) -> None:
        super().__init__(file)
        self._husks = husks

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] in self._husks:
            return _Husk
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Storage:
        return super().persistent_load((*pid, None))  # the zip's references have no view


def _rebuild_parameter(tensor: View, *_gradient: object) -> View:
    return tensor


def is_zip(checkpoint: Path) -> bool:
    return zipfile.is_zipfile(checkpoint)


def convert_zip(checkpoint: Path, out: BinaryIO, key: str = "", husks: tuple[str, ...] = ()) -> None:
    """Writes the tensors under `key` ("": those of the outermost dict) as safetensors, in name order.

    Raises WeightsCorrupt, naming the file, where the pickle asks for anything but tensors or the format is another.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            views, folder = _views(archive, key, husks)
            write_safetensors_of(
                {name: (view.storage.dtype, view.shape) for name, view in views.items()},
                lambda name: materialise(views[name], _values(archive, folder, views[name].storage)),
                out,
            )
    except (*MALFORMED, zipfile.BadZipFile, NotImplementedError) as error:
        raise WeightsCorrupt(f"{checkpoint}: {error!r}") from error


def _views(archive: zipfile.ZipFile, key: str, husks: tuple[str, ...]) -> tuple[Mapping[str, View], str]:
    """The tensors by name, and the folder of the archive that holds their values."""
    [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    folder = pickled.removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder").strip() != _LITTLE:
        raise ValueError("written on a big-endian machine")
    with archive.open(_stored(archive, pickled)) as file:
        loaded = _ZipUnpickler(file, husks).load()
    found = loaded[key] if key else loaded
    views = {name: view for name, view in found.items() if isinstance(view, View)}
    if not views:
        raise ValueError(f"no tensors under {key!r}")
    return views, folder


def _values(archive: zipfile.ZipFile, folder: str, storage: Storage) -> NDArray[Any]:
    member = _stored(archive, f"{folder}data/{storage.key}")
    if member.file_size != storage.n_values * np.dtype(storage.dtype).itemsize:
        raise ValueError(f"storage {storage.key} has {member.file_size} bytes, {storage.n_values} values are promised")
    return np.frombuffer(archive.read(member), storage.dtype)


def _stored(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """A member that is not compressed, as torch writes all: one that is could inflate without end."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    return member
