"""Which check catches which fault: `python -m infra.calibrate_checks talk.mp4=es,pt-BR other.mp4=ca --md TABLE.md`.

Dubs each video by the profile (from the memo, where it was done before), reviews every dub as it is, then with one
planted fault after the other (infra/planted/faults.py), and writes what was caught, missed, and said of clean dubs.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dub.finding import Level, Review
from dub.plan import Job
from lang.bcp47 import Locale

if TYPE_CHECKING:
    from infra.planted.faults import Fault


@dataclass(frozen=True)
class Trial:
    """One dub with one fault. `new`: checks that say worse than of the clean dub, or the same of more lines."""

    dub: str
    fault: str
    new: tuple[str, ...]


@dataclass(frozen=True)
class Clean:
    """What the review says of a dub as it is: checks that ran, and those that were not ok."""

    dub: str
    ran: tuple[str, ...]
    not_ok: tuple[str, ...]


_SEVERITY = {Level.OK: 0, Level.DEGRADED: 1, Level.FAILED: 2}


def levels(review: Review) -> dict[str, tuple[int, int]]:
    """Of each check: its worst level as a number, and how many of its findings are not ok."""
    worst: dict[str, tuple[int, int]] = {}
    for finding in review.findings:
        severity = _SEVERITY[finding.level]
        before, n = worst.get(finding.check, (0, 0))
        worst[finding.check] = (max(before, severity), n + bool(severity))
    return worst


def trials_of(job: Job, faults: Iterable[Fault]) -> tuple[list[Clean], list[Trial]]:
    """Every language of a title as it is, then with each fault that it has something to spoil for."""
    from infra.planted.made import dubs_of

    clean, trials = [], []
    with dubs_of(job) as dubs:
        for locale, made in dubs.items():
            name = f"{job.title} {locale}"
            before = levels(made.reviewed())
            not_ok = tuple(sorted(check for check, (level, _) in before.items() if level))
            clean.append(Clean(name, tuple(sorted(before)), not_ok))
            print(f"{name} as it is: {', '.join(not_ok) or 'all ok'}", flush=True)
            others = {other: each for other, each in dubs.items() if other != locale}
            for fault in faults:
                spoiled = fault.plant(made, others)
                if spoiled is None:
                    continue
                after = levels(spoiled.reviewed())
                new = tuple(sorted(check for check, level in after.items() if level > before.get(check, (0, 0))))
                trials.append(Trial(name, fault.name, new))
                print(f"{name}: {fault.name}: {', '.join(new) or 'nothing'}", flush=True)
    return clean, trials


def table(clean: Iterable[Clean], trials: Iterable[Trial], faults: Iterable[Fault]) -> str:
    """Markdown: per fault how often it was caught and by what; per check what it said of clean dubs."""
    tried: Mapping[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        tried[trial.fault].append(trial)
    lines = ["| planted fault | size | caught | by its check | other checks that spoke |", "|---|---|---|---|---|"]
    for fault in faults:
        some = tried[fault.name]
        if not some:
            lines.append(f"| {fault.name} | {fault.size} | not tried | | |")
            continue
        caught = sum(bool(set(trial.new) & set(fault.caught_by)) for trial in some)
        own = _counted(check for trial in some for check in trial.new if check in fault.caught_by)
        other = _counted(check for trial in some for check in trial.new if check not in fault.caught_by)
        lines.append(f"| {fault.name} | {fault.size} | {caught} of {len(some)} | {own} | {other} |")
    dubs = list(clean)
    n_ran = sum(len(each.ran) for each in dubs)
    said = _counted(check for each in dubs for check in each.not_ok)
    n_said = sum(len(each.not_ok) for each in dubs)
    share = f"{n_said} of {n_ran} checks ({n_said / max(1, n_ran):.1%})"
    lines += ["", f"On {len(dubs)} dubs as they are, {share} were not ok: {said}."]
    return "\n".join(lines) + "\n"


def _counted(checks: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for check in checks:
        counts[check] = counts.get(check, 0) + 1
    return ", ".join(f"{check} {n}" for check, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _job(asked: str, out: Path, profile: str) -> Job:
    """Of `talk.mp4=es,fr`."""
    video, _, targets = asked.partition("=")
    source = Path(video).absolute()
    locales = tuple(Locale(tag) for tag in targets.split(","))
    return Job(source=source, targets=locales, out=out / source.stem, profile=profile, title=source.stem)


def main() -> None:
    from infra.planted.faults import FAULTS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", metavar="VIDEO=LOCALES")
    parser.add_argument("--out", type=Path, default=Path("calibrated"))
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--md", type=Path, help="write the table here as well")
    options = parser.parse_args()
    clean: list[Clean] = []
    trials: list[Trial] = []
    for asked in options.videos:
        job = _job(asked, options.out.absolute(), options.profile)
        some_clean, some_trials = trials_of(job, FAULTS)
        clean += some_clean
        trials += some_trials
    options.out.mkdir(parents=True, exist_ok=True)
    facts = {"clean": [asdict(each) for each in clean], "trials": [asdict(each) for each in trials]}
    (options.out / "trials.json").write_text(json.dumps(facts, indent=1))
    told = table(clean, trials, FAULTS)
    print(told)
    if options.md:
        options.md.write_text(told)


if __name__ == "__main__":
    main()
