"""`polydub watch`: a bucket's uploads start runs, told by an SQS queue or by the server's own webhook."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path


def add_watch_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    watch = commands.add_parser("watch", help="start a run for every video uploaded to S3 (docs/triggers.md)")
    source = watch.add_mutually_exclusive_group(required=True)
    source.add_argument("--queue", metavar="URL", help="the SQS queue that S3 sends its events to")
    source.add_argument("--listen", metavar="HOST:PORT", help="be the webhook that the server posts its events to")
    source.add_argument(
        "--sweep", action="store_true", help="look once at everything under the watched prefixes, and end"
    )
    watch.add_argument("--config", required=True, type=Path, metavar="FILE", help="watch.toml")
    watch.set_defaults(run=run_watch)


def run_watch(options: argparse.Namespace) -> int:
    """0: told to stop, or the sweep is done."""
    from flows.prefect_api import PrefectApi
    from flows.watch_settings import read_watch_settings

    settings = read_watch_settings(options.config)
    address = _address(options.listen) if options.listen else None
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("dub").setLevel(logging.INFO)
    with PrefectApi() as api:
        if address is not None:
            from flows.listen_for_uploads import listen

            listen(*address, settings, api)
            return 0
        from flows.watch_bucket import QueueWatcher, sweep

        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        counts = sweep(settings, api, stop) if options.sweep else QueueWatcher(
            options.queue, settings, api, stop
        ).run()  # fmt: skip
        print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "nothing came")
    return 0


def _address(text: str) -> tuple[str, int]:
    from dub.errors import BadInput

    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInput(f"--listen {text!r} is not HOST:PORT", mend="for example --listen 127.0.0.1:8080")
    return host.strip("[]"), int(port)
