"""`polydub submit`: a job to a Prefect server's workers; to follow it, or cancel it (docs/api.md)."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.prefect_api import PrefectApi, Run

POLL_S = 2.0
PATIENCE_S = 120.0
"""How long a server may be away before following a run is given up; the run itself does not mind."""


def add_submit_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from flows.cli import add_job_options

    submit = commands.add_parser("submit", help="have a video dubbed by the workers of a Prefect server (docs/api.md)")
    submit.add_argument("source", nargs="?", help="the talking video: s3://bucket/key, or a path on the workers")
    add_job_options(submit, required=False)
    submit.add_argument("--deployment", default="dub-title/title", metavar="FLOW/NAME", help="whose run (%(default)s)")
    submit.add_argument("--again", action="store_true", help="another run, though one of this very job is known")
    submit.add_argument(
        "--watch", nargs="?", const="", metavar="ID",
        help="follow a run until it ends, and end as it does; without ID the one that is submitted now",
    )  # fmt: skip
    submit.add_argument("--cancel", metavar="ID", help="cancel a run; what it has finished is kept")
    submit.set_defaults(run=run_submit)


def run_submit(options: argparse.Namespace) -> int:
    """0 submitted, cancelled, or every language of the run that was followed came out; else as `exit_code_of`."""
    from dub.errors import BadInput
    from flows.prefect_api import PrefectApi

    acts = [bool(options.source), bool(options.watch), bool(options.cancel)]
    if sum(acts) != 1:
        raise BadInput("submit does one thing at a time", mend="give a SOURCE, or --watch ID, or --cancel ID")
    with PrefectApi() as api:
        if options.cancel:
            return _cancel(api, options.cancel)
        run_id = options.watch or _submit(api, options)
        return _follow(api, run_id) if options.watch is not None else 0


def _submit(api: PrefectApi, options: argparse.Namespace) -> str:
    from flows.answer_upload import Starter
    from flows.cli import job_of
    from flows.wanted_run import wanted_run

    wanted = wanted_run(job_of(options), salt=secrets.token_hex(8) if options.again else "")
    run_id, is_new = Starter(api, options.deployment).start(wanted)
    print(run_id)
    print(api.page(run_id))
    if not is_new:
        state = api.run(run_id).state_name
        print(f"  this very job was submitted before, and is {state}; --again makes another run of it", file=sys.stderr)
    return run_id


def _cancel(api: PrefectApi, run_id: str) -> int:
    run = api.run(run_id)
    if run.has_ended:
        print(f"{run.name} has ended before: {run.state_name}")
        return 0
    api.cancel(run_id, "cancelled with polydub submit --cancel")
    print(f"{run.name}: {api.run(run_id).state_name}")
    return 0


def _follow(api: PrefectApi, run_id: str) -> int:
    """A line on stderr per state; the exit code of the last."""
    shown, last_seen = "", time.monotonic()
    while True:
        run = _seen(api, run_id, last_seen)
        if run is not None:
            last_seen = time.monotonic()
            if run.state_name != shown:
                shown = run.state_name
                print(f"{run.name}: {shown}" + (f" ({run.message})" if run.message else ""), file=sys.stderr)
            if run.has_ended:
                return exit_code_of(run)
        time.sleep(POLL_S)


def _seen(api: PrefectApi, run_id: str, last_seen: float) -> Run | None:
    """None while the server is away, for as long as one may be patient."""
    from flows.prefect_api import PrefectAway

    try:
        return api.run(run_id)
    except PrefectAway:
        if time.monotonic() - last_seen > PATIENCE_S:
            raise
        return None


def exit_code_of(run: Run) -> int:
    """As `polydub dub` would have ended: 0 every language came out, perhaps degraded; 1 a language failed, or the run
    was cancelled or died; 2 the job was refused, or its source replaced; 3 a language awaits approval."""
    from flows.cli import EXIT_AWAITS_APPROVAL, EXIT_OK

    if run.state_type == "COMPLETED":
        return EXIT_AWAITS_APPROVAL if run.state_name == "AwaitingApproval" else EXIT_OK
    return 2 if run.state_name in ("Refused", "Superseded") else 1
