"""Planted faults: a toy dub is spoiled and each fault is told by its check; and the table counts what was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.gates import Gates
from infra.calibrate_checks import AS_IT_IS, Trial, Trials, table, try_title
from infra.planted.faults import FAULTS, Fault
from tests.flows.toy_titles import spanish_job

TOLD_OF_TOYS = {
    "a line not spoken",
    "music too loud",
    "a line left untranslated",
    "a line said twice",
    "sound late",
    "too quiet",
    "subtitles too fast",
    "no subtitles",
    "cut short",
}
"""Faults that need no recogniser, no voice and no face to be told."""


@pytest.mark.slow
def test_each_fault_is_told_by_its_check(tmp_path: Path) -> None:
    faults = [fault for fault in FAULTS if fault.name in TOLD_OF_TOYS]
    assert len(faults) == len(TOLD_OF_TOYS)
    job = spanish_job(tmp_path).model_copy(update={"title": "talk"})
    trials = try_title(job, faults, tmp_path / "trials.json")
    told = {trial.fault: set(trial.new) for trial in trials.trials}
    assert {trial.dub for trial in trials.trials} == {"talk es"}
    assert told.keys() == TOLD_OF_TOYS | {AS_IT_IS}
    missed = {fault.name for fault in faults if not told[fault.name] & set(fault.caught_by)}
    assert missed == set()
    assert not told[AS_IT_IS] & {check for fault in faults for check in fault.caught_by}, "and not without the fault"
    assert Trials.read(tmp_path / "trials.json", trials.review) == trials, "kept, so that it is not tried again"


def test_every_fault_names_checks_that_exist() -> None:
    unlimited = {"numbers_kept", "language_heard", "subtitles_there", "speaker_similarity"}
    for fault in FAULTS:
        assert set(fault.caught_by) <= set(Gates.model_fields) | unlimited, fault.name
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def trial(dub: str, fault: str, *new: str) -> Trial:
    return Trial(dub=dub, fault=fault, new=new, ran=("sound_late", "word_error", "clipping"))


def test_the_table_counts_caught_and_missed_and_false() -> None:
    faults = [Fault("late", "300 ms", ("sound_late",), lambda made, _: made), *FAULTS[:1]]
    tried = [
        trial("a es", AS_IT_IS, "clipping"),
        trial("a es", "late", "overrun", "sound_late"),
        trial("b es", "late", "overrun"),
    ]
    lines = table(tried, faults).splitlines()
    assert lines[2] == "| late | 300 ms | 1 of 2 | sound_late 1 | overrun 2 |"
    assert lines[3] == f"| {FAULTS[0].name} | {FAULTS[0].size} | not tried | | |"
    assert lines[5] == "On 1 dubs as they are, 1 of 3 checks (33.3%) were not ok: clipping 1."


def test_what_another_review_said_counts_no_more(tmp_path: Path) -> None:
    kept = tmp_path / "trials.json"
    trials = Trials(review=3).with_(trial("a es", "late")).with_(trial("a es", "late", "sound_late"))
    assert len(trials.trials) == 1, "the last word"
    assert trials.has("a es", "late")
    kept.write_text(trials.model_dump_json())
    assert Trials.read(kept, 3) == trials
    assert Trials.read(kept, 4) == Trials(review=4)
