"""A checkpoint on a hub, published as NLLB is (torch's pickle and a tokenizer), pulled, converted and run."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dub.errors import EngineUnavailable, WeightsCorrupt, WeightsMissing
from engines import weights, weights_lock
from engines.weights_lock import read_lock
from lang.bcp47 import Locale
from tests.engines.local_hub import COMMIT, LocalHub, serving

torch = pytest.importorskip("torch")
pytest.importorskip("ctranslate2")
pytest.importorskip("transformers")

MODEL = "nllb-200-distilled-600m"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An NLLB of few weights that was taught a lexicon: what the hub serves, by file."""
    from safetensors.torch import load_file

    from engines.translation.nllb import CODES
    from tests.engines.translation import tiny_checkpoints

    folder = tiny_checkpoints.nllb(tmp_path_factory.mktemp("made") / "nllb", {"es": CODES[Locale("es")]})
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.encoder.embed_tokens.weight"] = tensors["model.shared.weight"]
    torch.save(tensors, folder / "pytorch_model.bin")
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "pytorch_model.bin")
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture
def hub(checkpoint: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path))
    monkeypatch.setattr(weights_lock, "LOCK_FILE", tmp_path / "project.lock")
    with serving(LocalHub(dict(checkpoint))) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        write_lock(server)
        yield server


def write_lock(hub: LocalHub, quantization: str = "int8", *, digest: str = "") -> None:
    def known(name: str) -> str:
        content = hub.files[name]
        return f'n_bytes = {len(content)}, sha256 = "{hashlib.sha256(content).hexdigest()}"'

    pickled = known("pytorch_model.bin") if not digest else f'n_bytes = 1000000, sha256 = "{digest}"'
    plain = [f'files."{name}" = {{ {known(name)} }}' for name in hub.files if name.endswith(".json")]
    lines = [
        "schema_version = 1", f'[models."{MODEL}"]', 'family = "translation"', 'licence = "CC-BY-NC-4.0"',
        'origin = "made in a test"', 'hub = "facebook/nllb"', f'revision = "{COMMIT}"',
        f'convert = {{ to = "ctranslate2", quantization = "{quantization}" }}', *plain,
        'files."model.safetensors" = { n_bytes = 1000000, sha256 = "unknown", '
        f'converted_from = {{ file = "pytorch_model.bin", {pickled} }} }}',
    ]  # fmt: skip
    weights_lock.LOCK_FILE.write_text("\n".join(lines))


def pull(*, trust_first: bool = False) -> Path:
    weights.pull([MODEL], lambda *_: None, trust_first=trust_first)
    return weights.folder(MODEL)


def test_what_was_pulled_translates(hub: LocalHub) -> None:
    from engines.translation import nllb

    with pytest.raises(WeightsMissing, match=f"models pull {MODEL}"):
        weights.folder(MODEL)
    before = read_lock()[MODEL].digest
    folder = pull()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.bin", "pulled.json", "shared_vocabulary.json", "tokenizer.json",
    ]  # fmt: skip
    record = json.loads((folder / "pulled.json").read_text())
    assert record["conversion"] == "ctranslate2 int8"
    assert "ctranslate2 4" in record["made_with"]
    assert set(record["fetched"]) == {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}
    weights.verify(MODEL)
    assert read_lock()[MODEL].digest == before  # of the lock alone: the same on a machine that has not pulled
    assert sorted(path.name for path in folder.parent.iterdir()) == [".pull.lock", MODEL]
    engine = nllb.load(device="cpu", n_threads=1)
    assert engine.translate(["house dog."], Locale("en"), Locale("es")) == ["housees doges."]


def test_another_quantization_is_another_model(hub: LocalHub) -> None:
    pull()
    first = read_lock()[MODEL].digest
    write_lock(hub, "float32")
    assert read_lock()[MODEL].digest != first
    with pytest.raises(WeightsMissing, match="wanted is ctranslate2 float32, there is ctranslate2 int8"):
        weights.folder(MODEL)
    pull()
    weights.verify(MODEL)


def test_a_converted_file_that_changed_is_made_anew(hub: LocalHub) -> None:
    model = pull() / "model.bin"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(WeightsCorrupt, match=r"model\.bin: sha256"):
        weights.folder(MODEL)
    pull()
    weights.verify(MODEL)


def test_the_checkpoints_digest_is_enforced(hub: LocalHub) -> None:
    hub.files["pytorch_model.bin"] = hub.files["pytorch_model.bin"][:-1] + b"!"
    with pytest.raises(WeightsCorrupt, match="sha256"):
        pull()
    assert not (weights.models_root() / MODEL).exists()


def test_an_unknown_checkpoint_is_recorded_and_held_to(hub: LocalHub) -> None:
    write_lock(hub, digest="unknown")
    pull(trust_first=True)
    first = read_lock()[MODEL].digest
    (weights.folder(MODEL) / "model.bin").write_bytes(b"")
    trusted = hub.files["pytorch_model.bin"]
    hub.files["pytorch_model.bin"] = other(trusted)
    with pytest.raises(WeightsCorrupt, match=r"^model\.safetensors: sha256"):
        pull(trust_first=True)
    hub.files["pytorch_model.bin"] = trusted
    pull()
    assert read_lock()[MODEL].digest == first


def other(content: bytes) -> bytes:
    """The same checkpoint with one bias moved."""
    tensors = torch.load(io.BytesIO(content), weights_only=True)
    tensors["model.decoder.layer_norm.bias"] += 1.0
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def test_without_the_studio_extra_the_mend_is_told_and_what_came_is_kept(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        with pytest.raises(EngineUnavailable, match=r"torch(.|\n)*\.\[studio\]"):
            pull()
    assert not (weights.models_root() / MODEL).exists()
    hub.n_sent = 0
    pull()
    assert hub.n_sent == 0
