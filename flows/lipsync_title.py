"""The other story: one video and a dub that somebody brings become the video whose lips say the dub.

Built of the same stages as flows/dub_title.py wherever it does the same; nothing is translated, spoken or mixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from dub.artifact import Record
from dub.dubbed_locale import DubbedLocale
from dub.errors import BadInput, UnreadableMedia
from dub.finding import Level, Review
from dub.given_dub import AlignedSpeech, Length, Way
from dub.lips import LipSync
from dub.media import audio_stream, probe, video_stream
from dub.plan import GivenFile, Plan
from dub.script import DubScript
from dub.source import Source
from dub.stage import Desk, EngineChoice
from flows.disclosing import check_disclosures, with_disclosure
from flows.lips import move_lips
from flows.preflight import choices, desk_for, read_plan
from flows.publish import leave_quarantine, publish, publish_text
from lang.bcp47 import Locale
from tasks.align_speech import align_speech
from tasks.build_mouth_bank import build_mouth_bank
from tasks.diarize import diarize
from tasks.find_dubbed_faces import find_dubbed_faces
from tasks.find_speaking_faces import find_speaking_faces
from tasks.ingest import ingest
from tasks.learn_lips import learn_lips
from tasks.mark_speech import mark_speech
from tasks.match_length import match_length
from tasks.mux_sound import mux_sound
from tasks.policy import Work, submit
from tasks.report import report, review_json
from tasks.review_lips import review_lips
from tasks.separate import separate
from tasks.track_faces import track_faces

FAMILIES = ("separation", "asr", "aligner", "speaker", "face", "lipsync")


class LipSyncJob(Record):
    """One video, one sound. `text`: what the sound says, or the path of a file with it, plain or timed. `locale`: of
    the sound; None: found. `report`: measure the result, and write what was found beside it."""

    video: Path
    audio: Path
    out: Path
    text: str | None = None
    locale: Locale | None = None
    from_audio: bool = False
    length: Length = "same"
    report: bool = False
    profile: str = "embedded"
    n_speakers: int | None = Field(default=None, ge=1)
    store: Path | None = None


class LipSyncOutcome(Record):
    """The end. `way`: what moved the lips; `correlation`: of the speaker least well learned, where sound alone did;
    `reasons`: what a person should know; `files`: the video first."""

    way: Way
    locale: Locale
    n_frames: int
    n_rendered: int
    correlation: float | None
    verdict: Level
    reasons: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Prepared:
    job: LipSyncJob
    plan: Plan
    desk: Desk
    engines: dict[str, tuple[EngineChoice, ...]]
    text: GivenFile | None

    def engine(self, family: str) -> EngineChoice:
        return self.engines[family][0]


def lipsync_title(job: LipSyncJob) -> LipSyncOutcome:
    """Move the lips of `job.video` to `job.audio` and write `job.out`.

    Raises BadInput before any work for what cannot be right; NoSpeech where the sound has no speech; BadInput where
    nobody is seen speaking in the video, or where sound alone has to move lips that do not follow sound.
    """
    prepared = check_lipsync(job)
    desk, store = prepared.desk, prepared.desk.open_store()
    original = store.put_copy(job.video, "video/*")
    given = store.put_copy(job.audio, "audio/*")
    ingested = submit(ingest, desk, original, job.video.stem)
    # Of one length with the sound, before anything is measured on the picture.
    sound = submit(match_length, desk, ingested, given, job.audio.name, job.length).result()
    source = sound.source
    dub_stems = submit(separate, desk, sound.dubbed, prepared.engine("separation"), label="separate dub")
    speech = submit(
        align_speech, desk, sound.dubbed, dub_stems, prepared.text, job.locale, job.from_audio,
        prepared.engine("asr"), prepared.engine("aligner"),
    )  # fmt: skip
    stems = submit(separate, desk, source, prepared.engine("separation"))
    track = submit(track_faces, desk, source, prepared.engine("face"))
    turns = submit(diarize, desk, stems, prepared.engines["speaker"], job.n_speakers)
    script = submit(mark_speech, desk, source, stems, turns)
    on_screen = submit(find_speaking_faces, desk, source, stems, script, track)
    bank = submit(build_mouth_bank, desk, source, track, stems, script, on_screen, prepared.engine("lipsync"))
    spoken = submit(find_dubbed_faces, desk, script, on_screen, speech)
    learned = submit(
        learn_lips, desk, source, track, stems, script, on_screen, spoken, prepared.engine("lipsync")
    ).result()  # sound that cannot move these lips is refused before frames are rendered
    lips = move_lips(
        desk, source, track, stems, script, spoken.result().on_screen, bank, spoken.result().timeline,
        prepared.engine("lipsync"), wording=prepared.plan.wording_for(speech.result().timeline.locale, "lips"),
    ).picture  # fmt: skip
    _require_moved(lips.result(), source, script.result())
    synced = submit(mux_sound, desk, sound, lips)
    review = None
    if job.report:
        reviewed = submit(
            review_lips, desk, sound, script, speech, spoken, learned, track, lips, synced, prepared.engine("face"),
            label="review",
        )  # fmt: skip
        review = with_disclosure(reviewed.result(), lips.result(), synced.result())
    plan, folder = prepared.plan, job.out.parent
    place = folder / (plan.folder_for(review.verdict) if review else "") / job.out.name
    publish(store, synced.result().video, place)
    if place == job.out:
        leave_quarantine(plan, folder, [job.out.name])
    files: tuple[Path, ...] = (place,)
    if review:
        files += _write_report(prepared, source, script, place, review)
    return _outcome(speech.result(), lips.result(), [own.correlation for own in learned.faces], review, files)


def check_lipsync(job: LipSyncJob) -> _Prepared:
    """Refuse what cannot work in a second, naming it and the mend."""
    for what, path in (("video", job.video), ("--audio", job.audio)):
        if not path.is_file():
            raise BadInput(f"the {what} {path} does not exist", mend="give the path of one file")
    if video_stream(_streams(job.video)) is None:
        raise UnreadableMedia(f"the video {job.video} has no picture", mend="give a file with a moving picture")
    if audio_stream(_streams(job.audio)) is None:
        raise UnreadableMedia(f"--audio {job.audio} has no sound", mend="give a sound file")
    if job.from_audio and job.text is not None:
        raise BadInput(
            "--from-audio and --text exclude each other", mend="leave --from-audio out: text moves lips better"
        )
    if job.out.resolve() in (job.video.resolve(), job.audio.resolve()):
        raise BadInput(f"--out {job.out} would replace what it is made from", mend="give another name with --out")
    if job.out.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise BadInput(f"--out {job.out}: the result is an MP4", mend="give a name that ends in .mp4")
    job.out.parent.mkdir(parents=True, exist_ok=True)
    plan = read_plan(job.profile)
    check_disclosures(plan, [job.locale] if job.locale else [], "lips")
    desk = desk_for(job.store, job.video.stem, plan)
    engines = {family: choices(plan, family) for family in FAMILIES}
    return _Prepared(job=job, plan=plan, desk=desk, engines=engines, text=_given_text(desk, job.text))


def _streams(path: Path) -> list[dict[str, object]]:
    try:
        streams: list[dict[str, object]] = probe(path)["streams"]
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{path}: {str(error).splitlines()[0]}", mend=error.mend) from error
    return streams


def _given_text(desk: Desk, text: str | None) -> GivenFile | None:
    """A file's content and name, or the words themselves: whatever is no file and looks like none."""
    if text is None:
        return None
    store, path = desk.open_store(), Path(text)
    with_suffix = len(text) < 256 and path.suffix.lower() in (".txt", ".srt", ".vtt", ".csv", ".tsv", ".json")
    if len(text) < 256 and path.is_file():
        return GivenFile(artifact=store.put_copy(path, "text/plain"), name=path.name)
    if with_suffix and " " not in text:
        raise BadInput(
            f"--text {text} does not exist", mend="give the path of a text or script, or the words themselves"
        )
    return GivenFile(artifact=store.put_bytes(text.encode(), "text/plain"), name="--text")


