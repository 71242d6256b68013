"""The story: one talking video becomes the same video in N languages.

Every line submits one stage; what depends only on the source stands once, what depends on a language stands in
`dub_into`. The same function is the command line's and the deployment's (flows/deployed.py).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dub.artifact import Artifact
from dub.back_translation import BackTranslation
from dub.captions import Captions
from dub.cast import Cast, Casting
from dub.dubbed_locale import DubbedLocale
from dub.effort import StageWork, effort
from dub.errors import DubError
from dub.finding import Review
from dub.lips import LipPlan, LipSync, MouthBank, RenderedPart
from dub.mix import Dub, Mix
from dub.on_screen import OnScreen
from dub.plan import GivenFile, Job
from dub.prosody import SourceProsody
from dub.script import DubScript, Takes, Timeline, Translation
from dub.source import FaceTrack, Source, Stems
from dub.subtitles import Subtitles
from dub.turns import Turns
from flows.approval import publish_table, stopped_for_approval
from flows.disclosing import with_disclosure
from flows.lips import move_lips
from flows.may_publish import check_may_publish
from flows.outcome import RunReport, by_stage, failed_review, root_cause, sharing, works_of
from flows.people import agreed
from flows.preflight import ENGLISH, Prepared, Routes, check, find_way_back, find_ways
from flows.publish import publish, publish_files
from flows.publish_review import publish_review
from flows.title_files import write_job, write_source_script, write_wording
from flows.watched import watched
from flows.whole_locales import dub_whole_locales
from lang.bcp47 import Locale
from tasks.build_mouth_bank import build_mouth_bank
from tasks.correct_translation import correct_translation
from tasks.diarize import diarize
from tasks.enroll import cast_for, enroll
from tasks.find_captions import find_captions
from tasks.find_speaking_faces import find_speaking_faces
from tasks.fit import fit
from tasks.ingest import ingest
from tasks.measure_prosody import measure_prosody
from tasks.mix import mix
from tasks.name_speakers import find_people, name_speakers
from tasks.policy import Work, is_in_prefect_flow, submit
from tasks.preview import Preview, preview
from tasks.read_script import read_script, read_translation
from tasks.remux import remux
from tasks.report import report
from tasks.review import review
from tasks.seal import seal
from tasks.separate import separate
from tasks.speak import speak
from tasks.subtitle import subtitle
from tasks.track_faces import track_faces, track_part
from tasks.transcribe import transcribe
from tasks.translate import translate
from tasks.translate_back import translate_back


@dataclass(frozen=True)
class OncePerSource:
    """What every language shares; `casts` by the voice engine's fingerprint: one's voices are not another's."""

    source: Work[Source]
    stems: Work[Stems]
    turns: Work[Turns]
    script: Work[DubScript]
    prosody: Work[SourceProsody]
    faces: Work[FaceTrack]
    on_screen: Work[OnScreen]
    captions: Work[Captions] | None
    bank: Work[MouthBank]
    casts: dict[str, Work[Cast]]
    preview: Work[Preview]


@dataclass(frozen=True)
class OncePerLocale:
    """What one language is made of, in the order it is made. `translated`: before people's corrections."""

    locale: Locale
    translated: Work[Translation]
    translation: Work[Translation]
    cast: Work[Cast]
    takes: Work[Takes]
    timeline: Work[Timeline]
    mix: Work[Mix]
    lip_plan: Work[LipPlan]
    lip_parts: dict[int, Work[RenderedPart]]
    lips: Work[LipSync]
    seen_parts: dict[int, Work[FaceTrack]]
    subtitles: Work[Subtitles]
    dub: Work[Dub]
    back: Work[BackTranslation] | None
    review: Work[Review]


