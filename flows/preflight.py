"""Everything cheap that can go wrong, checked in seconds, for the whole job, before the first costly second."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from dub.artifact import Record
from dub.content_credentials import check_library
from dub.corrections import Corrections
from dub.errors import BadInput, EngineUnavailable, LanguageNotSupported, UnreadableMedia
from dub.glossary import read_glossary
from dub.home import cache_home
from dub.location import Location, S3Url, absolute
from dub.near import near_root
from dub.plan import Job, LocalJob, Plan
from dub.signer import Signer, make_test_signer, users_signer
from dub.stage import Desk, EngineChoice
from dub.timed_script import KINDS
from dub.translation_memory import read_memory
from flows.disclosing import check_disclosures
from flows.fetch import fetched
from flows.people import People, read_people
from flows.publish import check_writable
from flows.title_files import read_corrections
from lang.bcp47 import Locale
from lang.registry import name_of
from tasks.gpu_slots import gpu_devices
from tasks.gpu_stages import check_names

ENGLISH = Locale("en")
Route = tuple[EngineChoice, ...]
Routes = tuple[Route, ...]
PROFILES = Path(__file__).with_name("profiles")
SCRATCH_BYTES_PER_SOURCE_BYTE = 12
"""48 kHz float stems, the mouth bank and one encode per locale; measured at 8-11 on ten-second clips."""


class Prepared(Record):
    """A job whose every engine, locale and file has been checked. `asked`: as it was given, its files perhaps in S3.
    `voices`: the tts engine of each target; `corrections`: what people have corrected of the title so far;
    `signer`: who signs the results, None for nobody."""

    asked: Job
    job: LocalJob
    plan: Plan
    desk: Desk
    title: str
    engines: dict[str, tuple[EngineChoice, ...]]
    voices: dict[Locale, EngineChoice]
    people: People
    corrections: Corrections
    signer: Signer | None = None

    def engine(self, family: str) -> EngineChoice:
        return self.engines[family][0]


def read_plan(profile: str) -> Plan:
    """A shipped profile by name, or a TOML file by path. Raises BadInput."""
    shipped = PROFILES / f"{profile}.toml"
    if shipped.is_file():
        return Plan.read(shipped)
    if profile.endswith(".toml"):
        return Plan.read(Path(profile))
    names = ", ".join(sorted(path.stem for path in PROFILES.glob("*.toml")))
    raise BadInput(f"there is no profile {profile!r}", mend=f"use one of {names}, or the path of your own .toml")


def store_of(asked: Location | None) -> Path | S3Url:
    """The artifact store of a run: the one asked for, else $POLYDUB_STORE (a folder or s3://bucket/prefix), else a
    folder in `cache_home`."""
    return absolute(asked or os.environ.get("POLYDUB_STORE") or cache_home() / "store")


def desk_for(asked: Location | None, title: str, plan: Plan) -> Desk:
    """Raises BadInput for GPU stages that are none, and for GPUs of this machine that are named wrongly."""
    check_names(plan.gpu_stages)
    gpu_devices()
    n_threads = len(os.sched_getaffinity(0))
    return Desk(store=str(store_of(asked)), n_threads=n_threads, title=title, gpu_stages=plan.gpu_stages)


def check(asked: Job) -> Prepared:
    """Refuse what cannot work, naming the thing and the mend. Loads no model and reads no media but its header; what
    the job names in S3 is fetched."""
    plan = read_plan(asked.profile)
    plan.limits(), plan.uploads()
    job = fetched(asked, cache_home() / "inbox")
    _check_source(job.source)
    _check_scripts(job)
    _check_given("translation memory", job.memory, read_memory, job)
    _check_given("glossary", job.glossary, read_glossary, job)
    check_targets(job)
    check_disclosures(plan, job.targets)
    engines = {family: choices(plan, family) for family in families()}
    voices = {locale: find_voice(plan, locale) for locale in job.targets}
    people = read_people(job, plan, voices, date.today())
    spoken = job.source_locale
    for locale in job.targets:  # a language yet to be found is reached by English, or is English
        if spoken or locale.language != ENGLISH.language:
            find_ways(job, plan, spoken or ENGLISH, locale)
    title = job.title or job.source.stem
    desk = desk_for(job.store, title, plan)
    _check_out(job)
    corrections = read_corrections(job.out, title)
    return Prepared(
        asked=asked, job=job, plan=plan, desk=desk, title=title, engines=engines, voices=voices, people=people,
        corrections=corrections, signer=signer_of(plan),
    )  # fmt: skip


def signer_of(plan: Plan) -> Signer | None:
    """Who signs the results' Content Credentials. Raises BadInput, EngineUnavailable."""
    if plan.content_credentials == "off":
        return None
    check_library()
    return users_signer() if plan.content_credentials == "signed" else make_test_signer()


def families() -> list[str]:
    """Those with the same engines for every locale, that a dub needs: a portrait is nothing to a video."""
    from engines.spec import Family

    return [family for family in get_args(Family) if family not in ("translation", "tts", "portrait")]


def choices(plan: Plan, family: str) -> tuple[EngineChoice, ...]:
    """The plan's engines of a family, each checked; of several aligners the one that works."""
    from engines.offer import allowed_ids

    ids = plan.engines_of(family)
    if family == "aligner":  # one works: the first under a licence that the policy allows
        ids = (allowed_ids("aligner", ids, plan.policy) or ids)[:1]
    return tuple(choose(family, each, options_of(plan, family, each), policy=plan.policy) for each in ids)


def options_of(plan: Plan, family: str, engine_id: str) -> dict[str, str | int | float | bool]:
    return {**plan.options.get(family, {}), **plan.options.get(engine_id, {})}


def choose(family: str, engine_id: str, options: Mapping[str, Any], *, policy: str = "any") -> EngineChoice:
    """An engine that exists, is allowed by the licence policy and has its packages and weights."""
    from importlib.util import find_spec

    from engines import registry, weights, worker_venv

    spec = registry.spec(family, engine_id)  # type: ignore[arg-type]
    if policy == "permissive" and spec.licence_class != "permissive":
        licences = f"{spec.code_licence}, weights {spec.weights_licence}"
        raise BadInput(
            f"the licences of {family} engine {engine_id!r} are {spec.licence_class}: {licences}",
            mend='set policy = "any" in the profile, or choose another engine',
        )
    missing = [name for name in spec.packages if find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"{family} engine {engine_id!r} needs the Python package {missing[0]!r}",
            mend=f"pip install '.[{spec.extra or 'embedded'}]'",
        )
    if spec.worker:
        worker_venv.python_of(spec.worker)
    for model_id in spec.weights_for(options):
        weights.folder(model_id)
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint(options), options=dict(options))


