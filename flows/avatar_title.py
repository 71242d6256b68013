"""The portrait's story: one photo, a voice and a text become a talking video in N languages.

As in flows/dub_title.py every line submits one stage, and what depends only on the photo, the voice or the text is done
once. There is no source video, so there are no slots: every language has its own length.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from dub.avatar import AvatarJob, Performed, Portrait, Talk
from dub.back_translation import BackTranslation
from dub.cast import Cast
from dub.dubbed_locale import DubbedLocale
from dub.effort import StageWork, effort
from dub.errors import DubError
from dub.finding import Review
from dub.lips import LipSync
from dub.mix import Dub, Mix
from dub.plan import GivenFile
from dub.script import DubScript, Takes, Translation
from dub.source import Source, Stems
from dub.subtitles import Subtitles
from dub.turns import Turns
from flows.avatar_preflight import PreparedAvatar, check_avatar
from flows.disclosing import with_disclosure
from flows.outcome import RunReport, by_stage, failed_review, root_cause, sharing, works_of
from flows.preflight import find_way_back, find_ways
from flows.publish import publish, publish_files
from flows.publish_review import publish_review
from flows.watched import watched
from lang.bcp47 import Locale
from tasks.animate_portrait import animate_portrait
from tasks.draw_disclosure import draw_portrait_disclosure
from tasks.enlarge import enlarge
from tasks.enroll import cast_for, enroll
from tasks.film_voice import film_voice, hear_voice
from tasks.ingest import ingest
from tasks.mix import mix
from tasks.place_freely import place_freely
from tasks.policy import Work, submit
from tasks.pose_photo import pose_photo
from tasks.read_talk import as_written, read_talk
from tasks.remux import remux
from tasks.report import report
from tasks.review_portrait import review_portrait
from tasks.seal import seal
from tasks.separate import separate
from tasks.speak_freely import speak_freely
from tasks.subtitle import subtitle
from tasks.transcribe import transcribe
from tasks.translate import translate
from tasks.translate_back import translate_back


@dataclass(frozen=True)
class OncePerPortrait:
    """What every language shares. `talk`: the text that is translated, None where every language has its own."""

    portrait: Work[Portrait]
    voice: Work[Source]
    stems: Work[Stems]
    voice_script: Work[DubScript]
    talk: Work[Talk] | None
    casts: dict[str, Work[Cast]]


@dataclass(frozen=True)
class SpokenLocale:
    """One language until its length is known."""

    locale: Locale
    talk: Work[Talk]
    translation: Work[Translation]
    cast: Work[Cast]
    takes: Work[Takes]
    performed: Work[Performed]


@dataclass(frozen=True)
class ShownLocale:
    """One language from its sound to its file. `picture`: `animated`, or that enlarged."""

    spoken: SpokenLocale
    animated: Work[LipSync]
    picture: Work[LipSync]
    mix: Work[Mix]
    subtitles: Work[Subtitles]
    dub: Work[Dub]
    back: Work[BackTranslation] | None
    review: Work[Review]


def avatar_title(job: AvatarJob) -> RunReport:
    """Make one photo talk in every target. A language that fails never stops the others.

    Raises BadInput (no consent, a photo that cannot be used, too little of the voice) and EngineUnavailable before any
    costly work.
    """
    prepared = check_avatar(job, date.today())
    with prepared.desk.at_work(), watched(prepared.title, job.targets, job.out) as watch:
        shared = prepare_portrait(prepared)
        spoken = [_speak(locale, prepared, shared) for locale in job.targets]
        shown = [_show(each, prepared, shared) for each in spoken]
        finished = [_publish_locale(prepared, each) for each in shown]
        return watch.ended(_publish_report(prepared, shared, finished))


def prepare_portrait(prepared: PreparedAvatar) -> OncePerPortrait:
    """The photo, the voice and the text, each refused here, once, if it is not fit."""
    desk, job = prepared.desk, prepared.job
    store = desk.open_store()
    photo, recording = store.put_copy(job.photo, "image/*"), store.put_copy(job.voice, "audio/*")
    portrait = submit(pose_photo, desk, photo, job.photo.name, job.long_side_px, prepared.engine("portrait"))
    talk = _talk(prepared, job.script, job.source_locale) if job.script else None
    portrait.result()
    language = talk.result().script.source_locale if talk else job.targets[0]
    film = submit(film_voice, desk, recording, job.voice.name, portrait).result()
    voice = submit(ingest, desk, film.video, prepared.title)
    stems = submit(separate, desk, voice, prepared.engine("separation"))
    voice_script = submit(hear_voice, desk, voice, stems, job.voice.name, language)
    voice_script.result()
    return OncePerPortrait(portrait, voice, stems, voice_script, talk, _casts(prepared, voice, stems, voice_script))


def _casts(
    prepared: PreparedAvatar, voice: Work[Source], stems: Work[Stems], voice_script: Work[DubScript]
) -> dict[str, Work[Cast]]:
    """The voice for every engine that speaks, by the engine's fingerprint."""
    from engines import registry

    desk = prepared.desk
    encoders = prepared.engines["speaker"]
    judge = encoders[1] if len(encoders) > 1 else None
    consent = {line.speaker: prepared.consent for line in voice_script.result().utterances}
    casts = {}
    for tts in {tts.fingerprint: tts for tts in prepared.voices.values()}.values():
        script = voice_script
        if registry.spec("tts", tts.id).capabilities.get("needs_transcript"):
            script = submit(transcribe, desk, voice, stems, Turns(), None, prepared.engine("asr"))
        casts[tts.fingerprint] = submit(
            enroll, desk, script, stems, tts, encoders[0], judge, None, consent, label=f"enroll {tts.id}"
        )
    return casts