def dub_title(job: Job) -> RunReport:
    """Dub one title into every target. A language that fails never stops the others.

    Raises BadInput and EngineUnavailable in seconds, before any work; NoSpeech when there is nothing to dub; Superseded
    when the source was replaced while it was being dubbed, RunCancelled when its flow run was cancelled: nothing is
    published from then on.
    """
    prepared = check(job)
    write_job(job, prepared.title)
    with prepared.desk.at_work(), watched(prepared.title, job.targets, job.out) as watch:
        shared = prepare_source(prepared)
        spoken = shared.script.result().source_locale
        if job.granularity == "locale" and is_in_prefect_flow():
            dubs = dub_whole_locales(_start, spoken, prepared, shared)
        else:
            dubs = (dub for dub in [_start(locale, spoken, prepared, shared) for locale in job.targets])
        finished = [publish_locale(prepared, shared, dub) for dub in dubs]
        return watch.ended(publish_report(prepared, shared, finished))


def _start(locale: Locale, spoken: Locale, prepared: Prepared, shared: OncePerSource) -> OncePerLocale | DubbedLocale:
    """One language on its way; or its end, when the language that was found cannot be translated into it."""
    try:
        routes = find_ways(prepared.job, prepared.plan, spoken, locale)
    except DubError as error:
        return DubbedLocale(locale=locale, review=failed_review(locale, error))
    return dub_into(locale, routes, prepared, shared)


def prepare_source(prepared: Prepared) -> OncePerSource:
    desk, job = prepared.desk, prepared.job
    original = desk.open_store().put_copy(job.source, "video/*")
    source = submit(ingest, desk, original, prepared.title)
    stems = submit(separate, desk, source, prepared.engine("separation"))
    faces = submit(track_faces, desk, source, prepared.engine("face"))
    turns = submit(diarize, desk, stems, prepared.engines["speaker"], job.n_speakers)
    script = _source_script(prepared, source, stems, turns)
    script, casting = _named(prepared, script, stems)
    prosody = submit(measure_prosody, desk, stems, script)
    on_screen = submit(find_speaking_faces, desk, source, stems, script, faces)
    bank = submit(build_mouth_bank, desk, source, faces, stems, script, on_screen, prepared.engine("lipsync"))
    readers = prepared.engines["screen_text"]
    captions = submit(find_captions, desk, source, script, readers[0]) if readers else None
    page_video = submit(preview, desk, source)
    source.result()  # what is wrong with the source itself is said once, not once per language
    known = casting.result() if casting is not None else Casting()
    consent = agreed(prepared.people, script.result(), known, job.targets, date.today())
    encoders = prepared.engines["speaker"]
    judge = encoders[1] if len(encoders) > 1 else None
    casts = {
        voice.fingerprint: submit(
            enroll, desk, script, stems, voice, encoders[0], judge, casting, consent, label=f"enroll {voice.id}"
        )
        for voice in {voice.fingerprint: voice for voice in prepared.voices.values()}.values()
    }
    return OncePerSource(source, stems, turns, script, prosody, faces, on_screen, captions, bank, casts, page_video)


