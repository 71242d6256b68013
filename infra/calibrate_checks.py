"""Which check catches which fault: `python -m infra.calibrate_checks talk.mp4=es,pt-BR other.mp4=ca --md TABLE.md`.

Dubs each video by the profile (from the memo, where it was done before), reviews every dub as it is, then with one
planted fault after the other (infra/planted/faults.py), and writes what was caught, missed, and said of clean dubs.
Every trial is kept in the folder's trials.json, so a run goes on where it was stopped, and the table is of all videos
that were tried there by the present review; `--again` names faults to be tried anew ("as it is" for the dubs without).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dub.artifact import Record
from dub.finding import Level, Review
from dub.plan import Job
from lang.bcp47 import Locale

if TYPE_CHECKING:
    from infra.planted.faults import Fault

AS_IT_IS = "as it is"
_SEVERITY = {Level.OK: 0, Level.DEGRADED: 1, Level.FAILED: 2}


class Trial(Record):
    """One dub with one fault, or AS_IT_IS. `new`: checks that say worse than of the clean dub, or the same of more
    lines; of a clean dub, those that are not ok. `ran`: checks that gave a finding."""

    dub: str
    fault: str
    new: tuple[str, ...]
    ran: tuple[str, ...]


class Trials(Record):
    """All that was tried with one version of the review."""

    review: int
    trials: tuple[Trial, ...] = ()

    @classmethod
    def read(cls, path: Path, review: int) -> Trials:
        """Those of another version count no more."""
        kept = cls.model_validate_json(path.read_text()) if path.exists() else cls(review=review)
        return kept if kept.review == review else cls(review=review)

    def with_(self, trial: Trial) -> Trials:
        others = tuple(each for each in self.trials if (each.dub, each.fault) != (trial.dub, trial.fault))
        return self.model_copy(update={"trials": (*others, trial)})

    def has(self, dub: str, fault: str) -> bool:
        return any((each.dub, each.fault) == (dub, fault) for each in self.trials)


def levels(review: Review) -> dict[str, tuple[int, int]]:
    """Of each check: its worst level as a number, and how many of its findings are not ok."""
    worst: dict[str, tuple[int, int]] = {}
    for finding in review.findings:
        severity = _SEVERITY[finding.level]
        before, n = worst.get(finding.check, (0, 0))
        worst[finding.check] = (max(before, severity), n + bool(severity))
    return worst


def try_title(job: Job, faults: Sequence[Fault], kept: Path, again: Iterable[str] = ()) -> Trials:
    """Every language of a title as it is, then with each fault that it has something to spoil for. `kept`: the file
    that the trials are read from and written to."""
    from infra.planted.made import dubs_of
    from tasks.review import review

    trials = Trials.read(kept, review.version)
    with dubs_of(job) as dubs:
        for locale, made in dubs.items():
            name = f"{job.title} {locale}"
            before = levels(made.reviewed())
            others = {other: each for other, each in dubs.items() if other != locale}
            for fault in (None, *faults):
                called = fault.name if fault else AS_IT_IS
                if trials.has(name, called) and called not in again:
                    continue
                spoiled = fault.plant(made, others) if fault else made
                if spoiled is None:
                    continue
                after = levels(spoiled.reviewed()) if fault else before
                new = (check for check, level in after.items() if level > (before if fault else {}).get(check, (0, 0)))
                trial = Trial(dub=name, fault=called, new=tuple(sorted(new)), ran=tuple(sorted(after)))
                trials = trials.with_(trial)
                kept.write_text(trials.model_dump_json(indent=1))
                print(f"{name}, {called}: {', '.join(trial.new) or 'nothing'}", flush=True)
    return trials


def table(trials: Iterable[Trial], faults: Iterable[Fault]) -> str:
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
    clean = tried[AS_IT_IS]
    n_ran, n_said = sum(len(each.ran) for each in clean), sum(len(each.new) for each in clean)
    said = _counted(check for each in clean for check in each.new)
    share = f"{n_said} of {n_ran} checks ({n_said / max(1, n_ran):.1%})"
    lines += ["", f"On {len(clean)} dubs as they are, {share} were not ok: {said or 'none'}."]
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
    parser.add_argument("--again", action="append", default=[], metavar="FAULT", help="try this one anew")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="try no other than this one")
    parser.add_argument("--md", type=Path, help="write the table here as well")
    options = parser.parse_args()
    names = {fault.name for fault in FAULTS} | {AS_IT_IS}
    for name in (*options.again, *options.only):
        if name not in names:
            parser.error(f"no fault is called {name!r}; there are: {'; '.join(sorted(names))}")
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    faults = [fault for fault in FAULTS if not options.only or fault.name in options.only]
    for asked in options.videos:
        trials = try_title(_job(asked, out, options.profile), faults, out / "trials.json", options.again)
    told = table(trials.trials, FAULTS)
    print(told)
    if options.md:
        options.md.write_text(told)


if __name__ == "__main__":
    main()