def _talk(prepared: PreparedAvatar, path: Any, locale: Locale | None) -> Work[Talk]:
    artifact = prepared.desk.open_store().put_copy(path, "text/plain")
    label = f"read_talk {locale}" if locale else "read_talk"
    return submit(read_talk, prepared.desk, artifact, path.name, locale, prepared.engine("language_id"), label=label)


def _speak(locale: Locale, prepared: PreparedAvatar, shared: OncePerPortrait) -> SpokenLocale | DubbedLocale:
    """One language on its way; or its end, when the text cannot be translated into it."""
    try:
        talk, translation = _lines(locale, prepared, shared)
    except DubError as error:
        return DubbedLocale(locale=locale, review=failed_review(locale, error))
    desk, tts, encoder = prepared.desk, prepared.voices[locale], prepared.engine("speaker")
    unfitted = shared.casts[tts.fingerprint]
    cast = submit(cast_for, desk, unfitted, locale, tts, encoder, prepared.engine("asr"), label=f"cast {locale}")
    aligner = prepared.engine("aligner")
    takes = submit(speak_freely, desk, translation, cast, tts, aligner, label=f"speak {locale}")
    title, portrait = prepared.title, shared.portrait
    performed = submit(place_freely, desk, title, talk, takes, portrait, label=f"place {locale}")
    return SpokenLocale(locale, talk, translation, cast, takes, performed)


def _lines(locale: Locale, prepared: PreparedAvatar, shared: OncePerPortrait) -> tuple[Work[Talk], Work[Translation]]:
    """What is said in a language: the user's own lines, the text itself in its own language, else its translation."""
    desk, job = prepared.desk, prepared.job
    label = f"translate {locale}"
    if locale in job.scripts:
        own = _talk(prepared, job.scripts[locale], locale)
        return own, submit(as_written, desk, own, locale, label=label)
    assert shared.talk is not None
    source = shared.talk.result().script.source_locale
    if locale.language == source.language:
        return shared.talk, submit(as_written, desk, shared.talk, locale, label=label)
    routes = find_ways(prepared.as_job, prepared.plan, source, locale)
    memory, glossary = _given(prepared, job.memory), _given(prepared, job.glossary)
    script = shared.talk.result().script
    guard = prepared.engine("language_id")
    return shared.talk, submit(translate, desk, script, locale, routes, guard, memory, glossary, label=label)


