"""A title's own files beside its dubs: the job that made it, what is said in it, and what people corrected.

TITLE.job.json              the Job, so that a later command can do it again; a Job holds no secrets
TITLE.source.script.json    what is said in the source
TITLE.LOCALE.script.json    its translation as it is spoken
TITLE.corrections.json      the lines that people worded or approved: an input of every further run
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dub.corrections import Corrections, approvals
from dub.errors import BadInput
from dub.location import S3Url
from dub.plan import Job
from dub.script import DubScript, Translation
from dub.xliff import to_xliff
from flows.publish import publish_text, published_text
from lang.bcp47 import Locale

M = TypeVar("M", bound=BaseModel)


def write_job(job: Job, title: str) -> None:
    """As it was asked for; a profile of the user's is named by its whole path."""
    if job.profile.endswith(".toml"):
        job = job.model_copy(update={"profile": str(Path(job.profile).absolute())})
    publish_text(job.model_dump_json(indent=1) + "\n", job.out / f"{title}.job.json")


def read_job(out: Path | S3Url, title: str) -> Job:
    """The job of a title that lies in `out`, which may have been moved since. Raises BadInput where there is none."""
    if job := _read(out, f"{title}.job.json", Job):
        return job.model_copy(update={"out": out, "title": title})
    there = _titles_in(out)
    raise BadInput(
        f"there is no {title}.job.json in {out}",
        mend=f"the titles there are {', '.join(there)}" if there else "dub the title first, or name its folder: --out",
    )


def _titles_in(out: Path | S3Url) -> list[str]:
    if isinstance(out, S3Url) or not out.is_dir():
        return []
    return sorted(path.name.removesuffix(".job.json") for path in out.glob("*.job.json"))


def write_source_script(script: DubScript, out: Path | S3Url, title: str) -> None:
    publish_text(script.model_dump_json(indent=1), out / f"{title}.source.script.json")


def read_source_script(out: Path | S3Url, title: str) -> DubScript:
    name = f"{title}.source.script.json"
    if (script := _read(out, name, DubScript)) is None:
        raise BadInput(f"there is no {name} in {out}", mend="dub the title once more: it was not finished, or is older")
    return script


def write_wording(
    script: DubScript, translation: Translation, corrections: Corrections, out: Path | S3Url, title: str
) -> None:
    """One language's lines, as JSON and as XLIFF; also those of a language that fails later, because people can correct
    what it failed at."""
    locale = translation.locale
    publish_text(translation.model_dump_json(indent=1), out / f"{title}.{locale}.script.json")
    approved = approvals(script, translation, corrections.of(locale))
    publish_text(to_xliff(script, translation, approved), out / f"{title}.{locale}.xlf")


def find_translation(out: Path | S3Url, title: str, locale: Locale) -> Translation | None:
    """None where the language never had words."""
    return _read(out, f"{title}.{locale}.script.json", Translation)


def read_corrections(out: Path | S3Url, title: str) -> Corrections:
    """None made yet is no error. Raises BadInput naming the field for a file that cannot be used."""
    name = f"{title}.corrections.json"
    text = published_text(out / name)
    return Corrections() if text is None else Corrections.read(text, name)


def write_corrections(corrections: Corrections, out: Path | S3Url, title: str) -> None:
    publish_text(corrections.to_json(), out / f"{title}.corrections.json")


def _read(out: Path | S3Url, name: str, kind: type[M]) -> M | None:
    text = published_text(out / name)
    if text is None:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise BadInput(f"{out / name}, field {field!r}: {first['msg']}", mend="dub the title once more") from error
