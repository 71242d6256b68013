"""Teaches a Prefect server what to do with runs whose process is gone: `python infra/install_automations.py`.

Two automations, made once and brought up to date by every further call:

- *Crash zombie flows*: a run that was heard of and then is silent for `--within` seconds becomes Crashed. Without it a
  run whose worker died with it stays Running for ever and keeps its place in every limit.
- *Rerun crashed flows*: a run that is Crashed and stays so for `--rerun-after` seconds is scheduled again, with the
  same id, parameters and idempotency key; what it had finished comes from the memo. After `--reruns` reruns it stays
  Crashed, so that a run that kills its worker (out of memory) cannot do so for ever. A run that never started (a
  worker that cannot make its job) is left as it is.

Reads PREFECT_API_URL and PREFECT_API_AUTH_STRING.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

HEARTBEAT_S = 60
"""PREFECT_FLOWS_HEARTBEAT_FREQUENCY of infra/settings/worker.env."""
WITHIN_S = 3 * HEARTBEAT_S
"""Three heartbeats: one may be late, one may be lost while the server restarts."""
RERUNS = 2
RERUN_AFTER_S = 60
"""A process worker reports a dead process twice, up to 12 s apart on a busy machine. A run scheduled again in between
took the second report for a crash of its own and ran twice at once (measured with Prefect 3.9.1)."""
MOVED_ON = ("Scheduled", "AwaitingRetry", "Late", "Pending", "Submitting", "Running", "Cancelling", "Cancelled")
"""States of a run that somebody has already taken up again, or wants no more."""
ZOMBIES, RERUN = "Crash zombie flows", "Rerun crashed flows"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--within", type=int, default=WITHIN_S, metavar="SECONDS", help=f"default {WITHIN_S}")
    parser.add_argument("--reruns", type=int, default=RERUNS, help=f"0 installs no rerun (default {RERUNS})")
    parser.add_argument(
        "--rerun-after", type=int, default=RERUN_AFTER_S, metavar="SECONDS", help=f"default {RERUN_AFTER_S}"
    )
    options = parser.parse_args(arguments)
    for name, done in install(options.within, options.reruns, options.rerun_after):
        print(f"automation {name!r}: {done}")


def install(
    within_s: int = WITHIN_S, reruns: int = RERUNS, rerun_after_s: int = RERUN_AFTER_S
) -> list[tuple[str, str]]:
    """Make or update the automations on the server that the environment names; returns (name, what was done)."""
    from prefect.client.orchestration import get_client

    wanted = [crash_zombies(within_s)] + ([rerun_crashed(reruns, rerun_after_s)] if reruns else [])
    done = []
    with get_client(sync_client=True) as client:
        for automation in wanted:
            known = client.read_automations_by_name(automation.name)
            for each in known:
                client.update_automation(each.id, automation)
            if not known:
                client.create_automation(automation)
            done.append((automation.name, "updated" if known else "made"))
        if not reruns:
            for each in client.read_automations_by_name(RERUN):
                client.delete_automation(each.id)
                done.append((RERUN, "removed"))
    return done


def crash_zombies(within_s: int) -> Any:
    """The trigger counts any event of the run, not Completed alone: our runs also end as Degraded."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=ZOMBIES,
        description=f"A run that was heard of and then is silent for {within_s} s has lost its process.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=within_s),
        ),
        actions=[
            ChangeFlowRunState(state=StateType.CRASHED, message=f"no heartbeat for {within_s} s: its process is gone")
        ],
    )


def rerun_crashed(reruns: int, after_s: int) -> Any:
    """Fires when nothing has moved the run on since it crashed. The event carries how often the run has started
    (`prefect.run-count`): that bounds the reruns."""
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=RERUN,
        description=f"A run that stays crashed is started again, {reruns} times at most; the memo has the rest.",
        trigger=EventTrigger(
            match=ResourceSpecification(
                {
                    "prefect.resource.id": "prefect.flow-run.*",
                    "prefect.run-count": [str(n_starts) for n_starts in range(1, reruns + 1)],
                }
            ),
            after={"prefect.flow-run.Crashed"},
            expect={f"prefect.flow-run.{state}" for state in MOVED_ON},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=after_s),
        ),
        actions=[ChangeFlowRunState(state=StateType.SCHEDULED, name="AwaitingRetry", message="crashed; started again")],
    )


if __name__ == "__main__":
    main()
