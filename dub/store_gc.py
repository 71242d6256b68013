"""Garbage collection of a store, by age and by title; a folder and S3 alike.

What the ledgers of titles that stay name (dub/ledger.py) is kept: memo records and artifacts. Of the rest, what has
been put or made new longer ago than the grace time goes. A title stays while any run has used it within the age, with
all its ledgers: a run that finds a stage's answer does not ask for the stages within it (a line's take within a
language's speech), and only the ledger of the run that made them names them.

Beside running jobs this is safe, and they need not know of it:
- What a run makes is younger than the grace time until its ledger names it (within half a minute of a stage's end), so
  the grace time must be longer than the longest stage. Less than an hour is refused while a run is at work.
- An artifact that a run puts again is made new, or was found younger than half a day (dub/bucket_store.py).
- A run that hits old work of a title that is going either has its answer before the memo record is removed, or finds no
  record and works anew. In the first case it says so in its ledger within half a minute. So memo records go first; then
  we wait for a minute, read the ledgers again, spare what they name by now, and only then remove artifacts.
- A folder's artifact that is asked for in the very moment of its removal is put back (Store.remove). S3 has no such
  step: artifacts are listed anew and removed within seconds of being listed. What is put again, unchanged, in those
  seconds, after nobody used it for longer than the grace time, is lost: the run that put it fails, saying so, or a
  later one finds a miss. Never is a wrong answer given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from dub.errors import BadInput
from dub.ledger import WRITTEN_EVERY_S, Ledger, read_ledger
from dub.store import Kept, Store

SETTLE_S = 2 * WRITTEN_EVERY_S
SHORTEST_GRACE_BESIDE_RUNS_S = 3600.0
N_AT_ONCE = 1000
LISTED_AGO_S = 5.0
"""How long what was listed as removable may wait for its removal."""
NOBODY = "(no title)"

Tell = Callable[[str], None]


@dataclass
class TitleSize:
    """What one title's ledgers name and the store has. What two titles share counts in both. `used`: seconds since
    1970."""

    title: str
    n_runs: int = 0
    n_memos: int = 0
    n_artifacts: int = 0
    n_bytes: int = 0
    used: float = 0.0
    is_living: bool = False


@dataclass
class Swept:
    """What went, or would have gone: by title what only it used, and in all. `n_young`: what nobody needs either, and
    is kept for the grace time. `n_spared`: what a run at work has taken up while we swept."""

    going: list[TitleSize] = field(default_factory=list)
    n_ledgers: int = 0
    n_memos: int = 0
    n_artifacts: int = 0
    n_bytes: int = 0
    n_young: int = 0
    n_spared: int = 0


@dataclass(frozen=True)
class _Noted:
    """A ledger and where it is kept."""

    kept: Kept
    ledger: Ledger

    @property
    def memos(self) -> set[str]:
        return {f"memo/{use.stage}/{use.key}.json" for use in self.ledger.uses}

    @property
    def artifacts(self) -> set[str]:
        return {f"cas/{digest[:2]}/{digest}" for use in self.ledger.uses for digest in use.artifacts}


def titles_in(store: Store) -> list[TitleSize]:
    """Every title of the store by name; last, as NOBODY, what no ledger names."""
    now = time.time()
    noted = list(_ledgers(store))
    memos = {kept.name: kept.n_bytes for kept in store.kept("memo")}
    artifacts = {kept.name: kept.n_bytes for kept in store.kept("cas")}
    sizes = [_size(title, own, memos, artifacts, now) for title, own in sorted(_by_title(noted).items())]
    for each in noted:
        for known, names in ((memos, each.memos), (artifacts, each.artifacts)):
            for name in names:
                known.pop(name, None)
    rest = TitleSize(NOBODY, n_memos=len(memos), n_artifacts=len(artifacts), n_bytes=sum(artifacts.values()))
    return [*sizes, rest] if memos or artifacts else sizes


def sweep(
    store: Store,
    *,
    older_than_s: float,
    grace_s: float,
    titles: Collection[str] = (),
    is_dry_run: bool = False,
    settle_s: float | None = None,
    tell: Tell = lambda said: None,
) -> Swept:
    """Remove what nobody needs. With `titles`, theirs alone and of any age; without, what no run has used for
    `older_than_s`. Raises BadInput for a title that is not there or at work, and for a grace time too short."""
    now = time.time()
    noted = list(_ledgers(store))
    tell(f"{len(noted)} ledgers of {len(_by_title(noted))} titles")
    going = _going(noted, older_than_s, titles, now)
    _check_runs(noted, going, grace_s, now)
    staying = [each for each in noted if each not in going]
    needed = set().union(*(each.memos | each.artifacts for each in staying))
    mine = set().union(*(each.memos | each.artifacts for each in going)) if titles else None

    moment = now - grace_s

    def is_unneeded(kept: Kept) -> bool:
        return kept.name not in needed and (mine is None or kept.name in mine)

    swept = Swept(n_ledgers=len(going))

    def garbage(under: str) -> dict[str, int]:
        unneeded = [kept for kept in store.kept(under) if is_unneeded(kept)]
        found = {kept.name: kept.n_bytes for kept in unneeded if kept.modified < moment}
        swept.n_young += len(unneeded) - len(found)
        return found

    memos, artifacts = garbage("memo"), garbage("cas")
    swept.n_memos = len(memos)
    swept.going = [_size(title, own, memos, artifacts, now) for title, own in sorted(_by_title(going).items())]
    if is_dry_run:
        swept.n_artifacts, swept.n_bytes = len(artifacts), sum(artifacts.values())
        return swept

    for batch in _batches(list(memos)):
        store.remove(batch, not_since=moment)
        tell(f"{len(batch)} memo records removed")
    if artifacts:
        wait_s = SETTLE_S if settle_s is None else settle_s
        tell(f"waiting {wait_s:.0f} s for what running jobs have used meanwhile")
        time.sleep(wait_s)
        known = {each.kept.name: each.kept.modified for each in noted}
        for each in _ledgers(store, but=known):
            needed |= each.artifacts
    swept.n_spared = len(artifacts.keys() & needed)

    def is_garbage(kept: Kept) -> bool:
        return kept.name in artifacts and is_unneeded(kept) and kept.modified < moment

    for group in _soon(store.kept("cas"), is_garbage):
        store.remove([kept.name for kept in group], not_since=moment)
        swept.n_artifacts += len(group)
        swept.n_bytes += sum(kept.n_bytes for kept in group)
        tell(f"{swept.n_artifacts} of {len(artifacts)} artifacts removed, {swept.n_bytes / 1e6:.1f} MB")
    # Last, so that a sweep that was cut can be done again.
    store.remove([each.kept.name for each in going], not_since=now)
    return swept


def _going(noted: list[_Noted], older_than_s: float, titles: Collection[str], now: float) -> list[_Noted]:
    if titles:
        known = {each.ledger.title for each in noted}
        for title in titles:
            if title not in known:
                raise BadInput(f"the store has no title {title!r}", mend="`polydub store ls` names them")
        return [each for each in noted if each.ledger.title in titles]
    going: list[_Noted] = []
    for own in _by_title(noted).values():
        is_old = now - max(each.kept.modified for each in own) > older_than_s
        going += own if is_old else _superfluous(own, now)
    return going


def _superfluous(own: list[_Noted], now: float) -> list[_Noted]:
    """Of a title's ledgers, those that name nothing which a newer one does not name: nightly runs leave such."""
    found = []
    newer: set[str] = set()
    for each in sorted(own, key=lambda each: (each.kept.modified, each.ledger.run), reverse=True):  # S3 tells seconds
        names = each.memos | each.artifacts
        if newer and names <= newer and not each.ledger.is_living(each.kept, now):
            found.append(each)
        newer |= names
    return found


