"""A dub made elsewhere, scored on toy engines: real files, a real store, a recogniser that hears what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ffmpeg
import pytest

from dub.errors import BadInput, UnreadableMedia
from dub.finding import Finding, Level, Review
from dub.media import ffmpeg_exe
from flows.cli import main
from flows.dub_title import dub_title
from flows.score_dub import ScoredDub, score_dub
from flows.score_preflight import ScoreJob
from lang.bcp47 import Locale
from tasks.policy import Observer, observed_by
from tests.flows.toy_titles import LINES, TOY, spanish_job, toy_title, write_script

Segment = tuple[float, float, str]
SAID: tuple[Segment, ...] = ((0.3, 1.2, LINES["es"][0]), (1.4, 2.3, LINES["es"][1]))
CHECKS_OF_A_FILE = {
    "language_heard", "language_written", "word_error", "lines_spoken", "speech_outside_slot", "numbers_kept",
    "names_kept", "copied_lines", "said_twice", "speaker_similarity", "speech_quality", "clipping", "sound_holes",
    "loudness_error", "true_peak", "duration_error", "subtitles_there", "rendered_share", "sound_late",
    "source_language", "stretch_high", "overrun", "piled_speech", "speech_rate",
}  # fmt: skip


class Title:
    """A talk of 2.5 s in English, and dubs of it into Spanish made by nobody we know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        toy_title(folder, "talk", targets=("es",))

    def profile(self, heard: tuple[Segment, ...], locale: str = "es") -> str:
        """The recogniser hears these in this language, whatever sounds."""
        segments = [{"start_s": start, "end_s": end, "text": text} for start, end, text in heard]
        path = self.folder / "heard.toml"
        path.write_text(
            f"{TOY.read_text()}[options.scripted]\nlocale = '{locale}'\nsegments = '''{json.dumps(segments)}'''\n"
        )
        return str(path)

    def dub(self, spoken: str = "between(t,0.3,1.2)+between(t,1.4,2.3)", duration: float = 2.5, rate: int = 25) -> Path:
        """The talk's picture with a lower tone while `spoken`; "" is no sound track at all."""
        path = self.folder / "peer.mp4"
        picture = ffmpeg.input(f"testsrc2=size=160x120:rate={rate}:duration={duration}", f="lavfi")
        streams = [picture]
        if spoken:
            sound = f"aevalsrc='0.2*sin(2*PI*150*t)*({spoken})':s=48000:d={duration}"
            streams.append(ffmpeg.input(sound, f="lavfi"))
        out = ffmpeg.output(*streams, str(path), vcodec="libx264", preset="ultrafast", acodec="aac")
        out.run(cmd=ffmpeg_exe(), quiet=True, overwrite_output=True)
        return path

    def job(self, heard: tuple[Segment, ...] = SAID, *, locale: str = "es", **changes: object) -> ScoreJob:
        folder = self.folder
        asked: dict[str, object] = {
            "video": folder / "peer.mp4", "source": folder / "talk.mp4", "source_script": folder / "talk.en.srt",
            "source_language": Locale("en"), "out": folder / "out", "store": folder / "store",
            "profile": self.profile(heard, locale),
        }  # fmt: skip
        return ScoreJob.model_validate(asked | changes)


@pytest.fixture
def title(tmp_path: Path) -> Title:
    made = Title(tmp_path)
    made.dub()
    return made


def of(review: Review, check: str) -> list[Finding]:
    return [finding for finding in review.findings if finding.check == check]


