"""What one run tells the machines that watch many: counted, added up, and never in the way of the work."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dub.artifact import Record
from dub.discreet import DiscreetError
from dub.effort import Effort
from dub.errors import BadInput, NoSpeech, StoreUnavailable
from dub.finding import Level
from dub.run_metrics import LocaleMetrics, RunMetrics, StageMetrics
from dub.stage import Desk, stage
from flows import prometheus
from flows.json_log import JsonLog
from flows.meter import Meter, parts_of
from flows.outcome import LocaleOutcome, RunReport
from flows.progress_artifacts import ProgressArtifacts, artifact_key, pause_after
from flows.watched import watched
from lang.bcp47 import Locale
from tasks import policy
from tasks.cpu_slots import CpuSlots
from tasks.policy import observed_by, submit

ES, PT = Locale("es"), Locale("pt-BR")
failures_left: dict[str, int] = {}


class Done(Record):
    value: int = 0


@stage(version=1)
def doze(desk: Desk, seconds: float, name: str) -> Done:
    time.sleep(seconds)
    if failures_left.get(name, 0) > 0:
        failures_left[name] -= 1
        raise StoreUnavailable("the bucket answers 503")
    return Done()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RETRY_BASE_S", 0.01)
    failures_left.clear()


def run_report(out: Path) -> RunReport:
    outcome = LocaleOutcome(locale=ES, verdict=Level.DEGRADED, effort=Effort(output_s=20, own_s=3))
    return RunReport(title="talk", outcomes=(outcome,), html=out / "report.html", source_s=20)


def test_waiting_work_memo_and_retries_are_told_apart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one_slot = CpuSlots(1)
    monkeypatch.setattr(policy, "cpu_slots", lambda: one_slot)
    failures_left["b"] = 1
    for meter, ending in ((Meter("talk", [ES]), "worked"), (Meter("talk", [ES]), "cached")):
        with observed_by(meter):
            works = [submit(doze, desk, 0.2, "a", label="ingest"), submit(doze, desk, 0.2, "b", label="speak es")]
            for work in works:
                work.result()
        metrics = meter.metrics(run_report(Path("out")))
        ingest, speak = metrics.stages
        assert (ingest.stage, ingest.locale, ingest.ending) == ("ingest", None, ending)
        assert (speak.stage, speak.locale, speak.ending) == ("speak", ES, ending)
        assert speak.work_s == pytest.approx(0.2, abs=0.1)
        assert speak.real_time_factor == pytest.approx(speak.work_s / 20)
        assert (ingest.n_retries, speak.n_retries) == ((0, 1) if ending == "worked" else (0, 0))
        waited_s = ingest.waited_s + speak.waited_s
        assert waited_s > 0.15 if ending == "worked" else waited_s == 0
        assert metrics.worked_s == pytest.approx(0.4 if ending == "worked" else 0, abs=0.2)
        assert metrics.cached_share == (ending == "cached")
    assert metrics.peak_rss_bytes > 20e6


def test_two_runs_in_one_process_do_not_hear_each_other(desk: Desk) -> None:
    outer, inner = Meter("outer", []), Meter("inner", [])
    with observed_by(outer):
        submit(doze, desk, 0.0, "outer", label="outer").result()
    with observed_by(inner):
        submit(doze, desk, 0.0, "inner", label="inner").result()
        with observed_by(outer):
            submit(doze, desk, 0.0, "both", label="both").result()
    heard = [[each.label for each in meter.metrics(None).stages] for meter in (outer, inner)]
    assert heard == [["outer", "both"], ["inner", "both"]]


def test_a_label_is_a_stage_and_perhaps_a_language() -> None:
    assert parts_of("speak pt-BR", [ES, PT]) == ("speak", PT)
    assert parts_of("enroll kokoro", [ES, PT]) == ("enroll", None)
    assert parts_of("lipsync es 3/8", [ES, PT]) == ("lipsync", ES)


def test_metrics_lie_beside_the_report_also_of_a_run_that_failed(tmp_path: Path, desk: Desk) -> None:
    with watched("talk", [ES], tmp_path) as watch:
        submit(doze, desk, 0.0, "x", label="speak es").result()
        watch.ended(run_report(tmp_path))
    metrics = RunMetrics.model_validate_json((tmp_path / "talk.metrics.json").read_text())
    assert (metrics.verdict, metrics.error, metrics.locales[0].effort.output_s) == ("degraded", "", 20)
    table = pandas.read_csv(tmp_path / "talk.metrics.csv", encoding="utf-8-sig")
    assert list(table["stage"]) == ["speak"]
    assert table["error"].isna().all(), "an empty cell is empty"
    with pytest.raises(NoSpeech), watched("talk", [ES], tmp_path):
        raise NoSpeech("nobody speaks")
    metrics = RunMetrics.model_validate_json((tmp_path / "talk.metrics.json").read_text())
    assert (metrics.verdict, metrics.error) == ("failed", "NoSpeech")


def test_metrics_that_cannot_be_kept_stop_nothing_and_a_wrong_folder_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("")
    with caplog.at_level(logging.WARNING), watched("talk", [ES], tmp_path / "a file") as watch:
        watch.ended(run_report(tmp_path))
    assert "metrics could not be kept: BadInput" in caplog.text
    for name, value in (("POLYDUB_METRICS_DIR", str(tmp_path / "nowhere")), ("POLYDUB_LOG", "jsonl")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(BadInput, match=name):
                watched("talk", [ES], tmp_path).__enter__()


def metrics_of(ending: str = "worked") -> RunMetrics:
    made = StageMetrics.model_validate(
        {"stage": "speak", "locale": ES, "label": "speak es", "ending": ending, "work_s": 1.5, "media_s": 10}
    )
    return RunMetrics(
        title='a "title"',
        verdict="ok",
        started=datetime.now(UTC),
        seconds=2,
        stages=(made,),
        locales=(LocaleMetrics(locale=ES, verdict="ok", effort=Effort(output_s=10)),),
        peak_rss_bytes=1,
        largest_child_rss_bytes=1,
    )


def add_ten(folder: Path) -> None:
    for _ in range(10):
        prometheus.add_run(folder, metrics_of(), 1_800_000_000.0)


def test_counters_of_many_processes_add_up_in_a_file_that_prometheus_reads(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=add_ten, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    prometheus.add_run(tmp_path, metrics_of("cached"), 1_800_000_001.0)
    text = (tmp_path / prometheus.FILE).read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["polydub_runs_total", "ok"] == 31
    assert values["polydub_stage_work_seconds_total", "es", "speak"] == 45, "what the memo answered is no work"
    assert values["polydub_stages_total", "cached", "es", "speak"] == 1
    assert values["polydub_output_seconds_total", "es"] == 310
    assert values["polydub_last_run_end_seconds",] == 1_800_000_001.0
    assert {family.type for family in families.values()} == {"counter", "gauge"}
    assert "title" not in text
    assert [path.name for path in tmp_path.glob("*.prom")] == [prometheus.FILE]
    (tmp_path / prometheus.FILE).write_text("polydub_runs_total{ broken")
    with pytest.raises(BadInput, match="remove it"):
        prometheus.add_run(tmp_path, metrics_of(), 0)


def test_the_log_has_one_object_per_line_and_leaves_out_what_is_not_known() -> None:
    stream = io.StringIO()
    log = JsonLog(stream, "talk", [ES])
    log.started("ingest")
    log.failed("speak es", DiscreetError.of(BadInput("says 'good morning'", mend="mend it", utterance_id="u0007")))
    log.finished("fit es", True, 1.23456)
    ingest, speak, fit = (json.loads(line) for line in stream.getvalue().splitlines())
    assert "locale" not in ingest
    assert speak["error"] == "BadInput"
    assert (speak["utterance"], speak["mend"]) == ("u0007", "mend it")
    assert "good" not in stream.getvalue()
    assert (fit["seconds"], fit["cached"]) == (1.235, True)
    assert datetime.fromisoformat(fit["time"]).tzinfo is not None


def test_progress_never_falls_and_keys_are_what_prefect_takes() -> None:
    progress = ProgressArtifacts([ES])
    line = progress._lines[ES]
    progress.submitted("translate es")
    progress.finished("translate es", False, 1.0)
    line.told = line.now()
    assert line.told[0] == 100
    progress.submitted("speak es")
    progress.started("speak es")
    progress.progressed("speak es", 1, 4)
    percent, words = line.now()
    assert (percent, words) == (100, "1 of 2 stages, at work: speak")
    assert artifact_key("progress", "zh-Hant-TW") == "progress-zh-hant-tw"
    assert artifact_key("progress", "Mein Film (2)_ß.") == "progress-mein-film-2"


def test_updates_take_two_percent_of_the_time_whatever_the_number_of_languages() -> None:
    assert pause_after(0.036, 3.0) == 3.0, "three languages and the source"
    assert pause_after(3.3, 3.0) == pytest.approx(165), "366"
    assert pause_after(10.0, 3.0) == 300, "a server that did not answer is asked again"
