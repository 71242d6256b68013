"""`polydub redub`: one line said in other words, everything else remembered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from dub.artifact import sha256_of
from dub.errors import BadInput
from dub.lips import LipSync, RenderedPart
from dub.plan import Job
from dub.stage import Outcome
from flows.cli import EXIT_BAD_INPUT, EXIT_DUB_FAILED, EXIT_OK, main
from flows.dub_title import dub_title
from flows.redub_line import _share_of_frames
from flows.title_files import write_job
from lang.bcp47 import Locale
from tasks.policy import Ran
from tests.dub import dubs
from tests.flows.test_dub_title import TOY, script, talk  # noqa: F401  (fixtures)

TOYS_FAIL = EXIT_DUB_FAILED
"""Nobody understands a tone: the report of every toy dub is a failed one."""


def toy_job(talk: Path, script: Path, folder: Path) -> Job:  # noqa: F811
    """Two lines into two languages, by toys."""
    return Job.model_validate(
        {
            "source": talk, "targets": ["es", "fr"], "out": folder / "out", "store": folder / "store",
            "profile": TOY, "source_locale": "en", "scripts": {"en": script},
        }
    )  # fmt: skip


def copied(job: Job, folder: Path) -> Job:
    """A title's folder and its store, for one test alone."""
    for name in ("out", "store"):
        shutil.copytree(getattr(job, name), folder / name)
    own = job.model_copy(update={"out": folder / "out", "store": folder / "store"})
    write_job(own, "talk")
    return own


