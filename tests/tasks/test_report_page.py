"""The report in a real browser, opened from disk: it plays, seeks, switches the sound, and reaches for no network."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ffmpeg
import pytest

from dub.media import ffmpeg_exe
from dub.stage import Desk
from tests.tasks.test_report import EVIL, dubbed, page_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
READY = "document.documentElement.dataset.ready === 'yes'"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, list[str], list[str]]]:
    """(page, addresses asked for, complaints of the browser) of a report with one dub of 8 s beside it."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("report")
    desk = Desk(store=str(folder / "store"))
    out = folder / "out put"
    out.mkdir()
    for name, tone_hz in (("talk.source.mp4", 220), ("talk.pt-BR.mp4", 440)):
        picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=8", f="lavfi")
        sound = ffmpeg.input(f"sine=frequency={tone_hz}:duration=8", f="lavfi")
        ffmpeg.output(picture, sound, str(out / name), preset="ultrafast", pix_fmt="yuv420p").run(
            cmd=ffmpeg_exe(), quiet=True
        )
    (out / "report.html").write_text(page_of(desk, (dubbed(desk.open_store()),)))
    asked: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--headless=new", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(10_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((out / "report.html").as_uri())
        wait_until(page, READY)
        yield page, asked, complaints
        browser.close()


def wait_until(page: Any, expression: str) -> None:
    """Playwright's own waiting evaluates strings inside the page, which the page's policy rightly forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never became true: {expression}"
        time.sleep(0.03)


def at_s(page: Any, which: str) -> float:
    seconds: float = page.evaluate(f"document.querySelector('video.{which}').currentTime")
    return seconds


def plays(page: Any, beyond_s: float) -> None:
    wait_until(page, f"document.querySelector('video.dub').currentTime > {beyond_s}")


def test_one_button_plays_both_in_step(opened: tuple[Any, list[str], list[str]]) -> None:
    page, _, _ = opened
    page.click("button.play")
    plays(page, 0.7)
    drift = "document.querySelector('video.dub').currentTime - document.querySelector('video.source').currentTime"
    assert abs(page.evaluate(drift)) < 0.15
    assert page.inner_text("button.play") == "Pause"
    page.click("button.play")
    assert page.evaluate("[...document.querySelectorAll('video')].every((video) => video.paused)")
    wait_until(page, "document.querySelector('button.play').textContent === 'Play'")


def test_the_sound_switches_between_source_and_dub(opened: tuple[Any, list[str], list[str]]) -> None:
    page, _, _ = opened
    muted = "['source', 'dub'].map((name) => document.querySelector(`video.${name}`).muted)"
    assert page.evaluate(muted) == [True, False]
    page.check("input[value=source]")
    assert page.evaluate(muted) == [False, True]
    page.check("input[value=dub]")
    assert page.evaluate(muted) == [True, False]


def test_a_line_plays_from_the_table_and_from_the_timeline_by_keyboard(
    opened: tuple[Any, list[str], list[str]],
) -> None:
    page, _, _ = opened
    page.click("tr[data-seek] >> nth=2 >> button.jump")
    plays(page, 4.6)
    assert 4.5 <= at_s(page, "dub") < 6.0
    assert "now" in (page.get_attribute("tr[data-seek] >> nth=2", "class") or "")
    page.click("button.play")
    page.focus("g.line[data-seek='2.500']")
    page.keyboard.press("Enter")
    plays(page, 2.6)
    assert at_s(page, "dub") < 4.0
    page.click("button.play")
    cursor_px = float(page.get_attribute("svg line.cursor", "x1"))
    assert cursor_px == pytest.approx(8 + 1064 * at_s(page, "dub") / 8, abs=20), "the cursor follows the time"


def test_subtitles_are_the_dubs_lines(opened: tuple[Any, list[str], list[str]]) -> None:
    page, _, _ = opened
    page.check("input.subtitles")
    assert page.evaluate("document.querySelector('video.dub').textTracks[0].mode") == "showing"
    cues = page.evaluate("[...document.querySelector('video.dub').textTracks[0].cues].map((cue) => cue.text)")
    assert cues[0] == "Bom dia, meu nome é Ana."
    page.uncheck("input.subtitles")


def test_it_asks_for_nothing_but_the_files_beside_it(opened: tuple[Any, list[str], list[str]]) -> None:
    _, asked, complaints = opened
    assert asked
    assert all(address.startswith("file:") for address in asked), asked
    assert complaints == []


def test_it_fits_a_phone(opened: tuple[Any, list[str], list[str]]) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = "[...document.querySelectorAll('button')].filter((one) => one.getBoundingClientRect().height < 24).length"
    assert page.evaluate(small) == 0, "every button is large enough for a finger (WCAG 2.5.8)"
    page.set_viewport_size({"width": 1200, "height": 900})


def test_on_a_phone_a_figure_scrolls_in_its_own_box_and_follows_the_dub(
    opened: tuple[Any, list[str], list[str]],
) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": 390, "height": 844})
    box = ".scroll[data-timeline] >> nth=0"
    page.locator(box).scroll_into_view_if_needed()
    page.focus(box)
    page.evaluate("document.querySelector('.scroll[data-timeline]').scrollLeft = 0")
    page.keyboard.press("ArrowRight")
    wait_until(page, "document.querySelector('.scroll[data-timeline]').scrollLeft > 0")
    cut_off = """[...document.querySelectorAll('svg')].filter((svg) => {
        const box = svg.closest('.scroll');
        return !box || box.tabIndex !== 0 || box.getBoundingClientRect().right > innerWidth;
    }).length"""
    assert page.evaluate(cut_off) == 0
    page.evaluate("window.scrollTo(500, window.scrollY)")
    assert page.evaluate("window.scrollX") == 0, "nothing of the page itself scrolls sideways"
    page.evaluate("document.querySelector('.scroll[data-timeline]').scrollLeft = 0")
    page.click("tr[data-seek] >> nth=3 >> button.jump")
    plays(page, 6.6)
    page.click("button.play")
    shown = """(() => {
        const box = document.querySelector('.scroll[data-timeline]').getBoundingClientRect();
        const cursor = document.querySelector('svg line.cursor').getBoundingClientRect();
        return box.left <= cursor.left && cursor.right <= box.right;
    })()"""
    assert page.evaluate(shown), "the line that plays is scrolled into view"
    page.set_viewport_size({"width": 1200, "height": 900})


def test_a_script_in_a_finding_does_not_run(opened: tuple[Any, list[str], list[str]], tmp_path: Path) -> None:
    page, _, _ = opened
    desk = Desk(store=str(tmp_path / "store"))
    one = dubbed(desk.open_store())
    bad = one.review.findings[1].model_copy(update={"message": EVIL})
    hostile = one.model_copy(update={"review": one.review.model_copy(update={"findings": (bad,)})})
    (tmp_path / "report.html").write_text(page_of(desk, (hostile,)))
    page.goto((tmp_path / "report.html").as_uri())
    wait_until(page, READY)
    assert page.evaluate("window.hacked") is None
    assert EVIL in page.inner_text("section.locale")
