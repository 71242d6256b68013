"""Watch a bucket by its SQS queue: every upload that the queue tells of gets its run; what cannot be done stays in the
queue, which moves it to its dead-letter queue in the end.

A message is deleted only after its run was created. While one is held, a heartbeat keeps it invisible to others. While
Prefect or S3 are away, messages are held and asked again, and no new ones are received: the count of receipts, by which
the queue tells poison, is not spent on an outage. A queue is left alone while the deployment has its fill of runs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any

from dub.bucket import Bucket
from dub.errors import BadInput, DubError, EngineUnavailable, StoreUnavailable
from flows.answer_upload import Answer, Starter, answer_upload
from flows.prefect_api import PrefectApi, PrefectAway
from flows.uploads import Upload, read_uploads
from flows.wanted_run import WantedRun
from flows.watch_settings import WatchSettings

logger = logging.getLogger("dub.watch")

LONG_POLL_S = 5
"""How long one receive waits for a message; SIGTERM waits for it too, and containers are killed 10 s after theirs."""
N_HELD = 10
"""Messages in hand at once, which is also the most that one receive gives."""
RETRY_S = 2.0
"""Between two tries while Prefect, S3 or the queue are away."""
S3_PATIENCE_S = 600.0
"""How long a message is held because S3 fails for its object, before the queue counts it as failed."""
COUNT_GOOD_FOR_S = 1.0


class Stopping(DubError):
    """The watcher was told to stop while it held a message, which goes back to the queue."""


class BoundedStarter(Starter):
    """Starts a run only while the deployment has fewer than `limit` active ones; waits for a place otherwise. Of one
    watcher: two of them may be over the limit by what each starts in a second."""

    def __init__(self, api: PrefectApi, deployment: str, limit: int, stop: threading.Event) -> None:
        super().__init__(api, deployment)
        self.limit = limit
        self._stop = stop
        self._lock = threading.Lock()
        self._n_free = 0
        self._counted_at = float("-inf")

    def n_free(self) -> int:
        """Places for further runs, counted now. Raises PrefectAway."""
        with self._lock:
            return self._count()

    def start(self, wanted: WantedRun) -> tuple[str, bool]:
        with self._lock:  # one at a time: a run that is being created is in nobody's count
            while (self._n_free if self._is_fresh() else self._count()) < 1:
                if self._stop.wait(0.2):
                    raise Stopping("no place for its run")
            run_id, is_new = super().start(wanted)
            self._n_free -= is_new
        return run_id, is_new

    def _is_fresh(self) -> bool:
        return self._n_free > 0 and time.monotonic() - self._counted_at < COUNT_GOOD_FOR_S

    def _count(self) -> int:
        self._n_free = self.limit - self.api.n_active(self.deployment_id)
        self._counted_at = time.monotonic()
        return self._n_free


class QueueWatcher:
    """One queue's messages to runs. `stop` ends it: what is in hand is finished, or given back to the queue."""

    def __init__(self, queue_url: str, settings: WatchSettings, api: PrefectApi, stop: threading.Event) -> None:
        self.queue_url = queue_url
        self.settings = settings
        self.stop = stop
        self.starter = BoundedStarter(api, settings.deployment, settings.max_active_runs, stop)
        self.counts: Counter[str] = Counter()
        self._sqs = sqs_client()
        self._visible_after_s = self._read_queue()
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(self, seconds: float = float("inf")) -> Counter[str]:
        """Until `stop` is set or `seconds` have passed; returns how often each thing happened."""
        deadline = time.monotonic() + seconds
        working: set[Future[None]] = set()
        with self._heartbeat(), ThreadPoolExecutor(N_HELD, thread_name_prefix="upload") as pool:
            while not self.stop.is_set() and time.monotonic() < deadline:
                working = {each for each in working if not each.done()}
                n_wanted = min(N_HELD, self._n_places()) - len(working)  # each in hand may take a place yet
                if n_wanted < 1:
                    wait(working, timeout=0.2) if len(working) == N_HELD else self.stop.wait(0.5)
                    continue
                working |= {pool.submit(self._answer, message) for message in self._receive(n_wanted)}
            if time.monotonic() >= deadline:  # a drain's end: what is in hand may not wait for places for ever
                wait(working, timeout=LONG_POLL_S)
                self.stop.set()
        return self.counts

    def _n_places(self) -> int:
        try:
            return self.starter.n_free()
        except PrefectAway as error:
            logger.warning("%s; no messages are received until it does", error)
            self.stop.wait(RETRY_S)
            return 0

    def _receive(self, n_wanted: int) -> list[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            told = self._sqs.receive_message(
                QueueUrl=self.queue_url, MaxNumberOfMessages=n_wanted, WaitTimeSeconds=LONG_POLL_S,
                VisibilityTimeout=self._visible_after_s,
            )  # fmt: skip
        except (BotoCoreError, ClientError) as error:
            logger.warning("the queue does not answer: %s", type(error).__name__)
            self.stop.wait(RETRY_S)
            return []
        messages: list[dict[str, Any]] = told.get("Messages", [])
        with self._lock:
            self._held |= {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        return messages

    def _answer(self, message: dict[str, Any]) -> None:
        """One message to its end. Never raises: whatever is wrong with it is its own affair."""
        is_done = False
        try:
            for upload in read_uploads(message["Body"]):
                for answer in self._until_answered(upload):
                    self.counts[answer.led.value] += 1
            is_done = True
        except Stopping:
            self._give_back(message)
        except DubError as error:
            logger.error("message %s is left to the queue: %s", message["MessageId"], error)
            self.counts["left"] += 1
        except Exception:
            logger.exception("message %s is left to the queue", message["MessageId"])
            self.counts["left"] += 1
        with self._lock:
            self._held.pop(message["MessageId"], None)
        if is_done:
            self._delete(message)

    def _until_answered(self, upload: Upload) -> tuple[Answer, ...]:
        began = time.monotonic()
        while True:
            try:
                return answer_upload(upload, self.settings, self.starter)
            except (PrefectAway, StoreUnavailable) as error:
                is_hopeless = isinstance(error, StoreUnavailable) and time.monotonic() - began > S3_PATIENCE_S
                if not error.retryable or is_hopeless:
                    raise
                logger.warning("%s: held, for %s", upload.url, error)
            if self.stop.wait(RETRY_S):
                raise Stopping(f"{upload.url} is given back")

    def _delete(self, message: dict[str, Any]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as error:  # it comes again, and its run is known
            logger.warning("message %s was not deleted: %s", message["MessageId"], type(error).__name__)

    def _give_back(self, message: dict[str, Any]) -> None:
        self.counts["given back"] += 1
        with suppress(Exception):  # else it comes back by itself, when its time is over
            self._sqs.change_message_visibility(
                QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Keep what is in hand invisible to others, three times in the queue's own time-out."""
        is_over = threading.Event()

        def beat() -> None:
            while not is_over.wait(self._visible_after_s / 3):
                with self._lock:
                    held = list(self._held.items())
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": self._visible_after_s}
                    for number, (_, receipt) in enumerate(held)
                ]
                with suppress(Exception):  # the next beat is soon enough; at worst a message is known twice
                    if entries:
                        self._sqs.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _read_queue(self) -> int:
        """The queue's visibility time-out, in s. Raises BadInput where the queue cannot be used."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            told = self._sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
        except (BotoCoreError, ClientError, ValueError) as error:
            raise BadInput(
                f"cannot use the queue {self.queue_url}: {type(error).__name__}",
                mend="check its URL, AWS_REGION, the credentials, and that sqs:GetQueueAttributes is allowed",
            ) from None
        if "RedrivePolicy" not in told["Attributes"]:
            logger.warning("the queue has no dead-letter queue: what cannot be read comes back until it expires")
        return max(int(told["Attributes"]["VisibilityTimeout"]), 1)


def sweep(settings: WatchSettings, api: PrefectApi, stop: threading.Event) -> Counter[str]:
    """Answer everything that lies under the watched prefixes as if its event had just come: what a server never told,
    or told while nobody listened. What has its run keeps it."""
    starter = BoundedStarter(api, settings.deployment, settings.max_active_runs, stop)
    counts: Counter[str] = Counter()
    for prefix in settings.watch:
        fixed = prefix.folders[: prefix.folders.index("*")] if "*" in prefix.folders else prefix.folders
        for stored in Bucket(prefix.bucket).list("".join(f"{name}/" for name in fixed)):
            if stop.is_set():
                return counts
            if prefix.is_video(stored.url):
                with suppress(Stopping):
                    counts.update(each.led.value for each in answer_upload(Upload(stored.url), settings, starter))
    return counts


def sqs_client() -> Any:
    """boto3's client: safe for threads. Where and who is boto3's own business, as for S3 (AWS_ENDPOINT_URL_SQS); but
    the region, which S3 can do without and boto3 reads from AWS_DEFAULT_REGION alone, may be in AWS_REGION too."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ModuleNotFoundError as error:
        raise EngineUnavailable("SQS needs the Python package 'boto3'", mend="pip install '.[s3]'") from error
    config = Config(
        connect_timeout=5, read_timeout=LONG_POLL_S + 10, max_pool_connections=N_HELD + 2,
        retries={"mode": "standard", "total_max_attempts": 3},
    )  # fmt: skip
    try:
        return boto3.Session().client("sqs", config=config, region_name=os.environ.get("AWS_REGION"))
    except BotoCoreError as error:
        raise BadInput(f"SQS: {error}", mend="set AWS_REGION and the credentials") from None
