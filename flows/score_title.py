"""The story of a score: one video, heard, looked at and measured, against the one it was made from if that is given."""

from __future__ import annotations

from pathlib import Path

from dub.artifact import Record
from dub.errors import BadInput, NoSpeech
from dub.score import MouthScore
from dub.script import DubScript
from dub.source import Source, Stems
from dub.stage import Desk, EngineChoice
from dub.turns import Turns
from flows.preflight import choices, desk_for, read_plan
from flows.publish import publish, publish_text
from lang.bcp47 import Locale
from tasks.find_speaking_faces import find_speaking_faces
from tasks.ingest import ingest
from tasks.policy import Work, submit
from tasks.read_script import read_script
from tasks.score import Against, say_when, score_mouth
from tasks.separate import separate
from tasks.track_faces import track_faces
from tasks.transcribe import transcribe


class ScoreJob(Record):
    """What to score. `source`: the video it was made from. Of the words, at most one: `script` (a timed script), `text`
    (the words alone); with neither they are recognised, with `words` False left out. `language`: of the words."""

    video: Path
    out: Path
    source: Path | None = None
    script: Path | None = None
    text: str = ""
    language: Locale | None = None
    words: bool = True
    profile: str = "embedded"
    store: Path | None = None


def score_title(job: ScoreJob) -> MouthScore:
    """Score one video; writes `<name>.score.html` and `.json` under `job.out`.

    Raises BadInput and EngineUnavailable before any work. A video in which nobody speaks is scored without words.
    """
    desk, engines = _prepared(job)
    video = _ingested(desk, job.video)
    stems = submit(separate, desk, video, engines["separation"])
    track = submit(track_faces, desk, video, engines["face"])
    against = _source(desk, job.source, engines["face"])
    script = _script(desk, job, video, stems, engines)
    said = submit(say_when, desk, video, stems, script, job.text, engines["aligner"]).result() if script else None
    on_screen = None
    if script is not None and track.result().n_faces > 1:
        on_screen = submit(find_speaking_faces, desk, video, stems, script, track).result()
    score = submit(score_mouth, desk, video, stems, track, script, said, on_screen, against).result()
    store, stem = desk.open_store(), job.video.stem
    if score.page is not None:
        publish(store, score.page, job.out / f"{stem}.score.html")
    publish_text(score.model_dump_json(indent=1), job.out / f"{stem}.score.json")
    return score


def _prepared(job: ScoreJob) -> tuple[Desk, dict[str, EngineChoice]]:
    """Everything cheap that can go wrong."""
    for path in (job.video, job.source, job.script):
        if path is not None and not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise BadInput(f"{path} {what}", mend="give the path of one file")
    if job.script is not None and job.language is None:
        raise BadInput(f"the language of {job.script.name} is not known", mend="say it: --language es")
    plan = read_plan(job.profile)
    needed = ["separation", "face", *(["aligner"] if job.words else [])]
    if job.words and job.script is None:
        needed.append("asr")
    engines = {family: choices(plan, family)[0] for family in needed}
    job.out.mkdir(parents=True, exist_ok=True)
    return desk_for(job.store, job.video.stem, plan), engines


def _ingested(desk: Desk, path: Path) -> Source:
    original = desk.open_store().put_copy(path, "video/*")
    return submit(ingest, desk, original, path.stem, label=f"ingest {path.stem}").result()


def _source(desk: Desk, path: Path | None, face: EngineChoice) -> Against | None:
    if path is None:
        return None
    source = _ingested(desk, path)
    track = submit(track_faces, desk, source, face, label=f"track_faces {path.stem}")
    return Against(source=source, track=track.result())


def _script(
    desk: Desk, job: ScoreJob, video: Source, stems: Work[Stems], engines: dict[str, EngineChoice]
) -> DubScript | None:
    if not job.words:
        return None
    if job.script is not None:
        given = desk.open_store().put_copy(job.script, "text/plain")
        return submit(read_script, desk, given, job.script.name, job.language, video, Turns()).result()
    try:
        return submit(transcribe, desk, video, stems, Turns(), job.language, engines["asr"]).result()
    except NoSpeech:
        return None
