"""A run of 140 languages in a real browser: it opens at once, sorts, filters, and is worked by keyboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dub.finding import Finding, Level
from dub.gates import DEFAULT_GATES
from dub.heat_map import Before
from dub.stage import Desk
from dub.store import Store
from lang.bcp47 import Locale
from lang.registry import languages
from tasks.report import MOST_ON_ONE_PAGE, Report, report
from tests.dub import dubs
from tests.tasks.test_report import dubbed, review, source
from tests.tasks.test_report_page import CHROMIUM, READY, pytestmark, wait_until  # noqa: F401  (marks)

N_LANGUAGES = 140
N_FAILED, N_DEGRADED = 3, 20


def level_of(place: int, check: str) -> Level:
    """The first languages fail at the true peak, the next need a look at their overruns."""
    if place < N_FAILED and check == "true_peak":
        return Level.FAILED
    return Level.DEGRADED if N_FAILED <= place < N_FAILED + N_DEGRADED and check == "overrun" else Level.OK


def run_of(store: Store, n_languages: int) -> tuple[Any, ...]:
    one = review(store)
    dubs_made = []
    for place, locale in enumerate(sorted(languages())[:n_languages]):
        findings = tuple(
            Finding(
                level=level_of(place, check), check=check, message=f"This was found in line 7 of {locale}; look at it.",
                value=0.123, limit=DEFAULT_GATES[check].ok, unit=DEFAULT_GATES[check].unit,
            )
            for check in type(DEFAULT_GATES).model_fields
        )  # fmt: skip
        before = None if place else Before(ending="ok", levels={"true_peak": Level.OK, "overrun": Level.FAILED})
        own = one.model_copy(update={"locale": Locale(locale), "findings": findings})
        dubs_made.append(dubbed(store, locale, review=own, before=before))
    return tuple(dubs_made)


def published(folder: Path, n_languages: int) -> Report:
    desk = Desk(store=str(folder / "store"))
    store = desk.open_store()
    made = report(desk, "talk", source(), dubs.script(), run_of(store, n_languages), source_video="talk.source.mp4")
    for name, artifact in made.files("talk").items():
        (folder / name).write_bytes(store.read_bytes(artifact))
    return made


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("run")
    published(folder, N_LANGUAGES)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(10_000)
        page.goto((folder / "report.html").as_uri())
        wait_until(page, READY)
        yield page, folder
        browser.close()


def shown_rows(page: Any) -> list[str]:
    tags: list[str] = page.evaluate(
        "[...document.querySelectorAll('table.heat tbody tr:not([hidden]) .tag')].map((tag) => tag.textContent)"
    )
    return tags


def test_it_is_small_and_opens_at_once(opened: tuple[Any, Path]) -> None:
    page, folder = opened
    assert (folder / "report.html").stat().st_size < 5_000_000
    best_s = 60.0
    for _ in range(3):
        start = time.monotonic()
        page.goto((folder / "report.html").as_uri())
        wait_until(page, READY)
        best_s = min(best_s, time.monotonic() - start)
    assert best_s < 2


def test_a_heading_sorts_and_sorts_back(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    in_order = shown_rows(page)
    assert len(in_order) == N_LANGUAGES
    peak = "table.heat thead th:has(button[title='True peak'])"
    page.click(f"{peak} button")
    assert page.get_attribute(peak, "aria-sort") == "descending"
    assert shown_rows(page)[:N_FAILED] == in_order[:N_FAILED]
    page.click(f"{peak} button")
    assert page.get_attribute(peak, "aria-sort") == "ascending"
    assert shown_rows(page)[-N_FAILED:] == in_order[:N_FAILED]
    page.focus("table.heat thead th >> nth=1 >> button")
    page.keyboard.press("Enter")
    verdicts = page.evaluate("[...document.querySelectorAll('table.heat tbody tr')].map((row) => row.dataset.level)")
    bad = ["failed"] * N_FAILED + ["degraded"] * N_DEGRADED
    assert verdicts == bad + ["ok"] * (N_LANGUAGES - len(bad))


def test_rows_are_shown_by_verdict_and_name(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    page.uncheck("input.level[value=ok]")
    assert len(shown_rows(page)) == N_FAILED + N_DEGRADED
    assert page.inner_text("output.shown") == f"{N_FAILED + N_DEGRADED} of {N_LANGUAGES} shown"
    page.check("input.level[value=ok]")
    page.fill("input.name", "Catalan")
    assert shown_rows(page) == ["ca"]
    page.fill("input.name", "")
    assert len(shown_rows(page)) == N_LANGUAGES


def test_a_square_leads_to_what_was_found_on_the_languages_own_page(opened: tuple[Any, Path]) -> None:
    page, folder = opened
    page.click("table.heat td.cell.failed a >> nth=0")
    wait_until(page, READY)
    locale = sorted(languages())[0]
    assert page.url == (folder / f"talk.{locale}.html").as_uri() + "#locale-0-checks"
    assert f"found in line 7 of {locale}" in page.inner_text("table.checks")
    page.click("header .kicker a")
    wait_until(page, READY)
    assert page.url == (folder / "report.html").as_uri()


def test_what_changed_since_the_last_run(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    since = "table.heat tbody tr >> nth={} >> td.since"
    assert page.inner_text(since.format(0)) == "1 worse, 1 better"
    assert "True peak: ok → failed" in (page.get_attribute(since.format(0), "title") or "")
    assert page.inner_text(since.format(1)) == "new"


def test_it_fits_a_phone(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1200, "height": 900})


def test_a_few_languages_stay_on_one_page(tmp_path: Path) -> None:
    assert published(tmp_path, MOST_ON_ONE_PAGE).pages == {}
    assert len(published(tmp_path, MOST_ON_ONE_PAGE + 1).pages) == MOST_ON_ONE_PAGE + 1
