"""`watch-bucket/watcher`: the queue, drained for some minutes by every run of a schedule.

A schedule of bounded drains, not one run without end: a run that lives for months dies with its worker's next restart
and nobody starts it again, its logs and its slot grow old, and no one sees in the list of runs how much came when.
A drain that died is followed by the next one, and every message it held is back in the queue by then.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed

from dub.errors import BadInput

QUEUE, CONFIG = "POLYDUB_WATCH_QUEUE", "POLYDUB_WATCH_CONFIG"


@flow(name="watch-bucket", flow_run_name="{queue}", persist_result=False)
def watch_bucket_flow(queue: str = "", config: str = "", seconds: float = 240) -> Any:
    """Drain an SQS queue for `seconds`. `queue`: its URL ($POLYDUB_WATCH_QUEUE); `config`: the path of watch.toml on
    the worker ($POLYDUB_WATCH_CONFIG). The run's message says what came."""
    from flows.prefect_api import PrefectApi
    from flows.watch_bucket import QueueWatcher
    from flows.watch_settings import read_watch_settings

    queue, config = queue or os.environ.get(QUEUE, ""), config or os.environ.get(CONFIG, "")
    if not queue or not config:
        raise BadInput(
            "no queue or no settings to watch by", mend=f"set {QUEUE} and {CONFIG}, or give them as parameters"
        )
    settings = read_watch_settings(Path(config))
    with PrefectApi() as api:
        counts = QueueWatcher(queue, settings, api, threading.Event()).run(seconds)
    return Completed(message=", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "nothing came")
