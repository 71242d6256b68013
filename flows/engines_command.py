"""`polydub engines`: the environments of engines that run beside ours."""

from __future__ import annotations

import argparse

from dub.errors import BadInput, EngineUnavailable


def add_engines_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    engines = commands.add_parser("engines", help="engines that run in an environment of their own")
    actions = engines.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="which there are and which are installed")
    listing.set_defaults(run=list_workers)
    install = actions.add_parser("install", help="make their environments: gigabytes, minutes")
    install.add_argument("names", nargs="+", metavar="NAME", help="xtts, omnivoice, chatterbox")
    install.set_defaults(run=install_workers)


def list_workers(_options: argparse.Namespace) -> int:
    """One line per environment: its name, the engines that run in it, where it is or how to get it."""
    from engines import registry, worker_venv

    for name in worker_venv.names():
        users = sorted(spec.id for spec in registry.specs().values() if spec.worker == name)
        try:
            worker_venv.python_of(name)
            state = str(worker_venv.folder_of(name))
        except EngineUnavailable as error:
            state = f"not installed: {error.mend}"
        print(f"{name:12} {', '.join(users):24} {state}")
    return 0


def install_workers(options: argparse.Namespace) -> int:
    """All names are looked at before the first is installed. Raises what `worker_venv.install` raises."""
    from engines import worker_venv

    unknown = [name for name in options.names if name not in worker_venv.names()]
    if unknown:
        raise BadInput(f"no engine has an environment {unknown[0]!r}", mend=f"one of: {', '.join(worker_venv.names())}")
    for name in options.names:
        print(f"{name}: installing into {worker_venv.folder_of(name)}", flush=True)
        worker_venv.install(name)
        print(f"{name}: installed")
    return 0