def _check_source(source: Path) -> None:
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise BadInput(f"the source {source} {what}", mend="give the path of one video file")
    from dub import media

    media.ffmpeg_exe()
    try:
        streams = media.probe(source)["streams"]
    except UnreadableMedia as error:
        raise UnreadableMedia(f"the source {source}: {error}") from error
    if media.video_stream(streams) is None:
        raise UnreadableMedia(f"the source {source} has no video stream", mend="give a file with a moving picture")


def _check_scripts(job: LocalJob) -> None:
    for locale, path in job.scripts.items():
        if not path.is_file():
            raise BadInput(f"the {locale} script {path} does not exist", mend=f"give one of {KINDS}")
    check_script_locales(job)


def check_script_locales(job: Job) -> None:
    """Raises BadInput for a script in a language that has no part in the job."""
    for locale in job.scripts:
        if locale not in job.targets and job.source_locale is not None and locale != job.source_locale:
            raise BadInput(
                f"a script was given for {locale}, which is neither the source's locale nor a target",
                mend=f"add it: --to {','.join([*job.targets, locale])}",
            )


def _check_given(
    what: str, path: Path | None, read: Callable[[bytes, str, Locale, Locale], Any], job: LocalJob
) -> None:
    """What is wrong with a file is said now, and not once per language later."""
    if path is None:
        return
    if not path.is_file():
        raise BadInput(f"the {what} {path} does not exist", mend="give the path of one file")
    read(path.read_bytes(), path.name, job.source_locale or ENGLISH, job.targets[0])


