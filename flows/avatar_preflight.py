"""Everything cheap that can go wrong with a portrait, checked in seconds, before the first costly one. Consent first:
nobody's face is made to talk without a record that allows it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dub.artifact import Record
from dub.avatar import AvatarJob, Backdrop, Upscale, colour_of
from dub.consent import ConsentRecord, ConsentRecords, Purpose, check_consent, setting_of
from dub.errors import BadInput
from dub.plan import LocalJob, Plan
from dub.signer import Signer
from dub.stage import Desk, EngineChoice
from flows.disclosing import check_disclosures
from flows.preflight import choices, desk_for, find_voice, read_plan, signer_of
from flows.publish import check_writable
from lang.bcp47 import Locale

FAMILIES = ("separation", "asr", "speaker", "face", "portrait", "speech_quality", "language_id", "aligner")
"""What a portrait needs of a plan, beside translation and voices."""
LARGEST_SIDE_PX = 4096
"""H.264's usual largest picture."""


class PreparedAvatar(Record):
    """A portrait job whose every engine, locale and file has been checked. `as_job`: the job as translation and its
    routing know it. `consent`: the records that allow it."""

    job: AvatarJob
    as_job: LocalJob
    plan: Plan
    desk: Desk
    title: str
    engines: dict[str, tuple[EngineChoice, ...]]
    voices: dict[Locale, EngineChoice]
    backdrop: Backdrop
    upscale: Upscale | None
    consent: tuple[ConsentRecord, ...]
    signer: Signer | None = None

    def engine(self, family: str) -> EngineChoice:
        return self.engines[family][0]


def check_avatar(job: AvatarJob, today: date) -> PreparedAvatar:
    """Refuse what cannot work, naming the thing and the mend. Loads no model but a given super-resolution network."""
    plan = read_plan(job.profile)
    plan.limits(), plan.uploads()
    for what, path in (("photo", job.photo), ("voice recording", job.voice), *_scripts(job)):
        if not path.is_file():
            raise BadInput(f"the {what} {path} does not exist", mend="give the path of one file")
    if job.script is None and (missing := [locale for locale in job.targets if locale not in job.scripts]):
        raise BadInput(f"nothing to say is given for {', '.join(missing)}", mend="give --script hello.txt")
    if len(set(job.targets)) != len(job.targets):
        raise BadInput(f"a target is given twice: {', '.join(job.targets)}", mend="name each locale once")
    if strange := [locale for locale in job.scripts if locale not in job.targets]:
        raise BadInput(f"--script {strange[0]}=... is for no target", mend=f"add {strange[0]} to --to")
    consent = _consent(job, plan, today)
    engines = {family: choices(plan, family) for family in FAMILIES}
    voices = {locale: find_voice(plan, locale) for locale in job.targets}
    check_disclosures(plan, job.targets, "portrait")
    check_writable(job.out)
    desk = desk_for(job.store, job.title or job.photo.stem, plan)
    return PreparedAvatar(
        job=job,
        as_job=LocalJob(
            source=job.photo,
            targets=job.targets,
            out=job.out,
            profile=job.profile,
            source_locale=job.source_locale,
            scripts=job.scripts,
            memory=job.memory,
            glossary=job.glossary,
        ),
        plan=plan,
        desk=desk,
        title=job.title or job.photo.stem,
        engines=engines,
        voices=voices,
        backdrop=_backdrop(job, desk),
        upscale=_upscale(job, desk),
        consent=consent,
        signer=signer_of(plan),
    )


def _scripts(job: AvatarJob) -> list[tuple[str, Path]]:
    return [("script", path) for path in (job.script, *job.scripts.values()) if path is not None]


def _consent(job: AvatarJob, plan: Plan, today: date) -> tuple[ConsentRecord, ...]:
    """Raises BadInput without a record that allows a portrait in every target."""
    if job.consent is None:
        raise BadInput(
            f"animating the portrait {job.photo.name} needs the consent of the person in it",
            mend='give --consent consent.toml, with a [[consent]] whose purposes hold "portrait"',
        )
    records = ConsentRecords.read(job.consent)
    if len({record.speaker for record in records.records}) > 1 and not job.title:
        raise BadInput(
            f"{job.consent.name} has the consent of several people",
            mend="name the person in the photo with --title, or keep their records alone in the file",
        )
    found = check_consent(
        records,
        job.title or records.records[0].speaker,
        Purpose.PORTRAIT,
        job.targets,
        today,
        setting=setting_of(plan.consent),
        is_only_speaker=len({record.speaker for record in records.records}) == 1,
    )
    return tuple(found) if isinstance(found, tuple) else (found,) if found else ()


def _backdrop(job: AvatarJob, desk: Desk) -> Backdrop:
    """Raises BadInput for what is neither a colour, nor an image that can be read, nor blur, nor original."""
    if job.background in ("original", "blur"):
        return Backdrop(kind="blur" if job.background == "blur" else "original")
    if colour := colour_of(job.background):
        return Backdrop(kind="colour", colour=colour)
    path = Path(job.background)
    if not path.is_file():
        raise BadInput(
            f"--background {job.background!r} is neither a colour nor a file",
            mend="original, blur, a colour such as '#20304a' or white, or the path of an image",
        )
    from engines.portrait.photo_file import read_photo

    read_photo(path, path.name, LARGEST_SIDE_PX)
    return Backdrop(kind="image", image=desk.open_store().put_copy(path, "image/*"))


def _upscale(job: AvatarJob, desk: Desk) -> Upscale | None:
    if job.upscale is None:
        if job.upscale_model is not None:
            raise BadInput("--upscale-model is given without --upscale", mend="add --upscale 2, 3 or 4")
        return None
    from engines.portrait.photo_file import read_photo

    side = max(read_photo(job.photo, job.photo.name, job.long_side_px).shape)
    if job.upscale * side > LARGEST_SIDE_PX:
        most = LARGEST_SIDE_PX // job.upscale
        raise BadInput(f"{job.upscale} times {side} px is more than {LARGEST_SIDE_PX}", mend=f"give --size {most}")
    if job.upscale_model is None:
        return Upscale(factor=job.upscale)
    if not job.upscale_model.is_file():
        raise BadInput(f"the network {job.upscale_model} does not exist", mend="give the path of one .onnx file")
    from engines.portrait.enlarger import check_network

    check_network(job.upscale_model, job.upscale_model.name, job.upscale)
    model = desk.open_store().put_copy(job.upscale_model, "application/onnx")
    return Upscale(factor=job.upscale, model=model, model_name=job.upscale_model.name)
