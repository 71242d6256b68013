"""What every voice engine says of itself, before anything heavy is imported."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from dub.errors import BadInput, EngineUnavailable
from engines import registry, weights, worker_venv
from engines.spec import EngineSpec
from flows.preflight import choose, find_voice, read_plan
from lang.bcp47 import Locale
from lang.registry import language

SPECS = [spec for (family, _), spec in sorted(registry.specs().items()) if family == "tts" and not spec.is_toy]
IN_WORKERS = [spec for spec in SPECS if spec.worker]


def _by_id(spec: EngineSpec) -> str:
    return spec.id


@pytest.fixture(params=SPECS, ids=_by_id)
def spec(request: pytest.FixtureRequest) -> EngineSpec:
    found: EngineSpec = request.param
    return found


def test_its_locales_are_of_the_registry(spec: EngineSpec) -> None:
    assert spec.locales
    for locale in spec.locales:
        assert language(locale).locale.language == locale.language


def test_its_licences_say_what_its_class_says(spec: EngineSpec) -> None:
    is_noncommercial = any(mark in spec.weights_licence for mark in ("NC", "CPML"))
    assert is_noncommercial == (spec.licence_class == "noncommercial")
    assert ("GPL" in spec.code_licence) == (spec.licence_class == "copyleft")
    if spec.weights or spec.models:
        assert spec.weights_licence != "none"
        lock = weights.read_lock()
        for model in (*spec.weights, *spec.models):
            assert lock[model].family == "tts"
            if not spec.models:
                assert lock[model].licence == spec.weights_licence


def test_what_it_needs_is_named(spec: EngineSpec) -> None:
    assert spec.worker or (spec.extra and spec.packages)
    if spec.worker:
        assert spec.worker in worker_venv.names()
        assert not spec.packages
    assert isinstance(spec.capabilities["phoneme_times"], bool)
    assert not spec.capabilities.get("clones") or spec.capabilities.get("fits_voices")
    assert set(spec.model_of_locale) in (set(), set(spec.locales or ()))
    assert set(spec.model_of_locale.values()) == (set(spec.models) if spec.model_of_locale else set())


@pytest.mark.parametrize("spec", IN_WORKERS, ids=_by_id)
def test_a_missing_environment_is_told_before_any_work_with_its_mend(
    spec: EngineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=f"polydub engines install {spec.worker}$"):
        choose("tts", spec.id, {})
    plan = read_plan("embedded").model_copy(update={"tts": (spec.id,), "policy": "any"})
    with pytest.raises(EngineUnavailable, match=f"polydub engines install {spec.worker}$"):
        find_voice(plan, min(spec.locales or ()))
    # With the environment there, what is missing next is the weights.
    folder = worker_venv.folder_of(spec.worker)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "polydub-requirements.sha256").write_text(worker_venv.digest(spec.worker))
    with pytest.raises(EngineUnavailable, match=r"polydub models pull"):
        find_voice(plan, min(spec.locales or ()))
    shutil.rmtree(folder)


@pytest.mark.parametrize("spec", IN_WORKERS, ids=_by_id)
def test_other_versions_of_its_packages_are_another_engine(
    spec: EngineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = spec.fingerprint()
    assert spec.fingerprint() == before
    requirements = worker_venv.REQUIREMENTS / f"{spec.worker}.txt"
    (tmp_path / requirements.name).write_text(requirements.read_text().replace("torch==2.13.0", "torch==2.14.0"))
    monkeypatch.setattr(worker_venv, "REQUIREMENTS", tmp_path)
    assert spec.fingerprint() != before


@pytest.mark.parametrize("spec", IN_WORKERS, ids=_by_id)
def test_every_requirement_of_an_environment_is_pinned(spec: EngineSpec) -> None:
    text = (worker_venv.REQUIREMENTS / f"{spec.worker}.txt").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 10
    assert not [line for line in lines if line.count("==") != 1 or "+" in line or "@" in line]


def test_a_policy_shuts_out_what_may_not_be_sold() -> None:
    allowed = {spec.id for spec in SPECS if spec.licence_class == "permissive"}
    assert "chatterbox" in allowed
    for engine_id in ("mms", "xtts", "omnivoice"):
        assert engine_id not in allowed
        with pytest.raises(BadInput, match="noncommercial"):
            choose("tts", engine_id, {}, policy="permissive")


def test_no_library_is_imported_to_find_the_engines() -> None:
    import subprocess

    script = "import sys; from engines import registry; registry.specs(); print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "'engines.tts.mms'" in found
    for library in ("torch", "transformers", "soxr", "uroman", "onnxruntime"):
        assert f"'{library}'" not in found


def test_the_locale_of_an_engines_own_model_follows_its_region() -> None:
    mms = registry.spec("tts", "mms")
    assert mms.options_for(Locale("pt-BR"), {}) == {"model": "mms-tts-por"}
    assert mms.options_for(Locale("uz"), {}) == {"model": "mms-tts-uzb-script_cyrillic"}  # it has no Latin one
    assert mms.options_for(Locale("pt-BR"), {"model": "mms-tts-spa"}) == {"model": "mms-tts-spa"}
    assert registry.spec("tts", "espeak").options_for(Locale("pt-BR"), {"a": 1}) == {"a": 1}
