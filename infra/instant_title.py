"""A title whose stages do nothing, in the shape of flows/dub_title.py: what is left is orchestration, memo and store.

Used by infra/bench_orchestration.py, in processes of its own and of clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from dub.artifact import Record
from dub.stage import Desk, stage
from tasks.policy import Work, submit

SHARED = ("ingest", "separate", "track_faces", "diarize", "transcribe", "measure_prosody", "find_speaking_faces",
    "build_mouth_bank", "preview", "enroll")  # fmt: skip
PER_LOCALE = {
    "translate": ("transcribe",),
    "cast": ("enroll",),
    "speak": ("transcribe", "translate", "cast", "measure_prosody"),
    "fit": ("ingest", "transcribe", "speak", "measure_prosody"),
    "mix": ("ingest", "separate", "fit"),
    "plan lips": ("ingest", "track_faces", "find_speaking_faces", "build_mouth_bank", "fit"),
    "lipsync": ("ingest", "build_mouth_bank", "plan lips"),
    "join lips": ("ingest", "plan lips", "lipsync"),
    "look at": ("ingest", "lipsync"),
    "subtitle": ("ingest", "fit"),
    "remux": ("ingest", "join lips", "mix", "subtitle", "cast"),
    "review": ("ingest", "separate", "translate", "speak", "fit", "mix", "join lips", "look at", "remux"),
}


class Instant(Record):
    name: str


@stage(version=1)
def instant(desk: Desk, name: str, before: tuple[Instant, ...]) -> Instant:
    """Nothing, at once."""
    return Instant(name=name)


@dataclass(frozen=True)
class Works:
    works: dict[str, Work[Instant]]


def start(locale: str, spoken: str, prepared: Any, shared: Works) -> Works:
    works = dict(shared.works)
    for name, before in PER_LOCALE.items():
        inputs = tuple(works[each] for each in before)
        works[name] = submit(instant, prepared.desk, f"{name} {locale}", inputs, label=f"{name} {locale}")
    return Works({name: works[name] for name in PER_LOCALE})


def run(store: str, n_locales: int, granularity: str, locales_per_task: int) -> None:
    """Everything submitted, and every end waited for."""
    from flows.whole_locales import dub_whole_locales
    from tasks.policy import is_in_prefect_flow

    desk, locales = Desk(store=store), tuple(f"l{number}" for number in range(n_locales))
    shared = Works({name: submit(instant, desk, name, (), label=name) for name in SHARED})
    for work in shared.works.values():
        work.result()
    job = SimpleNamespace(targets=locales, locales_per_task=locales_per_task)
    prepared = SimpleNamespace(job=job, desk=desk)
    if granularity == "locale" and is_in_prefect_flow():
        dubs = dub_whole_locales(start, "en", prepared, shared)  # type: ignore[arg-type]
    else:
        dubs = iter([start(locale, "en", prepared, shared) for locale in locales])
    for dub in dubs:
        for work in dub.works.values():
            work.result()
