"""The CTranslate2 engines over tiny checkpoints of the real architectures: converted, pulled by the lock, loaded, run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engines import registry, weights, weights_lock
from engines.translation import nllb
from engines.translation.conversion import convert
from engines.translation.ctranslate2_translator import CTranslate2Translator
from lang.bcp47 import Locale
from tests.engines.translation import tiny_checkpoints
from tests.engines.translation.tiny_checkpoints import said

for library in ("ctranslate2", "torch", "transformers"):
    pytest.importorskip(library, reason="needs the studio extra")

EN, ES, FR, JA, DOI = map(Locale, ("en", "es", "fr", "ja", "doi"))
TAUGHT = {ES: "es", FR: "fr", JA: "ja"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A $POLYDUB_HOME and a models.lock of its own, in which the tiny models have the real ones' ids."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYDUB_HOME", str(place))
        patch.setattr(weights_lock, "LOCK_FILE", place / "project.lock")
        (place / "project.lock").write_text("schema_version = 1\n")
        yield place


Publish = Callable[[Path, str], None]


@pytest.fixture(scope="module")
def publish(home: Path) -> Publish:
    """Takes a folder into the lock under an id, by digest, and pulls it."""

    def publish(folder: Path, model_id: str) -> None:
        rows = [f'[models."{model_id}"]', 'family = "translation"', 'licence = "MIT"', 'origin = "made in a test"']
        for file in sorted(folder.iterdir()):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            rows += [f'[models."{model_id}".files."{file.name}"]', f'sha256 = "{digest}"']
            rows += [f"n_bytes = {file.stat().st_size}", f'sources = [[{{ path = "{file}" }}]]']
        with (home / "project.lock").open("a") as lock:
            lock.write("\n".join(rows) + "\n")
        weights.pull([model_id], lambda *_: None)

    return publish


@pytest.fixture(scope="module")
def nllb_model(tmp_path_factory: pytest.TempPathFactory, publish: Publish) -> Path:
    """The checkpoint; converted, it is pulled as the smallest NLLB."""
    place = tmp_path_factory.mktemp("nllb")
    checkpoint = tiny_checkpoints.nllb(place / "hub", {code: nllb.CODES[locale] for locale, code in TAUGHT.items()})
    convert(checkpoint, place / "converted", "int8")
    publish(place / "converted", nllb.MODELS[0])
    return checkpoint


@pytest.fixture
def engine(nllb_model: Path) -> CTranslate2Translator:
    loaded: CTranslate2Translator = registry.load("translation", "nllb", n_threads=1)
    return loaded


LINES = ["house dog.", "", "water", "red dog runs.  house sees dog.", "…", "dog " * 4, "sees\nwater."]


@pytest.mark.parametrize(("target", "ending"), TAUGHT.items())
def test_the_code_of_each_language_is_obeyed(engine: CTranslate2Translator, target: Locale, ending: str) -> None:
    answers = engine.translate(LINES, EN, target)
    between = "" if target == JA else " "
    assert answers == [
        said("house dog.", ending),
        "",
        said("water", ending),
        said("red dog runs.", ending) + between + said("house sees dog.", ending),
        "…",
        said("dog dog dog dog", ending),
        said("sees water.", ending),
    ]