def test_a_peers_dub_gets_the_report_that_ours_have(title: Title) -> None:
    scored = score_dub(title.job())
    review, out = scored.review, title.folder / "out"
    assert review.locale == "es"
    assert {finding.check for finding in review.findings} >= CHECKS_OF_A_FILE
    for check in ("lines_spoken", "speech_outside_slot", "numbers_kept", "copied_lines", "language_heard"):
        assert [finding.level for finding in of(review, check)] == [Level.OK], check
    assert [row["heard"] for row in review.lines] == list(LINES["es"])
    assert {row["target"] for row in review.lines} == {None}, "nobody told us what it should say"
    assert {row["stretch_ratio"] for row in review.lines} == {None}
    (word_error,) = of(review, "word_error")
    assert word_error.message.startswith("Not measured: nobody said what the dub should say")
    assert word_error.level is Level.DEGRADED
    page = (out / "report.html").read_text()
    assert scored.html == out / "report.html"
    assert page.count("<video") == 2
    assert LINES["en"][0] in page
    assert 'data-label="Engine">scripted' in page, "who judged"
    assert 'data-label="Engine">tone' not in page, "no voice of ours"
    assert page.count('data-label="Dub"></td>') == 2, "what it should say is not known"
    assert "1.00×" not in page, "no stretch of ours"
    told = json.loads((out / "peer.es.report.json").read_text())
    assert told["verdict"] == review.ending
    assert told["findings"] == json.loads(review.model_dump_json())["findings"]
    names = {path.name for path in out.iterdir()}
    assert {
        "peer.score.json", "peer.es.preview.mp4", "peer.source.mp4", "report.csv", "report.json",
        "report.findings.csv", "report.findings.parquet",
    } <= names  # fmt: skip


class Worked(Observer):
    """Labels of the stages that the memo did not know."""

    def __init__(self) -> None:
        self.labels: list[str] = []

    def finished(self, label: str, is_cached: bool, seconds: float) -> None:
        if not is_cached:
            self.labels.append(label)


def test_a_source_that_was_dubbed_before_costs_nothing_again(tmp_path: Path) -> None:
    job = spanish_job(tmp_path)
    dub_title(job)
    (tmp_path / "peer.mp4").write_bytes(next((tmp_path / "out").glob("**/talk.es.mp4")).read_bytes())
    asked = ScoreJob(
        video=tmp_path / "peer.mp4", source=tmp_path / "talk.mp4", source_script=tmp_path / "talk.en.srt",
        source_language=Locale("en"), out=tmp_path / "score", store=tmp_path / "store", profile=job.profile,
    )  # fmt: skip
    worked = Worked()
    with observed_by(worked):
        first = score_dub(asked)
    assert "transcribe peer" in worked.labels
    assert not [label for label in worked.labels if "talk" in label]
    again = Worked()
    with observed_by(again):
        assert score_dub(asked) == first
    assert again.labels == []


def test_given_words_are_listened_for(title: Title) -> None:
    """The script says what the recogniser hears but for one word of seven."""
    write_script(title.folder, "peer", "es", (LINES["es"][0], "Esto es una tuba."))
    given = {"script": title.folder / "peer.es.srt", "language": Locale("es")}
    review = score_dub(title.job(**given)).review
    (whole,) = of(review, "word_error")
    assert whole.value == pytest.approx(1 / 8)
    assert [row["target"] for row in review.lines] == [LINES["es"][0], "Esto es una tuba."]
    assert review.lines[1]["heard"] == "esto es una bomba"
    assert not [finding for finding in review.findings if finding.message.startswith("As heard")]


def test_words_without_times_are_laid_over_what_is_heard(title: Title) -> None:
    review = score_dub(title.job(text="Buenos días a todos. Esto es una tuba.")).review
    assert [row["target"] for row in review.lines] == [LINES["es"][0], "Esto es una tuba."]
    assert of(review, "word_error")[0].value == pytest.approx(1 / 8)