def check_targets(job: Job) -> None:
    if len(set(job.targets)) != len(job.targets):
        raise BadInput(f"a target is given twice: {', '.join(job.targets)}", mend="name each locale once")


def find_ways(job: Job, plan: Plan, source: Locale, locale: Locale) -> Routes:
    """Ways from the source's language to the locale, best first, by English where the script will have English lines.

    () where the lines are given. Raises LanguageNotSupported, or BadInput when the target is what is spoken.
    """
    if locale in job.scripts:
        return ()
    if locale.language == source.language:
        raise BadInput(
            f"the target {locale} is the source's own language",
            mend=f"leave it out, or give what is to be said: --script {locale}=FILE",
        )
    from engines.offer import allowed_ids
    from engines.translation.routing import find_routes

    is_recognised = source not in job.scripts
    asked = plan.translators_for(locale)
    allowed = allowed_ids(
        "translation", asked, plan.policy
    )  # where it is empty, `choose` says which licence forbids it
    routes = find_routes(source, locale, allowed or asked, has_english=is_recognised, options=plan.options)
    for hop in itertools.chain(*routes):
        choose("translation", hop.id, hop.options, policy=plan.policy)
    return routes


def find_way_back(plan: Plan, locale: Locale, *towards: Locale) -> Route | None:
    """From a target to the first of `towards` that the plan's engines translate into, to compare what the lines mean;
    None where they know no way, or are toys, which mean nothing."""
    from engines.offer import allowed_ids
    from engines.translation.routing import find_route
    from tasks.translation_way import is_toy

    allowed = allowed_ids("translation", plan.translators_for(locale), plan.policy)
    for reached in towards:
        try:
            way = find_route(locale, reached, allowed, options=plan.options)
            for hop in way:
                choose("translation", hop.id, hop.options, policy=plan.policy)
        except (LanguageNotSupported, EngineUnavailable):
            continue
        if way and not is_toy(way):
            return way
    return None


def find_voice(plan: Plan, locale: Locale) -> EngineChoice:
    """The plan's first voice that speaks the locale and that its licence policy allows. Raises LanguageNotSupported
    where none speaks it, BadInput where it allows no voice at all, EngineUnavailable where the voice is missing: a
    plan's first choice is never passed over in silence."""
    from engines import registry
    from engines.offer import allowed_ids

    asked = plan.voices_for(locale)
    voices = [registry.spec("tts", engine_id) for engine_id in allowed_ids("tts", asked, plan.policy) or asked]
    for spec in voices:
        if spec.supports(locale):
            options = spec.options_for(locale, options_of(plan, "tts", spec.id))
            return choose("tts", spec.id, options, policy=plan.policy)
    spoken = sorted(set().union(*(spec.locales or () for spec in voices)))
    raise LanguageNotSupported(
        f"no voice of the plan ({', '.join(spec.id for spec in voices)}) speaks {locale} ({name_of(locale)})",
        mend=f"they speak {', '.join(spoken)}",
    )


def _check_out(job: LocalJob) -> None:
    check_writable(job.out)
    store = store_of(job.store)
    _check_room(store if isinstance(store, Path) else near_root(), "--store", job)
    _check_room(job.out if isinstance(job.out, Path) else cache_home(), "--out", job)


def _check_room(place: Path, option: str, job: LocalJob) -> None:
    """For the results, or the store: a folder, or what a store in S3 keeps near."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.is_dir())
    needed = job.source.stat().st_size * SCRATCH_BYTES_PER_SOURCE_BYTE * (1 + len(job.targets))
    free = shutil.disk_usage(there).free
    if free < needed:
        raise BadInput(
            f"{place} has {free / 1e9:.1f} GB free; this job may need {needed / 1e9:.1f} GB",
            mend=f"free some space, or give another folder with {option} (near a store in S3: POLYDUB_NEAR)",
        )