@pytest.fixture(scope="module")
def dubbed_once(talk: Path, script: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:  # noqa: F811
    job = toy_job(talk, script, tmp_path_factory.mktemp("dubbed"))
    dub_title(job)
    return job


@pytest.fixture
def dubbed(dubbed_once: Job, tmp_path: Path) -> Job:
    return copied(dubbed_once, tmp_path)


def redub(job: Job, *options: str, locale: str = "es") -> int:
    return main(["redub", "talk", "--out", str(job.out), "--locale", locale, *options])


def spoken(job: Job, locale: str = "es") -> list[str]:
    return [line["text"] for line in json.loads((job.out / f"talk.{locale}.script.json").read_text())["lines"]]


def memo(job: Job) -> dict[str, set[str]]:
    """Records by stage."""
    found: dict[str, set[str]] = {}
    for path in Path(str(job.store), "memo").rglob("*.json"):
        found.setdefault(path.parent.name, set()).add(path.name)
    return found


def test_one_line_means_one_take_and_all_else_is_remembered(dubbed: Job, capsys: pytest.CaptureFixture[str]) -> None:
    before, made = memo(dubbed), {path.name: sha256_of(path) for path in dubbed.out.iterdir()}
    assert redub(dubbed, "--line", "2", "--text", "Esta es una bomba.") == TOYS_FAIL
    assert spoken(dubbed) == ["⟦es⟧ Good morning everybody.", "Esta es una bomba."]
    new = {stage: n_new for stage, keys in memo(dubbed).items() if (n_new := len(keys - before.get(stage, set())))}
    per_locale = (
        "correct_translation", "speak", "fit", "mix", "plan_lips", "subtitle", "remux", "hear_words", "takes_quality",
        "review", "report",
    )  # fmt: skip
    assert set(new) == {*per_locale, "speak_line"}, "nothing of the source, nothing of another language"
    takes = [json.loads(path.read_text())["result"] for path in _new_records(dubbed, "speak_line", before)]
    assert {take["utterance_id"] for take in takes} == {"u0002"}
    now = {path.name: sha256_of(path) for path in dubbed.out.iterdir()}
    of_fr = [name for name in now if name.startswith("talk.fr.")]
    assert len(of_fr) == 6
    assert all(now[name] == made[name] for name in of_fr)
    assert now["talk.es.mp4"] != made["talk.es.mp4"]
    said = " ".join(capsys.readouterr().out.split())
    assert "es u0002: 8 stages run" in said
    assert "spoken again: u0002; frames rendered again: 0 %" in said, "the toy moves no lips"


def test_of_the_frames_those_count_that_the_memo_did_not_have() -> None:
    def ran(result: BaseModel, *, is_cached: bool) -> Ran:
        return Ran(SimpleNamespace(), (), Outcome(result, is_cached, 1.0))  # type: ignore[arg-type]

    def part(first: int, end: int, *, is_cached: bool) -> Ran:
        return ran(RenderedPart(first_frame=first, end_frame=end, video=dubs.NOTHING), is_cached=is_cached)

    def joined(locale: str) -> Ran:
        lips = LipSync(
            locale=Locale(locale), engine="exemplar", n_frames=100, video=dubs.NOTHING, log=dubs.NOTHING, counts={}
        )
        return ran(lips, is_cached=False)

    runs = [part(0, 60, is_cached=True), part(60, 85, is_cached=False), part(85, 100, is_cached=True), joined("es")]
    assert _share_of_frames(runs, Locale("es")) == 0.25
    assert _share_of_frames(runs[:3], Locale("es")) == 0.0, "stopped before its lips"


def _new_records(job: Job, stage: str, before: dict[str, set[str]]) -> list[Path]:
    folder = Path(str(job.store), "memo", stage)
    return [path for path in folder.glob("*.json") if path.name not in before.get(stage, set())]


def test_a_second_correction_keeps_the_first(dubbed: Job) -> None:
    assert redub(dubbed, "--line", "u0001", "--text", "Buenos días a todos.") == TOYS_FAIL
    assert redub(dubbed, "--line", "2", "--text", "Esta es una bomba.", "--by", "Ann") == TOYS_FAIL
    assert spoken(dubbed) == ["Buenos días a todos.", "Esta es una bomba."]
    assert spoken(dubbed, "fr") == ["⟦fr⟧ Good morning everybody.", "⟦fr⟧ This is a pump."]
    dub_title(dubbed)
    assert spoken(dubbed) == ["Buenos días a todos.", "Esta es una bomba."], "a plain run honours them too"
    lines = json.loads((dubbed.out / "talk.corrections.json").read_text())["lines"]["es"]
    assert [(line["approved_by"], line["approved_at"] is not None) for line in lines.values()] == [
        ("", False), ("Ann", True),
    ]  # fmt: skip


def test_the_same_words_again_are_no_work(dubbed: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert redub(dubbed, "--line", "2", "--text", "Esta es una bomba.") == TOYS_FAIL
    before = memo(dubbed)
    assert redub(dubbed, "--line", "2", "--text", " Esta es  una bomba. ") == EXIT_OK
    assert "nothing to do" in capsys.readouterr().out
    assert memo(dubbed) == before


def test_the_folder_may_have_been_moved(dubbed: Job, tmp_path: Path) -> None:
    dubbed.out.rename(tmp_path / "elsewhere")
    moved = dubbed.model_copy(update={"out": tmp_path / "elsewhere"})
    assert redub(moved, "--line", "2", "--text", "Esta es una bomba.") == TOYS_FAIL
    assert spoken(moved)[1] == "Esta es una bomba."
    assert not dubbed.out.exists()


def test_a_correction_is_reported_and_not_used_once_the_source_says_something_else(dubbed: Job, tmp_path: Path) -> None:
    assert redub(dubbed, "--line", "2", "--text", "Esta es una bomba.") == TOYS_FAIL
    changed = tmp_path / "changed.srt"
    changed.write_text(Path(dubbed.scripts[Locale("en")]).read_text().replace("a pump", "a valve"))
    report = dub_title(dubbed.model_copy(update={"scripts": {Locale("en"): changed}}))
    assert spoken(dubbed)[1] == "⟦es⟧ This is a valve."
    reasons = {outcome.locale: " ".join(outcome.reasons) for outcome in report.outcomes}
    assert "A correction was not used" in reasons[Locale("es")]
    assert "A correction was not used" not in reasons[Locale("fr")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--line", "2", "--text", "Hallo.", "--locale", "de"], "talk is not dubbed into de"),
        (["--line", "3", "--text", "Hola."], "there is no line 3"),
        (["--line", "two", "--text", "Hola."], "there is no line two"),
        (["--line", "2", "--text", "  "], "no words"),
        (["--line", "2", "--text", "Это насос."], "written in Cyrl"),
    ],
)
def test_what_cannot_be_said_is_refused_before_anything_is_written(
    dubbed: Job, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: sha256_of(path) for path in dubbed.out.iterdir()}
    assert redub(dubbed, *options) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert "mend" in error
    assert {path.name: sha256_of(path) for path in dubbed.out.iterdir()} == before


def test_a_title_that_is_not_there_is_named_beside_those_that_are(
    dubbed: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(dubbed.out), "--locale", "es", "--line", "1", "--text", "Hola."]
    assert main(["redub", "tolk", *arguments]) == EXIT_BAD_INPUT
    assert "the titles there are talk" in capsys.readouterr().err
    (dubbed.out / "talk.corrections.json").write_text('{"lines": {"es": {"one": {}}}}')
    assert main(["redub", "talk", *arguments]) == EXIT_BAD_INPUT
    assert "talk.corrections.json, lines.es.one" in capsys.readouterr().err


def test_as_a_prefect_flow_it_is_the_same(prefect_server: str, dubbed: Job) -> None:
    from flows.deployed_redub import redub_as_flow, redub_line_flow

    arguments = ("talk", dubbed.out, Locale("es"), "2", "Esta es una bomba.")
    redone = redub_as_flow(*arguments)
    assert (redone.takes, redone.n_stages_run, redone.report.verdict) == (("u0002",), 8, "failed")
    assert spoken(dubbed)[1] == "Esta es una bomba."
    assert redub_line_flow(*arguments, return_state=True).name == "Unchanged"
    refused = redub_line_flow("talk", dubbed.out, Locale("es"), 2, "Это насос.", return_state=True)
    assert (refused.type.value, refused.name) == ("FAILED", "Refused")
    assert "насос" not in refused.message
    with pytest.raises(BadInput, match="written in Cyrl"):
        redub_as_flow("talk", dubbed.out, Locale("es"), "2", "Это насос.")