FAULTS: dict[str, tuple[tuple[Segment, ...], str, str]] = {
    "a number that the source lacks": ((SAID[0], (1.4, 2.3, "Esto es una bomba.")), "numbers_kept", "As heard"),
    "left in English": (
        ((0.3, 1.2, LINES["en"][0]), (1.4, 2.3, LINES["en"][1])), "copied_lines", "As heard",
    ),
    "said twice": (
        ((0.3, 1.2, LINES["es"][0]), (1.4, 2.3, LINES["es"][0])), "said_twice", "As heard",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_words_get_wrong_is_found_and_said_to_be_heard(title: Title, fault: str) -> None:
    heard, check, said = FAULTS[fault]
    if check == "numbers_kept":
        write_script(title.folder, "talk", "en", (LINES["en"][0], "This is 1 pump of 9."))
    bad = [finding for finding in of(score_dub(title.job(heard)).review, check) if finding.level is not Level.OK]
    assert bad
    assert all(finding.message.startswith(said) for finding in bad)


def test_a_line_that_the_dub_leaves_out_fails_it(title: Title) -> None:
    title.dub("between(t,0.3,1.2)")
    (missing,) = of(score_dub(title.job(SAID[:1])).review, "lines_spoken")
    assert (missing.level, missing.utterance_id) == (Level.FAILED, "u0002")


def test_a_dub_still_in_the_sources_language_fails(title: Title) -> None:
    (heard,) = of(score_dub(title.job(locale="en")).review, "language_heard")
    assert heard.level is Level.FAILED
    (asked,) = of(score_dub(title.job(locale="en", language=Locale("es"))).review, "language_heard")
    assert asked.level is Level.FAILED
    assert "not for Spanish" in asked.message


def test_a_shorter_dub_fails(title: Title) -> None:
    title.dub(duration=2.0)
    frames = of(score_dub(title.job()).review, "duration_error")[0]
    assert (frames.level, frames.value) == (Level.FAILED, 13)


def test_a_dub_at_another_frame_rate_is_compared_by_time(title: Title) -> None:
    title.dub(rate=30)
    length = of(score_dub(title.job()).review, "duration_error")[0]
    assert (length.level, length.value) == (Level.OK, 0.5), "63 frames against 75: half a frame of time"
    assert "at 30 frames a second, the source 2.520 s at 25" in length.message


def test_a_dub_without_a_source_says_what_needs_one(title: Title) -> None:
    alone = {"source": None, "source_script": None, "source_language": None}
    scored = score_dub(title.job(**alone))
    needs = [finding for finding in scored.review.findings if finding.message.endswith("the source alone")]
    assert {finding.check for finding in needs} >= {"lines_spoken", "copied_lines", "speaker_similarity"}
    assert {finding.level for finding in needs if finding.check == "lines_spoken"} == {Level.DEGRADED}
    assert "source_speech_quality" not in scored.review.metrics
    assert len(of(scored.review, "duration_error")) == 1, "sound against picture, no frames"
    page = (title.folder / "out" / "report.html").read_text()
    assert "from Unknown language" in page
    assert page.count("<video") == 1
    assert "buenos días a todos" in page


@pytest.mark.parametrize("sound", ["", "0"])
def test_a_dub_in_which_nobody_speaks_fails_and_is_reported(title: Title, sound: str) -> None:
    """Without a sound track, and with a silent one."""
    title.dub(sound)
    scored = score_dub(title.job(()))
    assert scored.verdict is Level.FAILED
    assert of(scored.review, "language_heard")[0].level is Level.FAILED
    assert [finding.level for finding in of(scored.review, "lines_spoken")] == [Level.FAILED, Level.FAILED]
    assert (title.folder / "out" / "report.html").is_file()


def with_subtitles(title: Title, codec: str) -> None:
    """The dub as .mp4 with the Spanish lines as a subtitle track."""
    dub, out = title.folder / "peer.mp4", title.folder / "titled.mp4"
    inputs = [ffmpeg.input(str(path)) for path in (dub, title.folder / "talk.es.srt")]
    whole = ffmpeg.output(
        inputs[0].video, inputs[0].audio, inputs[1]["s"], str(out), vcodec="copy", acodec="copy", scodec=codec
    )
    whole.run(cmd=ffmpeg_exe(), quiet=True)
    out.replace(dub)


def test_subtitles_of_the_file_are_read(title: Title) -> None:
    assert of(score_dub(title.job()).review, "subtitles_there")[0].level is Level.DEGRADED
    with_subtitles(title, "mov_text")
    review = score_dub(title.job()).review
    assert of(review, "subtitles_there")[0].value == 2
    assert of(review, "subtitle_speed")


WRONG: list[tuple[Callable[[Title], dict[str, object]], str]] = [
    (lambda title: {"video": title.folder / "nowhere.mp4"}, r"VIDEO: .*nowhere\.mp4 does not exist"),
    (lambda title: {"source": title.folder}, "--source: .* is a folder"),
    (lambda title: {"source": None}, "--source-script tells of a source, and none is given"),
    (lambda title: {"source_language": None}, r"--source-script: the language of talk\.en\.srt is not known"),
    (lambda title: {"script": title.folder / "talk.es.srt"}, r"--script: the language of talk\.es\.srt"),
    (lambda title: {"script": title.folder / "gone.srt", "language": Locale("es")}, r"--script: .*gone\.srt"),
    (lambda title: {"script": title.folder / "empty.srt", "language": Locale("es")}, r"empty\.srt has no lines"),
    (lambda title: {"out": title.folder / "talk.mp4"}, "cannot make the folder"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_cannot_work_is_said_before_any_work(
    title: Title, change: Callable[[Title], dict[str, object]], said: str
) -> None:
    (title.folder / "empty.srt").write_text("")
    with pytest.raises(BadInput, match=said) as caught:
        score_dub(title.job(**change(title)))
    assert caught.value.mend
    assert not (title.folder / "store").exists()


def test_a_file_that_is_no_video_is_named_with_its_option(title: Title) -> None:
    (title.folder / "notes.txt").write_text("no video at all")
    with pytest.raises(UnreadableMedia, match=r"--source .*notes\.txt"):
        score_dub(title.job(source=title.folder / "notes.txt"))


@pytest.mark.models
def test_a_language_that_the_recogniser_does_not_know_is_refused_before_any_work(title: Title) -> None:
    with pytest.raises(BadInput, match="--language kab: faster-whisper does not know Kabyle") as caught:
        score_dub(title.job(profile="embedded", language=Locale("kab")))
    assert caught.value.mend == "give what is said: --script FILE"
    assert not (title.folder / "store").exists()


def test_a_silent_source_is_named(title: Title) -> None:
    silent = title.folder / "silent.mp4"
    title.dub("0").rename(silent)
    title.dub()
    with pytest.raises(BadInput, match=r"--source .*silent\.mp4: nobody speaks in it"):
        score_dub(title.job(source=silent, source_script=None))


def test_the_command_prints_both_and_its_exit_code_is_the_verdict(
    title: Title, capsys: pytest.CaptureFixture[str]
) -> None:
    job = title.job()
    asked = [
        "score", str(job.video), "--source", str(job.source), "--from", "en", "--source-script", str(job.source_script),
        "--out", str(job.out), "--store", str(job.store), "--profile", job.profile,
    ]  # fmt: skip
    code = main([*asked, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["review"]["locale"] == "es"
    assert told["mouth"]["title"] == "peer"
    assert main(asked) == code
    printed = capsys.readouterr().out
    assert f"peer in es: {told['review']['verdict']}" in printed
    assert str(title.folder / "out" / "report.html") in "".join(printed.split("\n"))
    assert code == 0
    title.dub(duration=2.0)
    assert main([*asked, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "failed"


def test_the_verdict_is_the_worse_of_review_and_mouth(title: Title) -> None:
    scored = score_dub(title.job())
    failed = Finding(level=Level.FAILED, check="true_peak", message="too loud")
    worse = ScoredDub(
        mouth=scored.mouth, review=scored.review.model_copy(update={"findings": (failed,)}), html=scored.html
    )
    fine = ScoredDub(mouth=scored.mouth, review=scored.review.model_copy(update={"findings": ()}), html=scored.html)
    assert worse.verdict is Level.FAILED
    assert fine.verdict is scored.mouth.verdict