def dub_into(locale: Locale, routes: Routes, prepared: Prepared, shared: OncePerSource) -> OncePerLocale | DubbedLocale:
    """One language on its way; or its end, where people have still to approve its lines."""
    desk, plan = prepared.desk, prepared.plan
    source, stems, script, faces = shared.source, shared.stems, shared.script, shared.faces
    prosody, on_screen, bank = shared.prosody, shared.on_screen, shared.bank
    voice, encoder, ear = prepared.voices[locale], prepared.engine("speaker"), prepared.engine("asr")
    judges = tuple(
        engine
        for family in ("asr", "speaker", "face", "speech_quality", "language_id")
        for engine in prepared.engines[family]
    )

    def step(name: str) -> str:
        return f"{name} {locale}"

    translated = _translation(locale, prepared, script, routes)
    translation = _corrected(locale, prepared, script, translated)
    if stopped := stopped_for_approval(prepared, script, translation):
        return stopped
    back = _put_back(locale, prepared, script, translation)
    cast = submit(cast_for, desk, shared.casts[voice.fingerprint], locale, voice, encoder, ear, label=step("cast"))
    aligner = prepared.engine("aligner")
    takes = submit(speak, desk, script, translation, cast, voice, aligner, prosody, label=step("speak"))
    timeline = submit(fit, desk, source, script, takes, prosody, label=step("fit"))
    mixed = submit(mix, desk, source, stems, script, timeline, plan.target_lufs, prosody, label=step("mix"))
    lips = move_lips(
        desk, source, faces, stems, script, on_screen, bank, timeline, prepared.engine("lipsync"), locale,
        plan.wording_for(locale),
    )  # fmt: skip
    face = prepared.engine("face")
    seen = {
        number: submit(track_part, desk, source, part, face, label=f"look at {part.label}")
        for number, part in lips.parts.items()
    }
    cues = submit(subtitle, desk, source, timeline, label=step("subtitle"))
    dub = submit(remux, desk, source, lips.picture, mixed, cues, locale, script, cast, label=step("remux"))
    if prepared.signer is not None:
        original, makers = source.result().original, (voice, prepared.engine("lipsync"))
        dub = submit(
            seal, desk, source, script, translation, cast, lips.picture, dub, original, makers, prepared.signer,
            label=step("seal"),
        )  # fmt: skip
    reviewed = submit(
        review, desk, source, stems, script, translation, cast, takes, timeline, mixed, faces, on_screen,
        lips.picture, dub, judges, prosody, shared.turns, tuple(seen.values()), plan.limits(), back,
        shared.captions, plan.uploads(),
        label=step("review"),
    )  # fmt: skip
    return OncePerLocale(
        locale,
        translated,
        translation,
        cast,
        takes,
        timeline,
        mixed,
        lips.plan,
        lips.parts,
        lips.picture,
        seen,
        cues,
        dub,
        back,
        reviewed,
    )


def _source_script(prepared: Prepared, source: Work[Source], stems: Work[Stems], turns: Work[Turns]) -> Work[DubScript]:
    """Recognised, unless the user gave what is said."""
    job, desk = prepared.job, prepared.desk
    given = [locale for locale in job.scripts if locale not in job.targets or locale == job.source_locale]
    if given:
        path = job.scripts[given[0]]
        artifact = desk.open_store().put_copy(path, "text/plain")
        return submit(read_script, desk, artifact, path.name, given[0], source, turns)
    return submit(transcribe, desk, source, stems, turns, job.source_locale, prepared.engine("asr"))


def _named(
    prepared: Prepared, script: Work[DubScript], stems: Work[Stems]
) -> tuple[Work[DubScript], Work[Casting] | None]:
    """The script with the names that the user's cast gives its speakers, where there is a cast."""
    desk, people = prepared.desk, prepared.people
    if not people.cast:
        return script, None
    entries = people.entries(desk.open_store())
    casting = submit(find_people, desk, script, stems, entries, people.cast_file, prepared.engine("speaker"))
    return submit(name_speakers, desk, script, casting), casting


def _translation(locale: Locale, prepared: Prepared, script: Work[DubScript], routes: Routes) -> Work[Translation]:
    """Translated, unless the user gave the lines."""
    job, desk = prepared.job, prepared.desk
    guard = prepared.engine("language_id")
    if locale in job.scripts:
        path = job.scripts[locale]
        artifact = desk.open_store().put_copy(path, "text/plain")
        return submit(read_translation, desk, artifact, path.name, locale, script, guard, label=f"translate {locale}")
    memory, glossary = _given(prepared, job.memory), _given(prepared, job.glossary)
    return submit(translate, desk, script, locale, routes, guard, memory, glossary, label=f"translate {locale}")


def _corrected(
    locale: Locale, prepared: Prepared, script: Work[DubScript], translated: Work[Translation]
) -> Work[Translation]:
    """In the words that people corrected, where they did."""
    corrections, guard = prepared.corrections.wordings(locale), prepared.engine("language_id")
    if not corrections:
        return translated
    label = f"correct {locale}"
    return submit(correct_translation, prepared.desk, script, translated, corrections, guard, label=label)


