"""From an upload to the job that it asks for: its sidecar, its tags and the prefix's defaults, in that order."""

from __future__ import annotations

from dub.bucket import Bucket
from dub.errors import BadInput
from dub.job_settings import MAX_SIDECAR_BYTES, SIDECAR_ENDING, JobSettings, read_sidecar, read_tags
from dub.location import S3Url
from dub.plan import Job
from flows.preflight import read_plan
from flows.watch_settings import WatchedPrefix

N_BESIDE = 200
"""Objects that share a title's name before its suffix: subtitles, scripts; more than that is somebody's mistake."""


class BadSettings(BadInput):
    """What was uploaded cannot be a job; sending the same event again cannot help, a corrected upload does."""


def videos_beside(url: S3Url, prefix: WatchedPrefix) -> tuple[S3Url, ...]:
    """The videos of one title: an upload and what differs from it by its suffix alone. Of a sidecar, its videos."""
    stem = str(stem_of(url))
    found = []
    for number, stored in enumerate(Bucket(url.bucket).list(f"{S3Url(stem).key}.")):
        if number == N_BESIDE:
            break
        if str(stored.url).removesuffix(stored.url.suffix) == stem and prefix.is_video(stored.url):
            found.append(stored.url)
    return tuple(found)


def stem_of(url: S3Url) -> S3Url:
    """The title's URL without what tells its kind: of `talk.mp4` and `talk.polydub.toml`, `talk`."""
    is_sidecar = url.name.endswith(SIDECAR_ENDING)
    return S3Url(url.removesuffix(SIDECAR_ENDING if is_sidecar else url.suffix))


def job_for(video: S3Url, prefix: WatchedPrefix) -> Job | None:
    """The job of a video as everything lies now; None where nothing says how to dub it.

    Raises BadSettings for a sidecar, tags or a name that cannot be meant, StoreUnavailable.
    """
    twins = [url for url in videos_beside(video, prefix) if url != video]
    if twins:
        names = ", ".join(url.name for url in (video, *twins))
        raise BadSettings(f"{names} are one title by their names", mend="rename one of them; results bear the name")
    settings = _settings_of(video).over(prefix.defaults)
    if not settings.model_fields_set:
        return None
    if not settings.targets:
        raise BadSettings(
            f"neither sidecar nor tags of {video} nor the prefix say into which languages",
            mend=f'upload {stem_of(video).name}{SIDECAR_ENDING} with for example targets = ["es"]',
        )
    return _job(video, settings, prefix)


def _settings_of(video: S3Url) -> JobSettings:
    bucket = Bucket(video.bucket)
    sidecar = S3Url(f"{stem_of(video)}{SIDECAR_ENDING}")
    stored = bucket.head(sidecar.key)
    try:
        if stored is not None and stored.n_bytes > MAX_SIDECAR_BYTES:
            raise BadInput(
                f"the sidecar {sidecar} has {stored.n_bytes} bytes, {MAX_SIDECAR_BYTES} are the most",
                mend="upload a TOML file, see docs/triggers.md",
            )
        text = bucket.read_bytes(sidecar.key) if stored is not None else None
        beside = JobSettings() if text is None else read_sidecar(text, sidecar)
        return beside.over(read_tags(bucket.tags(video.key), video))
    except BadInput as error:
        raise BadSettings(str(error)) from None


def _job(video: S3Url, settings: JobSettings, prefix: WatchedPrefix) -> Job:
    try:
        read_plan(settings.profile)
    except BadInput as error:
        raise BadSettings(f"{video}, field 'profile': {error}") from None
    return Job(source=video, out=prefix.out_of(video), store=prefix.store, **settings.given())
