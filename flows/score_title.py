"""The story of a mouth's score: one video, heard, looked at and measured, against the one it was made from if given."""

from __future__ import annotations

from pathlib import Path

from dub.errors import NoSpeech
from dub.score import MouthScore
from dub.script import DubScript, Timeline
from dub.source import FaceTrack, Source, Stems
from dub.turns import NOT_TOLD_APART, Turns
from flows.publish import publish, publish_text
from flows.score_preflight import PreparedScore, ScoreJob, check_score
from lang.bcp47 import Locale
from tasks.find_speaking_faces import find_speaking_faces
from tasks.ingest import ingest
from tasks.policy import Work, submit
from tasks.read_script import read_script
from tasks.score import Against, say_when, score_mouth
from tasks.separate import separate
from tasks.track_faces import track_faces
from tasks.transcribe import transcribe


def score_title(job: ScoreJob) -> MouthScore:
    """Score one video's mouth; writes `<name>.score.html` and `.json` under `job.out`.

    Raises BadInput and EngineUnavailable before any work. A video in which nobody speaks is scored without words.
    """
    prepared = check_score(job, wanted="mouth")
    desk = prepared.desk
    with desk.at_work():
        video = ingested(prepared, job.video)
        stems = submit(separate, desk, video, prepared.engine("separation"))
        track = submit(track_faces, desk, video, prepared.engine("face"))
        against = None
        if job.source is not None:
            source = ingested(prepared, job.source).result()
            their_track = submit(track_faces, desk, source, prepared.engine("face"), label="track_faces source")
            against = Against(source=source, track=their_track.result())
        script = heard_script(prepared, video, stems) if job.words else None
        said = submit(say_when, desk, video, stems, script, job.text, prepared.engine("aligner")) if script else None
        score = measured_mouth(prepared, video, stems, track, script, said, against)
        publish_mouth(prepared, score.result())
        return score.result()


def measured_mouth(
    prepared: PreparedScore,
    video: Work[Source],
    stems: Work[Stems],
    track: Work[FaceTrack],
    script: DubScript | None,
    said: Work[Timeline] | None,
    against: Against | None,
) -> Work[MouthScore]:
    """Where several faces are seen, whose mouth speaks is found first."""
    desk, on_screen = prepared.desk, None
    if script is not None and track.result().n_faces > 1:
        label = f"find_speaking_faces {prepared.job.title}"
        on_screen = submit(find_speaking_faces, desk, video, stems, script, track, label=label).result()
    return submit(score_mouth, desk, video, stems, track, script, said and said.result(), on_screen, against)


def publish_mouth(prepared: PreparedScore, score: MouthScore) -> None:
    job, store = prepared.job, prepared.desk.open_store()
    if score.page is not None:
        publish(store, score.page, job.out / f"{job.title}.score.html")
    publish_text(score.model_dump_json(indent=1), job.out / f"{job.title}.score.json")


def ingested(prepared: PreparedScore, path: Path) -> Work[Source]:
    original = prepared.desk.open_store().put_copy(path, "video/*")
    return submit(ingest, prepared.desk, original, path.stem, label=f"ingest {path.stem}")


def heard_script(prepared: PreparedScore, video: Work[Source], stems: Work[Stems]) -> DubScript | None:
    """What is said in the video under test, given or recognised; None where nobody speaks."""
    job, label = prepared.job, f"transcribe {prepared.job.title}"
    if job.script is not None:
        assert job.language is not None
        return given_script(prepared, job.script, job.language, video, NOT_TOLD_APART).result()
    try:
        return submit(
            transcribe, prepared.desk, video, stems, NOT_TOLD_APART, job.language, prepared.engine("asr"), label=label
        ).result()
    except NoSpeech:
        return None


def given_script(
    prepared: PreparedScore, path: Path, locale: Locale, video: Work[Source], turns: Turns | Work[Turns]
) -> Work[DubScript]:
    given = prepared.desk.open_store().put_copy(path, "text/plain")
    return submit(read_script, prepared.desk, given, path.name, locale, video, turns, label=f"read_script {path.name}")
