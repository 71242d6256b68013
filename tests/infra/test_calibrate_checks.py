"""Planted faults: a toy dub is spoiled and each fault is told by its check; and the table counts what was told."""

from __future__ import annotations

from pathlib import Path

from infra.calibrate_checks import Clean, Trial, table, trials_of
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


def test_each_fault_is_told_by_its_check(tmp_path: Path) -> None:
    faults = [fault for fault in FAULTS if fault.name in TOLD_OF_TOYS]
    assert len(faults) == len(TOLD_OF_TOYS)
    job = spanish_job(tmp_path).model_copy(update={"title": "talk"})
    [clean], trials = trials_of(job, faults)
    assert clean.dub == "talk es"
    told = {trial.fault: set(trial.new) for trial in trials}
    assert told.keys() == TOLD_OF_TOYS
    missed = {fault.name for fault in faults if not told[fault.name] & set(fault.caught_by)}
    assert missed == set()
    assert not set(clean.not_ok) & {check for fault in faults for check in fault.caught_by}, "and not without the fault"


def test_every_fault_names_checks_that_exist() -> None:
    from dub.gates import Gates

    unlimited = {"numbers_kept", "language_heard", "subtitles_there", "speaker_similarity"}
    for fault in FAULTS:
        assert set(fault.caught_by) <= set(Gates.model_fields) | unlimited, fault.name
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_table_counts_caught_and_missed_and_false() -> None:
    faults = [Fault("late", "300 ms", ("sound_late",), lambda made, _: made), *FAULTS[:1]]
    clean = [Clean("a es", ("sound_late", "word_error", "clipping"), ("clipping",))]
    trials = [Trial("a es", "late", ("overrun", "sound_late")), Trial("b es", "late", ("overrun",))]
    lines = table(clean, trials, faults).splitlines()
    assert lines[2] == "| late | 300 ms | 1 of 2 | sound_late 1 | overrun 2 |"
    assert lines[3] == f"| {FAULTS[0].name} | {FAULTS[0].size} | not tried | | |"
    assert lines[5] == "On 1 dubs as they are, 1 of 3 checks (33.3%) were not ok: clipping 1."
