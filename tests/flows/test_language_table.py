"""`polydub languages`: the same facts as a table, as JSON and as counts, in little time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from engines.offer import allowed_ids, counted, offered, spoken_when_given
from flows.cli import main
from flows.preflight import families, read_plan


@pytest.mark.parametrize("profile", ["embedded", "studio"])
def test_json_tells_the_offer_and_its_counts(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["languages", "--profile", profile, "--policy", "any", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = offered(read_plan(profile), "any")
    assert (told["profile"], told["policy"]) == (profile, "any")
    assert [row["locale"] for row in told["locales"]] == [row.locale for row in rows]
    assert told["counts"] == counted(rows).model_dump(mode="json")


def test_the_table_ends_in_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["languages", "--policy", "permissive"]) == 0
    assert "0 languages in 0 locales, by profile 'embedded' under licences: permissive" in capsys.readouterr().out
    assert main(["languages"]) == 0
    out = capsys.readouterr().out
    counts = counted(offered(read_plan("embedded"), "any"))
    assert f"{counts.languages} languages in {counts.locales} locales" in out
    assert f"{counts.by_clone['fitted']} fitted" in out
    assert f"{len(spoken_when_given(read_plan('embedded')))} more are spoken when you give the lines" in out


def test_the_list_takes_little_work() -> None:
    """One CPU second on a quiet machine; one that other tests keep busy counts it nearly double."""
    command = [sys.executable, "-m", "flows.cli", "languages", "--profile", "studio"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)  # of this one: servers of other tests may be reaped meanwhile
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    assert used.ru_utime + used.ru_stime < 2.5


def test_what_a_permissive_offer_promises_no_other_engine_of_the_plan_forbids() -> None:
    plan = read_plan("studio")
    assert offered(plan, "permissive")
    for family in families():
        ids = plan.engines_of(family)
        allowed = allowed_ids(family, ids, "permissive")  # type: ignore[arg-type]
        assert allowed if family == "aligner" else allowed == ids, family
