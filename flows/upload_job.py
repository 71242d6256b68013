"""From an upload to the job that it asks for: its sidecar, its tags and the prefix's defaults, in that order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from dub.bucket import Bucket, StoredObject
from dub.errors import BadInput
from dub.job_settings import MAX_SIDECAR_BYTES, SIDECAR_ENDING, JobSettings, read_sidecar, read_tags
from dub.location import S3Url
from dub.plan import Job
from flows.preflight import read_plan
from flows.wanted_run import Gone
from flows.watch_settings import WatchedPrefix

N_BESIDE = 10_000
"""Objects that may share a title's name up to its suffix: each event of one looks through them all."""


class BadSettings(BadInput):
    """What was uploaded cannot be a job; sending the same event again cannot help, a corrected upload does."""


@dataclass(frozen=True)
class Beside:
    """What lies there of one title: its videos (one, if all is well) and its sidecar."""

    videos: tuple[S3Url, ...]
    sidecar: StoredObject | None


def look_beside(url: S3Url, prefix: WatchedPrefix) -> Beside:
    """The title of an upload, be it the video or the sidecar."""
    stem = stem_of(url)
    found = list(islice(Bucket(url.bucket).list(f"{stem.key}."), N_BESIDE))
    if len(found) == N_BESIDE:
        raise BadInput(f"{N_BESIDE} objects begin with {stem}.", mend="give the titles names that tell them apart")
    videos = tuple(each.url for each in found if prefix.is_video(each.url) and stem_of(each.url) == stem)
    sidecar = next((each for each in found if each.url == f"{stem}{SIDECAR_ENDING}"), None)
    return Beside(videos, sidecar)


def stem_of(url: S3Url) -> S3Url:
    """The title's URL without what tells its kind: of `talk.mp4` and `talk.polydub.toml`, `talk`."""
    is_sidecar = url.name.endswith(SIDECAR_ENDING)
    return S3Url(url.removesuffix(SIDECAR_ENDING if is_sidecar else url.suffix))


def job_for(video: S3Url, prefix: WatchedPrefix) -> Job | None:
    """The job of a video as everything lies now; None where nothing says how to dub it.

    Raises Gone when it is not there, BadSettings for a sidecar, tags or a name that cannot be meant, StoreUnavailable.
    """
    beside = look_beside(video, prefix)
    if video not in beside.videos:
        raise Gone(f"there is no object {video}")
    if len(beside.videos) > 1:
        names = ", ".join(url.name for url in beside.videos)
        raise BadSettings(f"{names} are one title by their names", mend="rename one of them; results bear the name")
    settings = _settings_of(video, beside.sidecar).over(prefix.defaults)
    if not settings.model_fields_set:
        return None
    if not settings.targets:
        raise BadSettings(
            f"neither sidecar nor tags of {video} nor the prefix say into which languages",
            mend=f'upload {stem_of(video).name}{SIDECAR_ENDING} with for example targets = ["es"]',
        )
    return _job(video, settings, prefix)


def _settings_of(video: S3Url, sidecar: StoredObject | None) -> JobSettings:
    bucket = Bucket(video.bucket)
    try:
        if sidecar is not None and sidecar.n_bytes > MAX_SIDECAR_BYTES:
            raise BadInput(
                f"the sidecar {sidecar.url} has {sidecar.n_bytes} bytes, {MAX_SIDECAR_BYTES} are the most",
                mend="upload a TOML file, see docs/triggers.md",
            )
        text = bucket.read_bytes(sidecar.url.key) if sidecar is not None else None
        said = JobSettings() if sidecar is None or text is None else read_sidecar(text, sidecar.url)
        return said.over(read_tags(bucket.tags(video.key), video))
    except BadInput as error:
        raise BadSettings(str(error)) from None


def _job(video: S3Url, settings: JobSettings, prefix: WatchedPrefix) -> Job:
    try:
        read_plan(settings.profile)
    except BadInput as error:
        raise BadSettings(f"{video}, field 'profile': {error}") from None
    return Job(source=video, out=prefix.out_of(video), store=prefix.store, **settings.given())
