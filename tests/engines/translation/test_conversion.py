"""Conversion refuses what is no safe, whole checkpoint, before any model library is imported."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineFailed
from engines.translation.conversion import convert
from tests.engines.translation import tiny_checkpoints

for library in ("ctranslate2", "sentencepiece", "torch", "transformers"):
    pytest.importorskip(library, reason="needs the studio extra")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OPUS-MT checkpoint, untaught: what it says does not matter here."""
    return tiny_checkpoints.marian(tmp_path_factory.mktemp("hub") / "opus", {"de": ""}, n_steps=1)


@pytest.fixture
def checkpoint(made: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    place = tmp_path / "checkpoint"
    place.mkdir()
    for file in made.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    return place


def test_the_folder_holds_model_and_tokenizer_and_has_the_same_bytes_each_time(
    checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "two").mkdir()
    for name in ("one", "two"):  # into a new folder, and into an empty one
        convert(checkpoint, tmp_path / name, "int8")
    digests = [
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted((tmp_path / name).iterdir())}
        for name in ("one", "two")
    ]
    assert digests[0] == digests[1]
    assert {"model.bin", "config.json", "source.spm", "target.spm"} < set(digests[0])
    convert(checkpoint, tmp_path / "exact", "float32")
    assert (tmp_path / "exact" / "model.bin").stat().st_size > (tmp_path / "one" / "model.bin").stat().st_size
    assert not list(tmp_path.glob(".converting-*"))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("pytorch_model.bin", "", r"holds pytorch_model\.bin, a pickle"),
        ("config.json", None, r"no transformers checkpoint.*config\.json"),
        ("config.json", "{}", r"no transformers checkpoint.*model_type"),
        ("config.json", '{"model_type": "bert"}', r"of type 'bert'\n.*m2m_100, t5, marian"),
        ("target.spm", None, r"no tokenizer\n.*source\.spm and target\.spm"),
        ("model.safetensors", None, r"has no \*\.safetensors"),
    ],
)
def test_what_is_no_whole_safe_checkpoint_is_refused_by_name(
    checkpoint: Path, tmp_path: Path, file: str, content: str | None, says: str
) -> None:
    if content is None:
        (checkpoint / file).unlink()
    else:
        (checkpoint / file).write_text(content)
    with pytest.raises(BadInput, match=says):
        convert(checkpoint, tmp_path / "out", "int8")
    assert not (tmp_path / "out").exists()


def test_a_broken_model_leaves_nothing_behind(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no quantization 'int3'\n.*int8"):
        convert(checkpoint, tmp_path / "out", "int3")
    (checkpoint / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(EngineFailed, match="cannot be converted"):
        convert(checkpoint, tmp_path / "out", "int8")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".converting-*"))
