"""TITLE.done.json: what a title's results were made of, written beside them as the last thing of all.

Done is decided by content: the marker's facts are what the same title would be made of now. A title of which a
language failed gets no marker, so it is tried again; what is degraded is done.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from dub.artifact import Record, sha256_of
from dub.bucket import Bucket
from dub.corrections import Corrections
from dub.errors import BadInput
from dub.location import S3Url
from dub.plan import Job, Plan
from dub.stage import Stage
from flows import dub_title as story
from flows import lips
from flows.fetch import named_beside
from flows.outcome import LocaleOutcome
from flows.preflight import families, options_of, read_plan
from flows.publish import publish_text, published_text
from flows.title_files import read_corrections
from lang.bcp47 import Locale

NOT_OF_THE_RESULT = {"store", "granularity", "locales_per_task"}
"""Fields of a job that say how it is worked on, and not what comes out."""


class DoneMarker(Record):
    """`facts`: what went into the results, each as a digest or in words; `minutes`: the source's length;
    `finished`: ISO 8601, UTC."""

    schema_version: Literal[1] = 1
    title: str
    digest: str
    facts: dict[str, str]
    outcomes: tuple[LocaleOutcome, ...]
    minutes: float
    finished: str


def facts_of(job: Job) -> dict[str, str]:
    """What a title is made of now: its files by their content, the job, the plan with its engines' fingerprints, the
    stages' versions, and what people corrected. Where artifacts are stored is no part of it.

    A source on this machine counts by its size and the time of its last change. Raises BadInput naming the field for a
    file that is not there, StoreUnavailable when S3 does not answer.
    """
    facts = {
        "source": _source_fact(job.source),
        "job": _digest(job.model_dump(mode="json", exclude_defaults=True, exclude=NOT_OF_THE_RESULT)),
        "plan": _plan_digest(job.profile, job.targets),
        "version of polydub": _stages_digest(),
    }
    for locale, place in sorted(job.scripts.items()):
        facts[f"{locale} script"] = _content_fact(f"{locale} script", place)
    for field in ("cast", "consent", "memory", "glossary"):
        if (place := getattr(job, field)) is not None:
            facts[field] = _content_fact(field, place)
    for field in ("cast", "consent"):
        if (place := getattr(job, field)) is not None:
            facts |= {f"{field}: {other.name}": _source_fact(other) for other in named_beside(place)}
    if (corrections := read_corrections(job.out, job.title)) != Corrections():
        facts["corrections"] = _digest(corrections.model_dump(mode="json"))
    return facts


def digest_of(facts: dict[str, str]) -> str:
    """Hex digest that stands for all of them."""
    return _digest(facts)


def why_changed(before: dict[str, str], now: dict[str, str]) -> str:
    """The names of the facts that differ, for a person."""
    return ", ".join(name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name))


def read_marker(out: Path | S3Url, title: str) -> DoneMarker | None:
    """None where there is none, or one that another version wrote: then the title is done once more."""
    text = published_text(_place(out, title))
    if text is None:
        return None
    try:
        return DoneMarker.model_validate_json(text)
    except ValidationError:
        return None


def write_marker(marker: DoneMarker, out: Path | S3Url) -> None:
    publish_text(marker.model_dump_json(indent=1) + "\n", _place(out, marker.title))


def missing_files(marker: DoneMarker, out: Path | S3Url) -> list[str]:
    """Results that the marker names and that no longer lie in `out`: one listing, however many languages there are."""
    if isinstance(out, S3Url):
        there = {stored.url.name for stored in Bucket(out.bucket).list(f"{out.key}/")}
    else:
        there = {path.name for path in out.iterdir()} if out.is_dir() else set()
    return sorted({name for outcome in marker.outcomes for name in outcome.files} - there)


def _place(out: Path | S3Url, title: str) -> Path | S3Url:
    return out / f"{title}.done.json"


def _source_fact(place: Path | S3Url) -> str:
    if isinstance(place, S3Url):
        return _etag("source", place)
    try:
        found = place.stat()
    except OSError as error:
        raise BadInput(f"the source {place}: {error.strerror}", mend="check the column source") from error
    return f"{found.st_size} bytes of {found.st_mtime_ns}"


def _content_fact(field: str, place: Path | S3Url) -> str:
    if isinstance(place, S3Url):
        return _etag(field, place)
    try:
        return sha256_of(place)
    except OSError as error:
        raise BadInput(f"the {field} {place}: {error.strerror}", mend="check the path in the manifest") from error


def _etag(field: str, place: S3Url) -> str:
    stored = Bucket(place.bucket).head(place.key)
    if stored is None:
        raise BadInput(f"the {field}: there is no object {place}", mend="check the key, or upload it")
    return f"{stored.n_bytes} bytes of {stored.etag} {stored.version_id}".rstrip()


@lru_cache(maxsize=256)
def _plan_digest(profile: str, targets: tuple[Locale, ...]) -> str:
    """The plan and the fingerprint of every engine that it names for these targets, whether or not it is installed
    here: workers do the work."""
    plan = read_plan(profile)
    ids = {(family, each) for family in families() for each in plan.engines_of(family)}
    for locale in targets:
        ids |= {("translation", each) for each in plan.translators_for(locale)}
        ids |= {("tts", each) for each in plan.voices_for(locale)}
    return _digest([plan.model_dump(mode="json"), *(_fingerprint(plan, *named) for named in sorted(ids))])


def _fingerprint(plan: Plan, family: str, engine_id: str) -> list[str]:
    """The engine's own, and the weights of every model that it could choose for a language."""
    from engines import registry, weights

    spec = registry.spec(family, engine_id)  # type: ignore[arg-type]
    lock = weights.read_lock() if spec.models else {}
    return [spec.fingerprint(options_of(plan, family, engine_id)), *(lock[model].digest for model in spec.models)]


@lru_cache(maxsize=1)
def _stages_digest() -> str:
    named = (*vars(story).values(), *vars(lips).values())
    stages = {stage.name: stage.version for stage in named if isinstance(stage, Stage)}
    return _digest(stages)


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
