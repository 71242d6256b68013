"""Lines that may not be spoken, through the whole story: silence, a verdict that says why, and no crash."""

from __future__ import annotations

import json
from pathlib import Path

from dub.finding import Level
from dub.plan import Job
from flows.dub_title import dub_title
from lang.bcp47 import Locale
from tests.flows.test_dub_title import job, script, talk  # noqa: F401  (fixtures)


def test_a_dub_of_which_no_line_may_be_spoken_is_a_failed_dub(job: Job, tmp_path: Path) -> None:  # noqa: F811
    """Both lines are Russian, given as Spanish."""
    wrong = tmp_path / "talk.es.srt"
    wrong.write_text(
        "1\n00:00:00,500 --> 00:00:01,500\nДоброе утро всем.\n\n2\n00:00:02,000 --> 00:00:03,000\nЭто насос.\n"
    )
    [outcome] = dub_title(job.model_copy(update={"scripts": job.scripts | {Locale("es"): wrong}})).outcomes
    assert outcome.verdict is Level.FAILED
    assert set(outcome.files) == {"talk.es.mp4", "talk.es.srt", "talk.es.vtt"}
    report = json.loads((job.out / "talk.es.report.json").read_text())
    refused = [finding for finding in report["findings"] if "written in Cyrl" in finding["message"]]
    assert [finding["utterance_id"] for finding in refused] == ["u0001", "u0002"]
    assert json.loads((job.out / "talk.es.script.json").read_text())["lines"] == []
