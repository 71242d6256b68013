"""The command line: quick to help, clear when it refuses."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.cli import EXIT_BAD_INPUT, main


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from flows.cli import build_parser; build_parser().format_help();"
        "heavy = {'prefect','numpy','pydantic','torch','onnxruntime','cv2','rich','langcodes'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    best_s = 9.0
    for _ in range(3):
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        best_s = min(best_s, time.monotonic() - started)
        assert done.returncode == 0, f"--help imports {done.stderr}"
    assert best_s < 0.5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dub", "no-such.mp4", "--to", "es"], "does not exist"),
        (["dub", "no-such.mp4", "--to", "qqq"], "qqq"),
        (["dub", "no-such.mp4", "--to", ","], "--to"),
        (["dub", "no-such.mp4", "--to", "es", "--script", "es"], "LOCALE=FILE"),
    ],
)
def test_bad_input_names_the_thing_and_the_mend(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert "mend" in error


def test_each_module_imports_on_its_own() -> None:
    """No import order hides a cycle; heavy libraries wait for load()."""
    root = Path(__file__).resolve().parents[2]
    modules = [
        str(path.relative_to(root).with_suffix("")).replace("/", ".")
        for room in ("lang", "dub", "engines")
        for path in sorted((root / room).rglob("*.py"))
        # The workers are scripts of other environments; vits_control derives from a class of torch.
        if path.name not in ("__init__.py", "vits_control.py") and path.parent.name != "workers"
    ]
    program = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "heavy = {'prefect','torch','onnxruntime','mediapipe','ctranslate2','faster_whisper','cv2'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