def _check_runs(noted: list[_Noted], going: list[_Noted], grace_s: float, now: float) -> None:
    living = [each for each in noted if each.ledger.is_living(each.kept, now)]
    for each in living:
        if each in going:
            raise BadInput(
                f"a run is at work on {each.ledger.title!r}, or was killed less than a quarter of an hour ago",
                mend="cancel it, or wait for its end",
            )
    if living and grace_s < SHORTEST_GRACE_BESIDE_RUNS_S:
        raise BadInput(
            f"a grace time under an hour is not safe beside a run at work ({living[0].ledger.title!r})",
            mend="leave --grace out, or wait for the run's end",
        )


def _ledgers(store: Store, but: dict[str, float] | None = None) -> Iterator[_Noted]:
    """All, or those that have come or changed since."""
    for kept in store.kept("titles"):
        if but is None or but.get(kept.name) != kept.modified:
            ledger = read_ledger(store, kept.name)
            if ledger is not None:
                yield _Noted(kept, ledger)


def _by_title(noted: list[_Noted]) -> dict[str, list[_Noted]]:
    found: dict[str, list[_Noted]] = {}
    for each in noted:
        found.setdefault(each.ledger.title, []).append(each)
    return found


def _size(title: str, noted: list[_Noted], memos: dict[str, int], artifacts: dict[str, int], now: float) -> TitleSize:
    """Of what the ledgers name, that which is among `memos` and `artifacts`."""
    own = set().union(*(each.artifacts for each in noted)) & artifacts.keys()
    return TitleSize(
        title=title,
        n_runs=len(noted),
        n_memos=len(set().union(*(each.memos for each in noted)) & memos.keys()),
        n_artifacts=len(own),
        n_bytes=sum(artifacts[name] for name in own),
        used=max(each.kept.modified for each in noted),
        is_living=any(each.ledger.is_living(each.kept, now) for each in noted),
    )


def _batches(names: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), N_AT_ONCE):
        yield names[first : first + N_AT_ONCE]


def _soon(listed: Iterator[Kept], is_wanted: Callable[[Kept], bool]) -> Iterator[list[Kept]]:
    """The wanted, in groups of at most N_AT_ONCE, none of which waits much longer than LISTED_AGO_S."""
    group: list[Kept] = []
    since = time.monotonic()
    for kept in listed:
        if is_wanted(kept):
            since = since if group else time.monotonic()
            group.append(kept)
        if len(group) == N_AT_ONCE or (group and time.monotonic() - since > LISTED_AGO_S):
            yield group
            group = []
    if group:
        yield group
