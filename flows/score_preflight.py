"""Everything cheap that can go wrong with a score, checked before the first costly second."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from dub import media
from dub.artifact import Record
from dub.errors import BadInput, LanguageNotSupported, UnreadableMedia
from dub.plan import Plan
from dub.stage import Desk, EngineChoice
from dub.timed_script import parse
from engines import registry
from flows.preflight import choices, desk_for, read_plan
from flows.publish import check_writable
from lang.bcp47 import Locale
from lang.registry import name_of

OF_MOUTH = ("separation", "face")
OF_WORDS = ("aligner", "asr")
OF_REPORT = ("speaker", "speech_quality", "language_id")


class ScoreJob(Record):
    """What to score. `source`: the video it was made from. Of the words, at most one: `script` (a timed script), `text`
    (the words alone); with neither they are recognised, with `words` False left out. `language`: of the words.
    `source_language`, `source_script`: what is spoken in the source, and its timed script in place of recognition."""

    video: Path
    out: Path
    source: Path | None = None
    script: Path | None = None
    text: str = ""
    language: Locale | None = None
    words: bool = True
    source_language: Locale | None = None
    source_script: Path | None = None
    profile: str = "embedded"
    store: Path | None = None

    @property
    def title(self) -> str:
        return self.video.stem


class PreparedScore(Record):
    """A job whose every engine and file has been checked."""

    job: ScoreJob
    plan: Plan
    desk: Desk
    engines: dict[str, tuple[EngineChoice, ...]]

    def engine(self, family: str) -> EngineChoice:
        return self.engines[family][0]


def check_score(job: ScoreJob, *, wanted: Literal["mouth", "report"]) -> PreparedScore:
    """Raises BadInput and EngineUnavailable, naming the option and the mend. Reads no media but its header."""
    _check_video("VIDEO", job.video)
    if job.source is not None:
        _check_video("--source", job.source)
    elif job.source_language or job.source_script:
        option = "--source-script" if job.source_script else "--from"
        raise BadInput(f"{option} tells of a source, and none is given", mend="add --source, or leave it out")
    _check_script("--script", job.script, "--language", job.language)
    _check_script("--source-script", job.source_script, "--from", job.source_language)
    plan = read_plan(job.profile)
    plan.limits()
    families = [*OF_MOUTH, *(OF_WORDS if job.words else ()), *(OF_REPORT if wanted == "report" else ())]
    if wanted == "mouth" and job.script is not None:
        families.remove("asr")
    engines = {family: choices(plan, family) for family in families}
    for ear in engines.get("asr", ()):
        _check_heard("--language", job.language, "--script", job.script, ear)
        _check_heard("--from", job.source_language, "--source-script", job.source_script, ear)
    check_writable(job.out)
    return PreparedScore(job=job, plan=plan, desk=desk_for(job.store, f"score of {job.title}", plan), engines=engines)


def _check_video(option: str, path: Path) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise BadInput(f"{option}: {path} {what}", mend="give the path of one file")
    media.ffmpeg_exe()
    try:
        streams = media.probe(path)["streams"]
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{option} {path}: {str(error).splitlines()[0]}", mend=error.mend) from error
    if media.video_stream(streams) is None:
        raise UnreadableMedia(f"{option} {path} has no video stream", mend="give a file with a moving picture")


def _check_heard(
    option: str, language: Locale | None, script_option: str, script: Path | None, ear: EngineChoice
) -> None:
    """A language that is to be recognised must be one that the recogniser knows."""
    if language is not None and script is None and not registry.spec("asr", ear.id).supports(language):
        raise LanguageNotSupported(
            f"{option} {language}: {ear.id} does not know {name_of(language)}",
            mend=f"give what is said: {script_option} FILE",
        )


def _check_script(option: str, path: Path | None, language_option: str, language: Locale | None) -> None:
    if path is None:
        return
    if not path.is_file():
        raise BadInput(f"{option}: {path} does not exist", mend="give the path of a timed script")
    if language is None:
        raise BadInput(f"{option}: the language of {path.name} is not known", mend=f"say it: {language_option} es")
    if path.suffix.lower() != ".json":  # one of our own records has no cues; `read_script` reads both
        parse(path.read_bytes(), path.name, source=language)
