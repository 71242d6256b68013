"""What an upload leads to: a run, a text that says what to mend, or nothing. The same for a queue and for a webhook."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dub.bucket import Bucket, s3_client, s3_errors
from dub.errors import BadInput, StoreUnavailable
from dub.job_settings import SIDECAR_ENDING
from dub.location import S3Url
from flows.prefect_api import PrefectApi
from flows.publish import check_writable, publish_text
from flows.upload_job import BadSettings, job_for, look_beside, stem_of
from flows.uploads import Upload
from flows.wanted_run import Gone, WantedRun, wanted_run
from flows.watch_settings import WatchedPrefix, WatchSettings

logger = logging.getLogger("dub.watch")
ERROR_ENDING = ".polydub-error.txt"


class Led(StrEnum):
    """What an upload led to. After each of them its message is done with."""

    STARTED = "started"
    KNOWN = "known"
    """Its run was started before: a second message of the same upload."""
    IGNORED = "ignored"
    """It is in no watched prefix, or neither video nor sidecar."""
    GONE = "gone"
    """The object is not there any more: deleted, or renamed."""
    WAITING = "waiting"
    """A sidecar whose video has not come yet."""
    NO_SETTINGS = "no settings"
    BAD_SETTINGS = "bad settings"


@dataclass(frozen=True)
class Answer:
    """`run_id`: "" where there is no run."""

    url: S3Url
    led: Led
    run_id: str = ""


class Starter:
    """Starts the runs of one deployment, as many as are asked for: who posts to a webhook has no queue to wait in, so
    the runs wait in Prefect's."""

    def __init__(self, api: PrefectApi, deployment: str) -> None:
        self.api = api
        self.deployment_id = api.deployment_id(deployment)

    def start(self, wanted: WantedRun) -> tuple[str, bool]:
        """The id of the run, and whether it is new."""
        parameters = {"job": wanted.job.model_dump(mode="json", exclude_defaults=True)}
        run, is_new = self.api.create_run(self.deployment_id, parameters, wanted.key, (wanted.source_tag,))
        return run.id, is_new


def answer_upload(upload: Upload, settings: WatchSettings, starter: Starter) -> tuple[Answer, ...]:
    """One answer, or one per video of a sidecar. What the event says of the object is not believed: it is looked at
    now, so events that come twice, late or in another order come to the same.

    Raises PrefectAway, StoreUnavailable (retryable), StoreRefused; and then nothing was decided.
    """
    prefix = settings.prefix_of(upload.url)
    answers: tuple[Answer, ...]
    if prefix is None:
        answers = (Answer(upload.url, Led.IGNORED),)
    elif upload.url.name.endswith(SIDECAR_ENDING):
        videos = look_beside(upload.url, prefix).videos
        answers = tuple(_answer_video(video, prefix, starter) for video in videos) or (
            Answer(upload.url, Led.WAITING),
        )  # fmt: skip
    elif prefix.is_video(upload.url):
        answers = (_answer_video(upload.url, prefix, starter),)
    else:
        answers = (Answer(upload.url, Led.IGNORED),)
    for answer in answers:
        level = logging.DEBUG if answer.led is Led.IGNORED else logging.INFO
        logger.log(level, "%s: %s %s", answer.url, answer.led.value, answer.run_id)
    return answers


def _answer_video(video: S3Url, prefix: WatchedPrefix, starter: Starter) -> Answer:
    try:
        wanted = _wanted(video, prefix)
        if wanted is None:
            return Answer(video, Led.NO_SETTINGS)
        run_id, is_new = starter.start(wanted)
    except Gone:
        return Answer(video, Led.GONE)
    except BadSettings as error:
        _tell(error, _error_place(video, prefix))
        return Answer(video, Led.BAD_SETTINGS)
    _retire_older(wanted, video, prefix, starter)  # also when the run is known: who started it may have died here
    _untell(_error_place(video, prefix))
    return Answer(video, Led.STARTED if is_new else Led.KNOWN, run_id)


def _wanted(video: S3Url, prefix: WatchedPrefix) -> WantedRun | None:
    """The run that a video should have as everything lies now; None where nothing says how to dub it. Raises Gone."""
    job = job_for(video, prefix)
    try:
        return None if job is None else wanted_run(job)
    except Gone:
        raise
    except BadInput as error:  # an object that the sidecar names has not been uploaded
        mend = "then upload the sidecar once more: files that it names come before it"
        raise BadSettings(f"{video}, {error}", mend=mend) from None


def _retire_older(wanted: WantedRun, video: S3Url, prefix: WatchedPrefix, starter: Starter) -> None:
    """End the source's runs that nobody wants any more. One that works on replaced content finds out by itself before
    it publishes (`Superseded`); one with other settings cannot, so it is cancelled."""
    runs = starter.api.active_runs(starter.deployment_id, wanted.source_tag)
    older = [run for run in runs if run.idempotency_key != wanted.key]
    if not older:
        return
    now = _wanted(video, prefix)  # two uploads at once: what is true now decides, not who is last to look
    for run in older:
        if now is None or run.idempotency_key == now.key:
            continue
        message = f"superseded: {video} has been uploaded or described anew"
        if run.state_type == "SCHEDULED":
            starter.api.set_state(run.id, {"type": "CANCELLED", "name": "Superseded", "message": message})
        elif run.source_etag == now.job.source_etag:
            starter.api.cancel(run.id, message)


def _error_place(video: S3Url, prefix: WatchedPrefix) -> Path | S3Url:
    return prefix.out_of(video) / f"{stem_of(video).name}{ERROR_ENDING}"


def _tell(error: BadSettings, place: Path | S3Url) -> None:
    """Where whoever uploaded looks for the results."""
    if isinstance(place, Path):
        check_writable(place.parent)
    publish_text(f"{error}\n", place)


def _untell(place: Path | S3Url) -> None:
    """What was mended is not complained of any more. The run is there already, so failing at this fails nothing."""
    try:
        if isinstance(place, Path):
            place.unlink(missing_ok=True)
        elif Bucket(place.bucket).head(place.key) is not None:
            with s3_errors(place):
                s3_client().delete_object(Bucket=place.bucket, Key=place.key)
    except (StoreUnavailable, OSError) as error:
        logger.warning("an old %s may be left: %s", place, error)
