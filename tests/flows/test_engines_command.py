"""`polydub engines`, on a worker that needs no package."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import worker_venv
from flows.cli import EXIT_BAD_INPUT, EXIT_OK, main


@pytest.fixture(autouse=True)
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYDUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(worker_venv, "REQUIREMENTS", tmp_path)
    path = tmp_path / "xtts.txt"
    path.write_text("# nothing\n\n# alone: nothing either\n")
    return path


def test_an_unknown_name_is_told_before_anything_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "install", "xtts", "festival"]) == EXIT_BAD_INPUT
    assert "one of: xtts" in capsys.readouterr().err
    assert not worker_venv.folder_of("xtts").exists()


def test_what_is_pinned_alone_is_installed_without_what_it_declares_and_is_listed(
    requirements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engines", "list"]) == EXIT_OK
    assert "not installed: polydub engines install xtts" in capsys.readouterr().out
    package = requirements.parent / "wanting"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "made"\nbackend-path = ["."]\n'
        '[project]\nname = "wanting"\nversion = "1"\ndependencies = ["polydub-no-such-package==1"]\n'
    )
    (package / "made.py").write_text(
        "import pathlib, zipfile\n"
        "def build_wheel(folder, *_):\n"
        "    name = 'wanting-1-py3-none-any.whl'\n"
        "    metadata = 'Metadata-Version: 2.1\\nName: wanting\\nVersion: 1\\n'\n"
        "    metadata += 'Requires-Dist: polydub-no-such-package==1\\n'\n"
        "    wheel = 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'\n"
        "    with zipfile.ZipFile(pathlib.Path(folder) / name, 'w') as file:\n"
        "        file.writestr('wanting.py', '')\n"
        "        file.writestr('wanting-1.dist-info/METADATA', metadata)\n"
        "        file.writestr('wanting-1.dist-info/WHEEL', wheel)\n"
        "        file.writestr('wanting-1.dist-info/RECORD', '')\n"
        "    return name\n"
    )
    requirements.write_text(f"# alone: installed without what they declare\n{package}\n")
    assert main(["engines", "install", "xtts"]) == EXIT_OK
    assert "xtts: installed" in capsys.readouterr().out
    assert list(worker_venv.folder_of("xtts").glob("lib/*/site-packages/wanting.py"))
    assert main(["engines", "list"]) == EXIT_OK
    assert str(worker_venv.folder_of("xtts")) in capsys.readouterr().out
