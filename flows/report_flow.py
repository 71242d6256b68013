"""`report/report`: a finished title's report made anew from the job that lies beside it (TITLE.job.json).

The same story with the same job: what has not changed comes from the memo, so it costs a second where it was dubbed.
"""

from __future__ import annotations

from typing import Any

from prefect import flow

from dub.location import Location
from flows.deployed import RUNNER, finish
from flows.dub_title import dub_title
from flows.title_files import read_job


@flow(name="report", flow_run_name="report of {title}", task_runner=RUNNER, persist_result=False)
def report_flow(out: Location, title: str) -> Any:
    """Make the report of the title in `out` (a folder or s3://bucket/prefix) anew."""
    return finish(dub_title(read_job(out, title)))
