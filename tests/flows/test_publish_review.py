"""Where a language's files go, and what a review says of the run before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dub.artifact import sha256_of
from dub.dubbed_locale import DubbedLocale
from dub.finding import Finding, Level, Review
from dub.heat_map import Before
from dub.plan import Job
from flows.dub_title import dub_title
from flows.publish_review import publish_review
from lang.bcp47 import Locale
from tests.flows.test_dub_title import TOY, job, script, talk  # noqa: F401  (fixtures)


def ended(level: Level) -> DubbedLocale:
    findings = (
        Finding(level=level, check="overrun", message="…"),
        Finding(level=Level.OK, check="clipping", message=""),
    )
    return DubbedLocale(locale=Locale("es"), review=Review(locale=Locale("es"), findings=findings))


def test_what_was_before_is_the_last_run_that_came_out_otherwise(tmp_path: Path) -> None:
    place = tmp_path / "talk.es.report.json"
    assert publish_review(ended(Level.FAILED), place).before is None
    was = Before(ending="failed", levels={"overrun": Level.FAILED, "clipping": Level.OK})
    assert publish_review(ended(Level.OK), place).before == was
    content = place.read_bytes()
    assert publish_review(ended(Level.OK), place).before == was
    assert place.read_bytes() == content, "run again, nothing has changed"


@pytest.mark.parametrize("content", ["", "not JSON", "[1]", '{"findings": 3}', '{"verdict": "ok", "findings": [{}]}'])
def test_a_file_that_is_no_review_is_no_run_before(tmp_path: Path, content: str) -> None:
    place = tmp_path / "talk.es.report.json"
    place.write_text(content)
    assert publish_review(ended(Level.OK), place).before is None


def run(job: Job, tmp_path: Path, more: str = "") -> dict[str, Any]:  # noqa: F811
    profile = tmp_path / "plan.toml"
    profile.write_text(Path(TOY).read_text().replace('quarantine = ""', more))
    [outcome] = dub_title(job.model_copy(update={"profile": str(profile)})).outcomes
    assert outcome.verdict is Level.FAILED, "a tone is no speech"
    return json.loads(outcome.model_dump_json())  # type: ignore[no-any-return]


def test_what_failed_is_kept_from_the_public_place(job: Job, tmp_path: Path) -> None:  # noqa: F811
    outcome = run(job, tmp_path)
    out = Path(str(job.out))
    assert outcome["files"] == [f"quarantine/talk.es.{kind}" for kind in ("mp4", "srt", "vtt")]
    assert all((out / name).is_file() for name in outcome["files"])
    assert not [kind for kind in ("mp4", "srt", "vtt") if (out / f"talk.es.{kind}").exists()]
    assert (out / "talk.es.report.json").is_file(), "why it failed is public"
    assert 'src="./quarantine/talk.es.mp4' in (out / "report.html").read_text()


def test_a_good_film_of_an_earlier_run_stays(job: Job, tmp_path: Path) -> None:  # noqa: F811
    out = Path(str(job.out))
    out.mkdir()
    (out / "talk.es.mp4").write_bytes(b"of last week")
    run(job, tmp_path)
    assert (out / "talk.es.mp4").read_bytes() == b"of last week"


def test_the_plan_names_the_place(job: Job, tmp_path: Path) -> None:  # noqa: F811
    assert run(job, tmp_path, 'quarantine = "held-back"')["files"][0] == "held-back/talk.es.mp4"
    outcome = run(job, tmp_path, 'quarantine = ""')
    assert outcome["files"][0] == "talk.es.mp4"
    held, public = (Path(str(job.out)) / name for name in ("held-back/talk.es.mp4", "talk.es.mp4"))
    assert sha256_of(held) == sha256_of(public)
