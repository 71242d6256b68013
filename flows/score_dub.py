"""The story of a whole score: a dub made by anybody, reviewed as our own are, with the report they have.

The source goes through the very stages of flows/dub_title.py, so one that was dubbed before costs nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dub.artifact import Record
from dub.dubbed_locale import DubbedLocale
from dub.effort import effort
from dub.errors import BadInput, NoSpeech
from dub.finding import Level, Review
from dub.foreign_dub import DubbedFrom, HeardDub, MovedMouths
from dub.heard_dub import laid_over
from dub.on_screen import OnScreen
from dub.prosody import SourceProsody
from dub.score import MouthScore
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.turns import Turns
from flows.outcome import by_stage, sharing, works_of
from flows.publish import publish
from flows.publish_review import publish_review
from flows.score_preflight import PreparedScore, ScoreJob, check_score
from flows.score_title import given_script, heard_script, ingested, measured_mouth, publish_mouth
from tasks.diarize import diarize
from tasks.find_moved_mouths import find_moved_mouths
from tasks.find_speaking_faces import find_speaking_faces
from tasks.measure_prosody import measure_prosody
from tasks.policy import Work, submit
from tasks.preview import Preview, preview
from tasks.report import report
from tasks.review_foreign import UNKNOWN_LANGUAGE, review_foreign
from tasks.score import Against, say_when
from tasks.separate import separate
from tasks.track_faces import track_faces
from tasks.transcribe import transcribe

JUDGES = ("asr", "speaker", "face", "speech_quality", "language_id")
UNHEARD = "…"
"""Stands for the source's words where no source is known."""


class ScoredDub(Record):
    """How a dub came out: its mouth, its review, and the report's page."""

    mouth: MouthScore
    review: Review
    html: Path

    @property
    def verdict(self) -> Level:
        """The worse of the two."""
        levels = (self.mouth.verdict, self.review.verdict)
        return next((level for level in (Level.FAILED, Level.DEGRADED) if level in levels), Level.OK)


@dataclass(frozen=True)
class SourceStory:
    """What is known of the source, by the stages that `polydub dub` knows it by."""

    source: Work[Source]
    stems: Work[Stems]
    turns: Work[Turns]
    track: Work[FaceTrack]
    script: Work[DubScript]
    on_screen: Work[OnScreen]
    prosody: Work[SourceProsody]
    preview: Work[Preview]


@dataclass(frozen=True)
class DubStory:
    """What is known of the dub. `said`, `moved`: None where nobody is heard in it, or nothing is its source."""

    video: Work[Source]
    stems: Work[Stems]
    track: Work[FaceTrack]
    said: Work[Timeline] | None
    moved: Work[MovedMouths] | None
    mouth: Work[MouthScore]
    review: Work[Review]
    preview: Work[Preview]


def score_dub(job: ScoreJob) -> ScoredDub:
    """Review one finished dub; writes the report, `NAME.LOCALE.report.json` and the mouth's score under `job.out`.

    Raises BadInput and EngineUnavailable before any work, and BadInput where nobody speaks in the source.
    """
    prepared = check_score(job, wanted="report")
    with prepared.desk.at_work():
        of = _source_story(prepared) if job.source is not None else None
        dub, lines = _dub_story(prepared, of)
        return _published(prepared, of, dub, lines)


def _source_story(prepared: PreparedScore) -> SourceStory:
    job, desk = prepared.job, prepared.desk
    assert job.source is not None
    name = job.source.stem

    def step(stage: str) -> str:
        return f"{stage} {name}"

    source = ingested(prepared, job.source)
    stems = submit(separate, desk, source, prepared.engine("separation"), label=step("separate"))
    track = submit(track_faces, desk, source, prepared.engine("face"), label=step("track_faces"))
    turns = submit(diarize, desk, stems, prepared.engines["speaker"], None, label=step("diarize"))
    if job.source_script is not None:
        assert job.source_language is not None
        script = given_script(prepared, job.source_script, job.source_language, source, turns)
    else:
        ear = prepared.engine("asr")
        script = submit(transcribe, desk, source, stems, turns, job.source_language, ear, label=step("transcribe"))
    on_screen = submit(find_speaking_faces, desk, source, stems, script, track, label=step("find_speaking_faces"))
    prosody = submit(measure_prosody, desk, stems, script, label=step("measure_prosody"))
    player = submit(preview, desk, source, label=step("preview"))
    return SourceStory(source, stems, turns, track, script, on_screen, prosody, player)


