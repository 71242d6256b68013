"""Progress of a stage made of parts, each with a unit of its own."""

from __future__ import annotations

from dub import progress


def test_parts_fill_their_share_of_the_whole_and_never_go_back() -> None:
    seen: list[tuple[int, int]] = []
    progress.listen(lambda done, total: seen.append((done, total)))
    try:
        with progress.part(0.0, 0.5):
            progress.report(1, 4)
            progress.report(9, 0)
        with progress.part(0.5, 1.0), progress.part(0.0, 0.5):
            progress.report(300, 300)
    finally:
        progress.listen(None)
    assert seen == [(125, 1000), (500, 1000), (750, 1000), (750, 1000), (1000, 1000)]


def test_nobody_listening_costs_nothing() -> None:
    with progress.part(0.0, 1.0):
        progress.report(1, 2)