def _put_back(
    locale: Locale, prepared: Prepared, script: Work[DubScript], translation: Work[Translation]
) -> Work[BackTranslation] | None:
    """In the source's language again, or else in English where the recogniser gave its lines in that too."""
    said = script.result()
    towards = (said.source_locale, *([ENGLISH] if said.pivot else []))
    if (way := find_way_back(prepared.plan, locale, *towards)) is None:
        return None
    return submit(translate_back, prepared.desk, translation, way, label=f"translate back {locale}")


def _given(prepared: Prepared, path: Path | None) -> GivenFile | None:
    if path is None:
        return None
    return GivenFile(artifact=prepared.desk.open_store().put_copy(path, "text/plain"), name=path.name)


def publish_locale(prepared: Prepared, shared: OncePerSource, dub: OncePerLocale | DubbedLocale) -> DubbedLocale:
    """Wait for one language and put its files in place; what went wrong with it becomes its report."""
    store, out = prepared.desk.open_store(), prepared.job.out
    stem = f"{prepared.title}.{dub.locale}"
    told = out / f"{stem}.report.json"
    _wait_for(dub)
    check_may_publish(prepared.asked)
    if isinstance(dub, DubbedLocale):
        if dub.translation:
            write_wording(shared.script.result(), dub.translation, prepared.corrections, out, prepared.title)
        return publish_review(dub, told)
    try:
        translation = dub.translation.result()
        write_wording(shared.script.result(), translation, prepared.corrections, out, prepared.title)
        finished = dub.dub.result()
        reviewed = with_disclosure(dub.review.result(), dub.lips.result(), finished)
    except Exception as error:
        failed = failed_review(dub.locale, root_cause(error, shared, dub))
        took = effort(_works(prepared, dub), prepared.plan.prices)
        return publish_review(DubbedLocale(locale=dub.locale, review=failed, effort=took), told)
    cues = dub.subtitles.result()
    files: dict[str, Artifact] = {"mp4": finished.video, "srt": cues.srt, "vtt": cues.vtt}
    if "mouths" in reviewed.figures:
        files["mouths.svg"] = reviewed.figures["mouths"]
    names = publish_files(store, files, out, stem, prepared.plan, reviewed.verdict)
    works = _works(prepared, dub)
    made = DubbedLocale(
        locale=dub.locale,
        review=reviewed,
        video=names["mp4"],
        vtt=names["vtt"],
        srt=names["srt"],
        translation=translation,
        timeline=dub.timeline.result(),
        seconds=by_stage(works),
        effort=effort(works, prepared.plan.prices, output_s=float(finished.duration)),
        mouths=names.get("mouths.svg", ""),
        voice=prepared.voices[dub.locale].id,
        video_sha256=finished.video.sha256,
        signer=finished.signer,
    )
    return publish_review(made, told)


def _works(prepared: Prepared, story: OncePerSource | OncePerLocale) -> tuple[StageWork, ...]:
    return works_of(story, gpu_stages=prepared.plan.gpu_stages)


def _wait_for(dub: OncePerLocale | DubbedLocale) -> None:
    if isinstance(dub, OncePerLocale):
        with suppress(Exception):  # what it is, is said where it is asked for
            dub.dub.result(), dub.review.result()


def publish_report(prepared: Prepared, shared: OncePerSource, finished: list[DubbedLocale]) -> RunReport:
    """The report over all languages, beside the files it plays."""
    desk, out, title = prepared.desk, prepared.job.out, prepared.title
    store = desk.open_store()
    script = shared.script.result()
    check_may_publish(prepared.asked)
    publish(store, shared.preview.result().video, out / f"{title}.source.mp4")
    write_source_script(script, out, title)
    publish_table(prepared, script, finished)
    works = _works(prepared, shared)
    finished = sharing(finished, effort(works, prepared.plan.prices))
    page = report(
        desk, title, shared.source.result(), script, tuple(finished),
        source_video=f"{title}.source.mp4", seconds=by_stage(works), plan=prepared.plan,
    )  # fmt: skip
    for name, artifact in page.files(title).items():
        publish(store, artifact, out / name)
    source_s = float(shared.source.result().video.duration)
    return RunReport.of(title, finished, prepared.voices, out / "report.html", source_s)