def _show(
    spoken: SpokenLocale | DubbedLocale, prepared: PreparedAvatar, shared: OncePerPortrait
) -> ShownLocale | DubbedLocale:
    """The picture and the file of a language whose length is known; or its end, when it could not be spoken."""
    if isinstance(spoken, DubbedLocale):
        return spoken
    locale, desk, portrait = spoken.locale, prepared.desk, shared.portrait
    try:
        title = spoken.performed.result()
    except Exception as error:
        cause = root_cause(error, shared, spoken)
        return DubbedLocale(locale=locale, review=failed_review(locale, cause))
    families = ("asr", "speaker", "face", "speech_quality", "language_id")
    judges = tuple(engine for family in families for engine in prepared.engines[family])

    def step(name: str) -> str:
        return f"{name} {locale}"

    disclosure = None
    if (wording := prepared.plan.wording_for(locale, "portrait")) is not None:
        face = prepared.engine("face")
        disclosure = submit(
            draw_portrait_disclosure, desk, portrait, title, wording, face, label=step("draw disclosure")
        )
    animated = submit(
        animate_portrait, desk, portrait, title, prepared.job.motion, prepared.backdrop, prepared.engine("portrait"),
        disclosure, label=step("animate"),
    )  # fmt: skip
    picture = animated
    if prepared.upscale is not None:
        picture = submit(enlarge, desk, animated, title.source.video, prepared.upscale, label=step("enlarge"))
    source, timeline, cast = title.source, title.timeline, spoken.cast
    lufs = prepared.plan.target_lufs
    mixed = submit(mix, desk, source, title.stems, title.script, timeline, lufs, label=step("mix"))
    cues = submit(subtitle, desk, source, timeline, label=step("subtitle"))
    dub = submit(remux, desk, source, picture, mixed, cues, locale, title.script, cast, label=step("remux"))
    if prepared.signer is not None:
        photo = desk.open_store().put_copy(prepared.job.photo, "image/*")
        makers = (prepared.voices[locale], prepared.engine("portrait"))
        dub = submit(
            seal, desk, source, title.script, spoken.translation, cast, picture, dub, photo, makers, prepared.signer,
            label=step("seal"),
        )  # fmt: skip
    way_back = find_way_back(prepared.plan, locale, title.script.source_locale)
    back = (
        submit(translate_back, desk, spoken.translation, way_back, label=step("translate back")) if way_back else None
    )
    reviewed = submit(
        review_portrait, desk, portrait, title, shared.stems, shared.voice_script, spoken.translation, cast,
        spoken.takes, mixed, picture, dub, judges, prepared.plan.limits(), back, prepared.plan.uploads(),
        label=step("review"),
    )  # fmt: skip
    return ShownLocale(spoken, animated, picture, mixed, cues, dub, back, reviewed)


def _given(prepared: PreparedAvatar, path: Any) -> GivenFile | None:
    if path is None:
        return None
    return GivenFile(artifact=prepared.desk.open_store().put_copy(path, "text/plain"), name=path.name)


def _publish_locale(prepared: PreparedAvatar, work: ShownLocale | DubbedLocale) -> DubbedLocale:
    """Wait for one language and put its files in place; what went wrong with it becomes its report."""
    store, out, prices = prepared.desk.open_store(), prepared.job.out, prepared.plan.prices
    locale = work.locale if isinstance(work, DubbedLocale) else work.spoken.locale
    stem = f"{prepared.title}.{locale}"
    told = out / f"{stem}.report.json"
    if isinstance(work, DubbedLocale):
        return publish_review(work, told)
    try:
        finished = work.dub.result()
        reviewed = with_disclosure(work.review.result(), work.picture.result(), finished)
    except Exception as error:
        failed = failed_review(locale, root_cause(error, work))
        took = effort(_works(prepared, work.spoken, work), prices)
        return publish_review(DubbedLocale(locale=locale, review=failed, effort=took), told)
    works = _works(prepared, work.spoken, work)
    cues = work.subtitles.result()
    files = {"mp4": finished.video, "srt": cues.srt, "vtt": cues.vtt}
    names = publish_files(store, files, out, stem, prepared.plan, reviewed.verdict)
    made = DubbedLocale(
        locale=locale,
        review=reviewed,
        video=names["mp4"],
        vtt=names["vtt"],
        srt=names["srt"],
        translation=work.spoken.translation.result(),
        timeline=work.spoken.performed.result().timeline,
        seconds=by_stage(works),
        effort=effort(works, prices, output_s=float(finished.duration)),
        voice=prepared.voices[locale].id,
        video_sha256=finished.video.sha256,
        signer=finished.signer,
    )
    return publish_review(made, told)


def _works(prepared: PreparedAvatar, *stories: object) -> tuple[StageWork, ...]:
    return works_of(*stories, gpu_stages=prepared.plan.gpu_stages)


def _publish_report(prepared: PreparedAvatar, shared: OncePerPortrait, finished: list[DubbedLocale]) -> RunReport:
    """The report over all languages. Its source is the photo with the recording of the voice."""
    desk, out, title = prepared.desk, prepared.job.out, prepared.title
    store = desk.open_store()
    film = shared.voice.result()
    publish(store, film.original, out / f"{title}.source.mp4")
    script = shared.talk.result().script if shared.talk else shared.voice_script.result()
    works = _works(prepared, shared)
    finished = sharing(finished, effort(works, prepared.plan.prices))
    page = report(
        desk, title, film, script, tuple(finished), source_video=f"{title}.source.mp4", seconds=by_stage(works),
        plan=prepared.plan,
    )  # fmt: skip
    for name, artifact in page.files(title).items():
        publish(store, artifact, out / name)
    return RunReport.of(title, finished, prepared.voices, out / "report.html")
