"""Tiny checkpoints where the real ones would lie: under their ids, by a models.lock of the tests' own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dub.errors import LanguageNotSupported
from engines import weights, weights_lock
from engines.translation.contract import Translator
from lang.bcp47 import Locale


def keeps_the_contract(engine: Translator, source: Locale, target: Locale, lines: Sequence[str]) -> None:
    """engines/translation/contract.py. `lines`: the first has words, the second is empty, one has no letters."""
    answers = engine.translate(lines, source, target)
    assert [bool(answer.strip()) for answer in answers] == [bool(line.strip()) for line in lines]
    assert not any("\n" in answer for answer in answers)
    assert engine.translate(lines, source, target) == answers, "the same every time"
    assert engine.translate(lines[2:], source, target) == answers[2:], "a line's neighbours do not change it"
    assert engine.translate(lines[::-1], source, target) == answers[::-1], "in order"
    assert engine.translate([], source, target) == []
    assert (source, target) in engine.routes()
    assert all(one != other for one, other in engine.routes())
    with pytest.raises(LanguageNotSupported):
        engine.translate(lines[:1], source, Locale("tlh"))


Publish = Callable[[Path, str, str], None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A $POLYDUB_HOME, and the only models.lock there is: at first without a model."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYDUB_HOME", str(place))
        patch.setattr(weights_lock, "LOCK_FILE", place / "project.lock")
        (place / "project.lock").write_text("schema_version = 1\n")
        yield place


@pytest.fixture(scope="module")
def publish(home: Path) -> Publish:
    """(checkpoint folder, model id, quantization or "") takes it into the lock, file by file, and pulls it: converted
    for CTranslate2 where a quantization is given."""

    def publish(checkpoint: Path, model_id: str, quantization: str) -> None:
        rows = [f'[models."{model_id}"]', 'family = "translation"', 'licence = "MIT"', 'origin = "made in a test"']
        if quantization:
            rows.append(f'convert = {{ to = "ctranslate2", quantization = "{quantization}" }}')
        for file in sorted(checkpoint.iterdir()):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            rows += [f'[models."{model_id}".files."{file.name}"]', f'sha256 = "{digest}"']
            rows += [f"n_bytes = {file.stat().st_size}", f'sources = [[{{ path = "{file}" }}]]']
        with (home / "project.lock").open("a") as lock:
            lock.write("\n".join(rows) + "\n")
        weights.pull([model_id], lambda *_: None)

    return publish
