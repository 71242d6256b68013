"""`report/report`: a finished title's report made anew from the job that lies beside it (TITLE.job.json).

The same story with the same job: what has not changed comes from the memo, so it costs a second where it was dubbed.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from pydantic import ValidationError

from dub.errors import BadInput
from dub.location import Location
from dub.plan import Job
from flows.deployed import RUNNER, finish
from flows.dub_title import dub_title
from flows.publish import published_text


@flow(name="report", flow_run_name="report of {title}", task_runner=RUNNER, persist_result=False)
def report_flow(out: Location, title: str) -> Any:
    """Make the report of the title in `out` (a folder or s3://bucket/prefix) anew."""
    return finish(dub_title(published_job(out, title)))


def published_job(out: Location, title: str) -> Job:
    """The job that the title was made by. Raises BadInput where none lies there."""
    text = published_text(out / f"{title}.job.json")
    if text is None:
        raise BadInput(f"there is no {title}.job.json in {out}", mend="name the title's own folder and its title")
    try:
        return Job.model_validate_json(text).model_copy(update={"out": out, "title": title})
    except ValidationError as error:
        raise BadInput(f"{out}/{title}.job.json is no job: {error.errors()[0]['msg']}", mend="dub it again") from error
