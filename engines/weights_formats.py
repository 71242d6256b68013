"""Is a file that came from a hub what its name says? Looked at before anything loads it."""

import json
import struct
from pathlib import Path

from dub.errors import WeightsCorrupt

_MOST_HEADER_BYTES = 100_000_000
"""The limit of the safetensors format."""
_PICKLE_HEADS = (b"\x80", b"PK\x03\x04", b"(", b"c", b"]", b"}")
"""Protocol 2 and later; the zip that torch.save makes since 1.6; the opcodes that protocols 0 and 1 begin with."""
_TEXT_SUFFIXES = {".txt", ".jinja", ".tiktoken"}


def require_format(path: Path) -> None:
    """Raises WeightsCorrupt for a file whose first bytes are not those of the format that its name tells."""
    if not _is_right(path):
        raise WeightsCorrupt(
            f"{path.name} is not what its name says: it may be a pickle, which runs code when it is read",
            mend="do not use this repository or mirror",
        )


def _is_right(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(64)
    match path.suffix:
        case ".safetensors":
            return _is_safetensors(path)
        case ".json":
            return _is_json(path)
        case ".bin":
            return _is_ctranslate2(head)
        case suffix:
            return suffix in _TEXT_SUFFIXES or not head.startswith(_PICKLE_HEADS)


def _is_safetensors(path: Path) -> bool:
    """An 8-byte length, then that many bytes of JSON that name tensors (github.com/huggingface/safetensors#format)."""
    with path.open("rb") as file:
        length = file.read(8)
        if len(length) < 8 or not 2 <= (n_header := struct.unpack("<Q", length)[0]) <= _MOST_HEADER_BYTES:
            return False
        try:
            return isinstance(json.loads(file.read(n_header)), dict)
        except ValueError:
            return False


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _is_ctranslate2(head: bytes) -> bool:
    """Format version (uint32, 6 in 2026), then the model's name as uint16 length and a zero-ended string."""
    if len(head) < 8:
        return False
    version, n_name = struct.unpack_from("<IH", head)
    name = head[6 : 6 + n_name]
    return 1 <= version < 256 and 1 < n_name <= 58 and name.endswith(b"\0") and name[:-1].isalnum()
