"""The Dockerfiles and the scripts in the images. No daemon here: the images themselves are not built."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra import INFRA, ROOT, checked

IMAGES = ("cpu", "gpu")


def dockerfile(kind: str) -> str:
    return (INFRA / f"Dockerfile.{kind}").read_text("utf-8")


@pytest.mark.parametrize("kind", IMAGES)
def test_hadolint_finds_nothing(kind: str) -> None:
    checked("hadolint", "--failure-threshold", "style", INFRA / f"Dockerfile.{kind}")


def test_shellcheck_finds_nothing() -> None:
    checked("shellcheck", *sorted(INFRA.glob("*.sh")))


@pytest.mark.parametrize("kind", IMAGES)
def test_what_runs_is_not_root_and_its_base_is_pinned(kind: str) -> None:
    text = dockerfile(kind)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "10001:10001"
    [base] = re.findall(r"^ARG (?:PYTHON|CPU)_IMAGE=(.*)$", text, re.MULTILINE)
    assert ":" in base
    assert not base.endswith(":latest")


def test_the_cpu_image_starts_by_tini_and_ends_in_an_exec() -> None:
    assert 'ENTRYPOINT ["/usr/bin/tini", "--", "sh", "/opt/polydub/app/infra/entrypoint.sh"]' in dockerfile("cpu")
    assert (INFRA / "entrypoint.sh").read_text().rstrip().endswith('exec "$@"')


def test_packages_are_installed_before_our_code_is_copied() -> None:
    text = dockerfile("cpu")
    order = ["system_packages.sh", "COPY pyproject.toml", "uv pip install -r", "models pull", "COPY . .\nRUN uv pip"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    assert "COPY" not in dockerfile("gpu").partition("FROM packages")[0], "the GPU's packages come before any file"


def test_only_what_runs_goes_into_the_image() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    packages = {name.partition(".")[0] for name in re.findall(r'"([a-z.]+)"', (ROOT / "pyproject.toml").read_text())}
    wanted = {line[1:] for line in lines if line.startswith("!")}
    assert {"lang", "dub", "engines", "tasks", "flows", "infra"} <= wanted & packages | {"infra"}
    assert "infra/secrets" in lines


@pytest.mark.parametrize("kind", IMAGES)
def test_the_extras_that_are_baked_in_exist(kind: str) -> None:
    [extras] = re.findall(r'^ARG EXTRAS="(.*)"$', dockerfile(kind), re.MULTILINE)
    project = (ROOT / "pyproject.toml").read_text()
    for extra in extras.split():
        assert f"\n{extra} = [" in project


def test_the_entry_point_links_what_is_baked_and_keeps_what_is_the_users(tmp_path: Path) -> None:
    baked, home = tmp_path / "baked", tmp_path / "home"
    (baked / "models" / "whisper").mkdir(parents=True)
    (baked / "engines").mkdir()
    (home / "engines").mkdir(parents=True)  # the user's own, on the volume
    environment = os.environ | {"POLYDUB_BAKED": str(baked), "POLYDUB_HOME": str(home)}

    def run() -> str:
        return subprocess.run(
            ["sh", INFRA / "entrypoint.sh", "sh", "-c", 'ls "$POLYDUB_HOME/models"'],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    assert run().split() == ["whisper"]
    (baked / "models" / "kokoro").mkdir()  # the next image has one more
    assert run().split() == ["kokoro", "whisper"]
    assert not (home / "engines").is_symlink()
