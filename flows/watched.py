"""A run that is counted: its metrics beside the report, its counters for Prometheus, its events in the log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dub.errors import DubError, Superseded
from dub.location import S3Url
from dub.review_tables import csv_bytes
from dub.run_metrics import RunMetrics, stage_table
from flows import json_log, prometheus
from flows.meter import Meter
from flows.outcome import RunReport
from flows.publish import publish_text
from lang.bcp47 import Locale
from tasks.policy import observed_by

logger = logging.getLogger("dub")


class Watch:
    """What a story tells when it is done: `ended`."""

    def __init__(self) -> None:
        self.report: RunReport | None = None

    def ended(self, report: RunReport) -> RunReport:
        self.report = report
        return report


@contextmanager
def watched(title: str, targets: Collection[Locale], out: Path | S3Url) -> Iterator[Watch]:
    """Count what is done inside. Raises BadInput at once when POLYDUB_LOG or POLYDUB_METRICS_DIR are wrong.

    At the end `<title>.metrics.json` and `.csv` lie in `out`, also of a run that failed, but not of one that was
    superseded: there they are the newer run's. Metrics that cannot be written are a warning: the dubs are there.
    """
    folder, watch, meter = prometheus.metrics_folder(), Watch(), Meter(title, targets)
    log = json_log.JsonLog(sys.stderr, title, targets) if json_log.is_wanted() else None
    with ExitStack() as observers:
        for observer in (meter, log):
            if observer is not None:
                observers.enter_context(observed_by(observer))
        if log:
            log.run_started()
        try:
            yield watch
        except BaseException as error:
            metrics = meter.metrics(None, error)
            if log:
                log.run_failed(error, metrics.seconds)
            _keep(metrics, None if isinstance(error, Superseded) else out, folder)
            raise
    metrics = meter.metrics(watch.report)
    if log and watch.report:
        log.run_finished(watch.report, metrics.seconds)
    _keep(metrics, out, folder)


def _keep(metrics: RunMetrics, out: Path | S3Url | None, folder: Path | None) -> None:
    try:
        if out is not None:
            publish_text(metrics.model_dump_json(indent=1) + "\n", out / f"{metrics.title}.metrics.json")
            publish_text(csv_bytes(stage_table(metrics)).decode(), out / f"{metrics.title}.metrics.csv")
        if folder is not None:
            prometheus.add_run(folder, metrics, time.time())
    except DubError as error:
        logger.warning("the run's metrics could not be kept: %s", type(error).__name__)