def _require_moved(lips: LipSync, source: Source, script: DubScript) -> None:
    """A video in which no mouth could be moved is no result."""
    if lips.n_rendered:
        return
    why = max(lips.counts, key=lips.counts.__getitem__)
    heard = "" if script.utterances else "; nobody speaks in it, and lips are learned from a talking face"
    raise BadInput(
        f"no mouth was moved in {source.title!r}: {why} ({lips.counts[why]} of {lips.n_frames} frames){heard}",
        mend="give a video that shows its speaker's face, talking",
    )


def _write_report(
    prepared: _Prepared, source: Source, script: Work[DubScript], video: Path, review: Review
) -> tuple[Path, ...]:
    """The measurements as JSON and as a page beside the place that the user named, wherever the video went."""
    job, desk = prepared.job, prepared.desk
    end = DubbedLocale(locale=review.locale, review=review, video=video.relative_to(job.out.parent).as_posix())
    page = report(desk, source.title, source, script.result(), (end,))
    html, table = job.out.with_suffix(".report.html"), job.out.with_suffix(".report.json")
    publish(desk.open_store(), page.html, html)
    publish_text(review_json(review), table)
    return html, table


def _outcome(
    speech: AlignedSpeech, lips: LipSync, correlations: list[float], review: Review | None, files: tuple[Path, ...]
) -> LipSyncOutcome:
    findings = review.findings if review else speech.findings
    levels = {finding.level for finding in findings}
    verdict = next((level for level in (Level.FAILED, Level.DEGRADED) if level in levels), Level.OK)
    return LipSyncOutcome(
        way=speech.way,
        locale=speech.timeline.locale,
        n_frames=lips.n_frames,
        n_rendered=lips.n_rendered,
        correlation=min(correlations, default=None),
        verdict=verdict,
        reasons=tuple(finding.message for finding in findings if finding.level is not Level.OK),
        files=files,
    )