def _dub_story(prepared: PreparedScore, of: SourceStory | None) -> tuple[DubStory, DubScript | None]:
    """The dub, and its lines under the source's ids; None where nobody speaks."""
    job, desk = prepared.job, prepared.desk

    def step(stage: str) -> str:
        return f"{stage} {job.title} (dub)"

    video = ingested(prepared, job.video)
    stems = submit(separate, desk, video, prepared.engine("separation"), label=step("separate"))
    track = submit(track_faces, desk, video, prepared.engine("face"), label=step("track_faces"))
    player = submit(preview, desk, video, label=step("preview"))
    lines = heard_script(prepared, video, stems)
    spoken = _source_script(of, job) if of is not None else None
    if lines is not None and spoken is not None:
        lines = laid_over(spoken, lines)
    said = moved = None
    if lines is not None:
        said = submit(say_when, desk, video, stems, lines, job.text, prepared.engine("aligner"))
        if of is not None:
            moved = submit(find_moved_mouths, desk, of.source, video, of.script, said, of.track, of.on_screen)
    against = Against(source=of.source.result(), track=of.track.result()) if of else None
    mouth = measured_mouth(prepared, video, stems, track, lines, said, against)
    heard = None
    if lines is not None and said is not None:
        heard = HeardDub(lines=lines, said=said.result(), are_given=bool(job.script or job.text))
    judges = tuple(engine for family in JUDGES for engine in prepared.engines[family])
    review = submit(
        review_foreign, desk, video, stems, track, heard, job.language, _dubbed_from(of, moved), mouth,
        prepared.plan.target_lufs, judges, prepared.plan.limits(),
    )  # fmt: skip
    return DubStory(video, stems, track, said, moved, mouth, review, player), lines


def _source_script(of: SourceStory, job: ScoreJob) -> DubScript:
    try:
        return of.script.result()
    except NoSpeech as error:
        raise BadInput(
            f"--source {job.source}: nobody speaks in it, so there is nothing to hold the dub against",
            mend="leave --source out, or give what it says: --source-script FILE --from LOCALE",
        ) from error


def _dubbed_from(of: SourceStory | None, moved: Work[MovedMouths] | None) -> DubbedFrom | None:
    if of is None:
        return None
    return DubbedFrom(
        source=of.source.result(),
        stems=of.stems.result(),
        script=of.script.result(),
        track=of.track.result(),
        on_screen=of.on_screen.result(),
        prosody=of.prosody.result(),
        moved=moved.result() if moved else None,
    )


def _published(prepared: PreparedScore, of: SourceStory | None, dub: DubStory, lines: DubScript | None) -> ScoredDub:
    job, store = prepared.job, prepared.desk.open_store()
    review = dub.review.result()
    publish_mouth(prepared, dub.mouth.result())
    stem = f"{job.title}.{review.locale}"
    files = {"preview.mp4": dub.preview.result().video}
    if "mouths" in review.figures:
        files["mouths.svg"] = review.figures["mouths"]
    names = {ending: f"{stem}.{ending}" for ending in files}
    for ending, artifact in files.items():
        publish(store, artifact, job.out / names[ending])
    source_video = f"{job.title}.source.mp4" if of else ""
    if of:
        publish(store, of.preview.result().video, job.out / source_video)
    works, shared = works_of(dub), works_of(of) if of else ()
    made = DubbedLocale(
        locale=review.locale,
        review=review,
        video=names["preview.mp4"],
        timeline=dub.said.result() if dub.said else None,
        seconds=by_stage(works),
        effort=effort(works, prepared.plan.prices, output_s=float(dub.video.result().video.duration)),
        mouths=names.get("mouths.svg", ""),
    )
    (made,) = sharing([publish_review(made, job.out / f"{stem}.report.json")], effort(shared, prepared.plan.prices))
    page = report(
        prepared.desk, job.title, (of.source if of else dub.video).result(), _script_of_page(of, dub, lines), (made,),
        source_video=source_video, seconds=by_stage(shared), plan=prepared.plan, families=tuple(prepared.engines),
    )  # fmt: skip
    for name, artifact in page.files(job.title).items():
        publish(store, artifact, job.out / name)
    return ScoredDub(mouth=dub.mouth.result(), review=review, html=job.out / "report.html")


def _script_of_page(of: SourceStory | None, dub: DubStory, lines: DubScript | None) -> DubScript:
    """The source's; without one the dub's own lines, of which nobody knows what they were made from."""
    if of is not None:
        return of.script.result()
    utterances = lines.utterances if lines else ()
    return DubScript(
        source_locale=UNKNOWN_LANGUAGE,
        duration=dub.video.result().video.duration,
        utterances=tuple(line.model_copy(update={"text": UNHEARD, "words": ()}) for line in utterances),
        recogniser="none",
    )
