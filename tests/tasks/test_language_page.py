"""A language's own page in a real browser, on a desk and on a phone, by mouse and by keyboard alone: it plays, seeks,
switches the sound, plays the line that is chosen, and sorts its lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ffmpeg
import pytest

from dub.media import ffmpeg_exe
from dub.stage import Desk
from tasks.report import report
from tests.dub import dubs
from tests.tasks.test_report import TOY, dubbed, review, source
from tests.tasks.test_report_page import CHROMIUM, READY, at_s, plays, pytestmark, wait_until  # noqa: F401  (marks)

LOCALES = ("ca", "cs", "da", "de", "el", "es", "fr", "it", "pt-BR")
WIDTHS = (1280, 390)
WORD_ERRORS = (0.1, 0.5, None, 0.3)
SOUND = "['source', 'dub'].map((name) => document.querySelector(`video.${name}`).muted)"
PLAYING = "[...document.querySelectorAll('video')].every((video) => !video.paused)"
FOCUSED = "document.activeElement"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run of nine languages, of which one has its film of 8 s, and one a film of 3 s."""
    out = tmp_path_factory.mktemp("language")
    desk = Desk(store=str(out / "store"))
    store = desk.open_store()
    own = review(store)
    lines = tuple(
        {**line, "word_error": rate, "heard": None if rate is None else line["heard"]}
        for line, rate in zip(own.lines, WORD_ERRORS, strict=True)
    )
    made = report(
        desk, "talk", source(), dubs.script(),
        tuple(dubbed(store, locale, review=own.model_copy(update={"lines": lines})) for locale in LOCALES),
        source_video="talk.source.mp4", plan=TOY,
    )  # fmt: skip
    for name, artifact in made.files("talk").items():
        (out / name).write_bytes(store.read_bytes(artifact))
    for name, tone_hz, seconds in (("talk.source.mp4", 220, 8), ("talk.pt-BR.mp4", 440, 8), ("talk.cs.mp4", 440, 3)):
        picture = ffmpeg.input(f"testsrc2=size=160x120:rate=25:duration={seconds}", f="lavfi")
        sound = ffmpeg.input(f"sine=frequency={tone_hz}:duration={seconds}", f="lavfi")
        ffmpeg.output(picture, sound, str(out / name), preset="ultrafast", pix_fmt="yuv420p").run(
            cmd=ffmpeg_exe(), quiet=True
        )
    return out


@pytest.fixture(scope="module", params=WIDTHS)
def browser_page(folder: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--headless=new", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page(viewport={"width": request.param, "height": 844})
        page.set_default_timeout(10_000)
        yield page
        browser.close()


@pytest.fixture
def page(browser_page: Any, folder: Path) -> Any:
    """Freshly opened."""
    browser_page.goto((folder / "talk.pt-BR.html").as_uri())
    wait_until(browser_page, READY)
    wait_until(browser_page, "[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
    return browser_page


def tab_to(page: Any, selector: str) -> None:
    """Reached by the Tab key alone, and to be seen that it is."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(f"{FOCUSED}.matches({selector!r})"):
            assert page.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle") != "none", "where the focus is, is shown"
            return
    raise AssertionError(f"the Tab key never comes to {selector}")


def order_of_lines(page: Any) -> list[str]:
    ids: list[str] = page.evaluate(
        "[...document.querySelectorAll('tr[data-seek] .jump')].map((one) => one.textContent)"
    )
    return ids


def test_it_plays_both_seeks_and_switches_the_sound(page: Any) -> None:
    page.click("button.play")
    plays(page, 0.3)
    assert page.evaluate(PLAYING)
    box = page.locator("input.seek").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    assert 5.5 < at_s(page, "dub") < 7.5, "it did not play that far in this time"
    wait_until(
        page,
        "Math.abs(document.querySelector('video.dub').currentTime"
        " - document.querySelector('video.source').currentTime) < 0.15",
    )
    assert page.evaluate(SOUND) == [True, False]
    page.check("input[value=source]")
    assert page.evaluate(SOUND) == [False, True]
    assert page.evaluate(PLAYING), "it plays on"
    page.click("button.play")
    wait_until(page, "document.querySelector('button.play').textContent === 'Play'")


def test_a_line_that_is_clicked_in_the_timeline_or_the_table_plays(page: Any) -> None:
    page.locator("g.line[data-seek='2.500'] rect.take").first.click()
    plays(page, 2.6)
    assert at_s(page, "dub") < 4
    assert "now" in (page.get_attribute("tr[data-seek] >> nth=1", "class") or "")
    page.click("tr[data-seek] >> nth=3 >> button.jump")
    plays(page, 6.6)
    assert at_s(page, "source") >= 6.4


def test_the_lines_are_sorted_the_worst_first_and_what_was_not_measured_last(page: Any) -> None:
    misheard = "table.lines thead th >> nth=4 >> button"
    assert page.inner_text(misheard) == "Misheard"
    page.click(misheard)
    assert order_of_lines(page) == ["u0002", "u0004", "u0001", "u0003"]
    page.click(misheard)
    assert order_of_lines(page) == ["u0001", "u0004", "u0002", "u0003"]
    page.click("tr[data-seek] >> nth=2 >> button.jump")
    plays(page, 2.6)
    assert at_s(page, "dub") < 4, "a row keeps its line wherever it stands"
    page.click("table.lines thead th >> nth=0 >> button")
    assert order_of_lines(page) == ["u0001", "u0002", "u0003", "u0004"]


def test_by_keyboard_alone(page: Any) -> None:
    tab_to(page, "button.play")
    page.keyboard.press("Space")
    plays(page, 0.2)
    page.keyboard.press("Space")
    wait_until(page, "document.querySelector('video.dub').paused")
    tab_to(page, "input.seek")
    page.keyboard.press("End")
    wait_until(page, "document.querySelector('video.dub').currentTime > 7.5")
    page.keyboard.press("Home")
    wait_until(page, "document.querySelector('video.source').currentTime < 0.5")
    tab_to(page, "input[type=radio]:checked")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(SOUND) == [False, True]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(SOUND) == [True, False]
    tab_to(page, "input.subtitles")
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('video.dub').textTracks[0].mode") == "showing"
    tab_to(page, "g.line[data-seek='4.500']")
    page.keyboard.press("Enter")
    plays(page, 4.6)
    tab_to(page, "table.lines th:nth-child(5) .sort")
    page.keyboard.press("Enter")
    assert order_of_lines(page)[0] == "u0002"
    tab_to(page, "button.jump")
    page.keyboard.press("Enter")
    plays(page, 2.6)
    assert at_s(page, "dub") < 4.2
    tab_to(page, "summary")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{FOCUSED}.parentElement.open")


def test_nothing_of_the_page_scrolls_sideways_and_every_button_is_large_enough(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    small = "[...document.querySelectorAll('button')].filter((one) => one.getBoundingClientRect().height < 24).length"
    assert page.evaluate(small) == 0


def test_the_slider_is_as_long_as_the_dub(page: Any, folder: Path) -> None:
    page.goto((folder / "talk.cs.html").as_uri())
    wait_until(page, READY)
    wait_until(page, "document.querySelector('output.clock').textContent === '0:00 / 0:03'")
    page.focus("input.seek")
    page.keyboard.press("End")
    wait_until(page, "document.querySelector('video.dub').currentTime > 2.9")
