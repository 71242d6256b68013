"""The report: one page that needs no network, escapes everything, and says of every language how it ended."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dub.artifact import Artifact
from dub.dubbed_locale import DubbedLocale
from dub.effort import Effort
from dub.figures import aperture_figure, timeline_figure
from dub.finding import Finding, Level, Review
from dub.gates import DEFAULT_GATES, Gates
from dub.limit import LimitChange
from dub.mouth_metrics import closures
from dub.plan import Plan
from dub.report_rows import key_numbers, number, tally, worst_findings
from dub.review_tables import check_table, csv_bytes, finding_table, summary_table
from dub.script import DubScript, Utterance
from dub.signer import Signer
from dub.source import Source, VideoFacts
from dub.stage import Desk
from dub.store import Store
from lang.bcp47 import Locale
from tasks.report import report, review_json
from tests.dub import dubs

EVIL = '<script>window.hacked=1</script>"><img src=x onerror=window.hacked=1>'
TOY = Plan.read(Path(__file__).parents[1] / "flows" / "toy.toml")


def source(title: str = "talk") -> Source:
    original = Artifact(sha256="ab" * 32, n_bytes=1_000_000, media_type="video/mp4")
    facts = VideoFacts(width_px=320, height_px=240, frame_rate=Fraction(25), n_frames=dubs.N_FRAMES)
    return Source(
        title=title, original=original, video=facts, programme=dubs.NOTHING, n_source_channels=1, mean_level_db=-20
    )


def review(store: Store, locale: str = "pt-BR", *, message: str = "The lips meet on 7 of 8 p, b and m.") -> Review:
    """A degraded dub with figures, drawn from the right dub's own records."""
    timeline = dubs.timeline()
    evidence = dubs.evidence(timeline)
    findings = (
        Finding(level=Level.OK, check="true_peak", message="The sound peaks at -1.2 dBTP.", value=-1.2, limit=-1.0),
        Finding(level=Level.DEGRADED, check="closure_recall", message=message, value=0.875, limit=0.9),
        Finding(level=Level.DEGRADED, check="line_word_error", message="Misheard.", value=0.6, utterance_id="u0002"),
    )
    found = closures(
        evidence.dub_aperture, evidence.frame_rate, timeline.placed[0].phonemes, np.ones(dubs.N_FRAMES, bool)
    )
    figures = {
        "timeline": timeline_figure(
            dubs.script(), timeline, findings, dubs.dialogue(timeline), ["rendered"] * dubs.N_FRAMES, Fraction(25)
        ),
        "aperture": aperture_figure(
            evidence.source_aperture, evidence.aimed_aperture, evidence.dub_aperture, Fraction(25), found, timeline
        ),
    }
    lines = tuple(
        {
            "utterance_id": take.utterance_id,
            "heard": take.text.lower(),
            "word_error": 0.0,
            "start_s": take.start_sample / 48_000,
        }
        for take in timeline.placed
    )
    return Review(
        locale=Locale(locale),
        findings=findings,
        metrics={"word_error": 0.04, "closure_recall": 0.875, "loudness_lufs": -16.1, "frames, rendered": 150},
        lines=lines,
        figures={name: store.put_bytes(svg.encode(), "image/svg+xml") for name, svg in figures.items()},
    )


def dubbed(store: Store, locale: str = "pt-BR", **changes: object) -> DubbedLocale:
    facts = {
        "locale": Locale(locale),
        "review": review(store, locale),
        "video": f"talk.{locale}.mp4",
        "srt": f"talk.{locale}.srt",
        "vtt": f"talk.{locale}.vtt",
        "translation": dubs.translation(),
        "timeline": dubs.timeline(),
        "seconds": {"speak": 12.5},
    }
    return DubbedLocale.model_validate(facts | changes)


def page_of(desk: Desk, dubbed_locales: tuple[DubbedLocale, ...], **more: object) -> str:
    made = report(
        desk, "talk", source(), dubs.script(), dubbed_locales, source_video="talk.source.mp4", seconds={"ingest": 1.0},
        plan=TOY, **more,
    )  # fmt: skip
    return desk.open_store().read_bytes(made.html).decode()


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_reference_is_relative_or_inside_the_page(desk: Desk) -> None:
    elements = Elements(page_of(desk, (dubbed(desk.open_store()),))).found
    references = [
        attributes[name] or "" for _, attributes in elements for name in ("src", "href", "poster") if name in attributes
    ]
    assert any(reference.startswith("./talk.pt-BR.mp4") for reference in references)
    assert all(re.match(r"\./|#|data:image/", reference) for reference in references), references
    assert not [tag for tag, _ in elements if tag in ("link", "iframe", "object", "embed", "base")]


def test_what_it_took_is_told_per_language_and_in_all_and_money_only_where_there_are_prices(desk: Desk) -> None:
    store = desk.open_store()
    unpriced = Effort(output_s=30, own_s=90, shared_s=30)
    page = page_of(desk, (dubbed(store, effort=unpriced), dubbed(store, "es", effort=Effort(own_s=5, shared_s=30))))
    assert "2.0 min of work, 30.0 s of it a share of what is done once · 4.0 min per minute of video" in page
    assert "The plan gives no prices" in page
    assert "All languages" in page
    assert "Cost" not in page
    priced = unpriced.model_copy(update={"own_cost": 0.002, "shared_cost": 0.001, "currency": "EUR"})
    page = page_of(desk, (dubbed(store, effort=priced),))
    assert "0.0030 EUR · 0.0060 EUR per minute of video" in page
    assert "The plan gives no prices" not in page
    made = report(desk, "talk", source(), dubs.script(), (dubbed(store, effort=priced),))
    [row] = csv.DictReader(io.StringIO(store.read_bytes(made.csv).decode("utf-8-sig")))
    assert (row["output_s"], row["own_work_s"], row["cost"], row["currency"]) == ("30.0", "90.0", "0.003", "EUR")
    assert row["work_s_per_minute"] == "240.0"


class Rows(HTMLParser):
    """The cells of every table row, as the page shows them without anybody hovering."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data


def test_every_check_shows_its_limit_and_where_the_limit_comes_from(desk: Desk) -> None:
    limits = DEFAULT_GATES.changed({"true_peak": LimitChange(ok=-2.0), "overrun": LimitChange(ok=0.5)})
    findings = tuple(limits.finding(check, limits[check].ok, "As it should be.") for check in Gates.model_fields)
    other = Finding(
        level=Level.OK, check="speaker_similarity", message="Like Ann.", value=0.7, limit=0.66, unit="cosine"
    )
    told = Finding(level=Level.OK, check="consent", message="Consent of Ann: none given.")
    own = review(desk.open_store()).model_copy(update={"findings": (*findings, other, told)})
    plan = TOY.model_copy(update={"gates": {"true_peak": LimitChange(ok=-2.0), "overrun": LimitChange(ok=0.5)}})
    made = report(desk, "talk", source(), dubs.script(), (dubbed(desk.open_store(), review=own),), plan=plan)
    rows = Rows(desk.open_store().read_bytes(made.html).decode()).rows
    shown = {row[1].strip(): row[4:] for row in rows if len(row) == 6 and row[2] != "What was found"}
    for check in Gates.model_fields:
        limit = limits[check]
        sign = "≤" if limit.better == "low" else "≥"
        assert shown[limit.what] == [f"{sign} {number(limit.ok, limit.unit)}", limit.source]
    assert shown["True peak"][1].startswith("the plan; by default -1 (EBU R 128")
    assert shown["Voice like the speaker's"] == [
        "≥ 0.66 cosine",
        "the encoder's equal error rate: below it another speaker is as likely",
    ]
    assert shown["Consent"] == ["", "no limit: told, not judged"]


def test_a_language_begins_with_its_verdict_and_what_to_read_first(desk: Desk) -> None:
    page = page_of(desk, (dubbed(desk.open_store()),))
    language = page[page.index('<section class="locale"') :]
    verdict, closure, player = (language.index(text) for text in ("needs a look", "The lips meet on 7 of 8", "<video"))
    assert verdict < closure < player
    assert "Measured 0.875, limit ≥ 0.9 (real speech closes 28 of 28" in language[closure:player]


def test_voices_are_compared_line_by_line_where_they_were_measured(desk: Desk) -> None:
    own = review(desk.open_store())
    [headings] = [row for row in Rows(page_of(desk, (dubbed(desk.open_store(), review=own),))).rows if row[0] == "Line"]
    assert headings[-2:] == ["Overrun", "Lips closed"]
    measured = ({**own.lines[0], "voice_similarity": 0.613}, *own.lines[1:])
    page = page_of(desk, (dubbed(desk.open_store(), review=own.model_copy(update={"lines": measured})),))
    lines = [row for row in Rows(page).rows if row[:1] and row[0].startswith("u000")]
    assert [row[8] for row in lines] == ["0.61", "–", "–", "–"]


def test_what_a_line_means_stands_under_it(desk: Desk) -> None:
    own = review(desk.open_store())
    measured = ({**own.lines[0], "translated_back": "Good <b>evening</b>."}, *own.lines[1:])
    page = page_of(desk, (dubbed(desk.open_store(), review=own.model_copy(update={"lines": measured})),))
    first, second = [row for row in Rows(page).rows if row[:1] and row[0].startswith("u000")][:2]
    assert first[2].endswith("put back by machine: Good <b>evening</b>."), "and no markup of it is taken for ours"
    assert "put back" not in second[2]


def test_loudness_and_peaks_stand_beside_what_they_are_compared_with(desk: Desk) -> None:
    metrics = {"loudness_lufs": -16.1, "target_lufs": -16.0, "true_peak_db": -1.24, "speech_quality": None}
    own = review(desk.open_store()).model_copy(update={"metrics": metrics})
    rows = Rows(page_of(desk, (dubbed(desk.open_store(), review=own),))).rows
    assert ["Loudness", "-16.1 LUFS", "target -16.0 LUFS", "Distance from the loudness target: ≤ 1 LU"] in rows
    assert ["True peak", "-1.2 dBTP", "–", "True peak: ≤ -1 dBTP"] in rows
    assert not [row for row in rows if row[:1] == ["Speech quality (1-5)"]]


def test_a_language_says_what_it_is_made_of_and_who_signed(desk: Desk) -> None:
    own = review(desk.open_store())
    own = own.model_copy(
        update={
            "metrics": own.metrics
            | {
                "consent": "Ann: given by Ann",
                "voices": "Ann: a tone",
                "reference of Ann": f"{'01' * 32} 3840",
            }
        }
    )
    signer = Signer(certificate_sha256="ef" * 32, algorithm="es256", is_test=False)
    made = dubbed(desk.open_store(), review=own, voice="tone", video_sha256="cd" * 32, signer=signer)
    page = page_of(desk, (made,))
    for told in (
        "Ann: given by Ann",
        "Ann: a tone",
        f"SHA-256 {'01' * 32}, 3840 bytes",
        "<dd>tone</dd>",
        "cd" * 32,
        f"(es256) with the certificate, SHA-256 {'ef' * 32}",
    ):
        assert told in page, told
    assert "none: the plan does not sign" in page_of(desk, (dubbed(desk.open_store()),))
    many = tuple(dubbed(desk.open_store(), locale) for locale in ["ca", "cs", "da", "de", "el", "es", "fr", "it", "pl"])
    pages = report(desk, "talk", source(), dubs.script(), many, plan=TOY).pages
    page = desk.open_store().read_bytes(pages["es"]).decode()
    assert "ab" * 32 in page, "its own page names the source"
    assert "long-term-spectrum" in page, "and the engines"
    assert "warped-photo" not in page, "but none that had no part in it"


def test_hostile_text_stays_text(desk: Desk) -> None:
    store = desk.open_store()
    utterances = tuple(
        Utterance(id=utterance.id, speaker=EVIL, span=utterance.span, text=EVIL)
        for utterance in dubs.script().utterances
    )
    script = DubScript(source_locale=Locale("en"), duration=Fraction(8), utterances=utterances, recogniser=EVIL)
    timeline = dubs.timeline([dubs.placed(1, 0.5, EVIL)])
    hostile = dubbed(
        store,
        translation=dubs.translation([EVIL] * 4),
        timeline=timeline,
        video=f"{EVIL}.mp4",
        review=review(store, message=EVIL).model_copy(
            update={
                "lines": ({"utterance_id": "u0001", "heard": EVIL, "word_error": 1.0},),
                "metrics": {EVIL: EVIL, "frames, " + EVIL: 3},
                "figures": {
                    "timeline": store.put_bytes(
                        timeline_figure(
                            script, timeline, (), np.zeros(48_000, np.float32), ["kept"], Fraction(25)
                        ).encode(),
                        "image/svg+xml",
                    )
                },
            }
        ),
    )
    made = report(desk, EVIL, source(EVIL), script, (hostile,), source_video=f"{EVIL}.mp4", seconds={EVIL: 1.0})
    elements = Elements(store.read_bytes(made.html).decode()).found
    scripts = [attributes for tag, attributes in elements if tag == "script"]
    assert scripts == [{"type": "application/json", "class": "cues"}, {}]
    assert not [tag for tag, _ in elements if tag == "img"]
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]


def test_a_language_that_failed_is_listed_with_its_reason(desk: Desk) -> None:
    cause = Finding(level=Level.FAILED, check="pipeline", message="Kokoro cannot speak Catalan.")
    failed = DubbedLocale(locale=Locale("ca"), review=Review(locale=Locale("ca"), findings=(cause,)))
    page = page_of(desk, (dubbed(desk.open_store()), failed))
    assert "2 languages: 1 needs a look, 1 failed" in page
    assert "Kokoro cannot speak Catalan." in page
    assert len([tag for tag, attributes in Elements(page).found if attributes.get("class") == "player"]) == 1


def test_the_page_is_the_same_for_the_same_inputs(desk: Desk, tmp_path: Path) -> None:
    other = Desk(store=str(tmp_path / "other"))
    assert page_of(desk, (dubbed(desk.open_store()),)) == page_of(other, (dubbed(other.open_store()),))


def test_a_hundred_and_forty_languages_stay_under_five_megabytes(desk: Desk) -> None:
    store = desk.open_store()
    one = review(store)
    many = tuple(dubbed(store, "pt-BR", review=one) for _ in range(140))
    page = page_of(desk, many)
    assert len(page) < 5_000_000
    assert 'preload="metadata"' not in page, "280 videos are not to be opened at once"


def test_the_worst_finding_comes_first_and_the_whole_before_the_line() -> None:
    line = Finding(level=Level.FAILED, check="line_level", message="silent", utterance_id="u0001")
    whole = Finding(level=Level.FAILED, check="true_peak", message="clips")
    look = Finding(level=Level.DEGRADED, check="overrun", message="long")
    fine = Finding(level=Level.OK, check="word_error", message="fine")
    found = Review(locale=Locale("es"), findings=(fine, look, line, whole))
    assert worst_findings(found, 2) == (whole, line)
    assert tally([found]) == "1 language: 1 failed"
    assert "–" in {item.text for item in key_numbers(found)}, "what was not measured is a dash, not a zero"


def test_json_and_tables_carry_verdict_and_numbers(desk: Desk) -> None:
    one = review(desk.open_store())
    assert json.loads(review_json(one))["verdict"] == "degraded"
    table = summary_table([one, Review(locale=Locale("ca"), findings=())])
    assert list(table["verdict"]) == ["degraded", "ok"]
    assert table["word_error"].isna().tolist() == [False, True]
    assert check_table([one]).loc["pt-BR"].to_dict() == {
        "true_peak": "ok", "closure_recall": "degraded", "line_word_error": "degraded",
    }  # fmt: skip
    assert len(finding_table([one])) == 3


def test_no_cell_of_the_csv_is_a_formula(desk: Desk) -> None:
    evil = Review(
        locale=Locale("es"),
        findings=(Finding(level=Level.FAILED, check="x", message="=HYPERLINK(0)"),),
        metrics={"m": -3.0},
    )
    (row,) = csv.DictReader(io.StringIO(csv_bytes(summary_table([evil])).decode("utf-8-sig")))
    assert row["why"] == "'=HYPERLINK(0)"
    assert row["m"] == "-3.0"


@pytest.mark.parametrize("seconds", [8, 200])
def test_figures_say_where_their_axis_lies(seconds: int) -> None:
    n_frames = seconds * 25
    curve = np.full(n_frames, 0.1, np.float32)
    figure = aperture_figure(curve, curve, curve, Fraction(25), (), dubs.timeline())
    first, last, left, right = map(float, re.search(r'data-axis="([^"]+)"', figure)[1].split())  # type: ignore[index]
    assert (first, last) == (0, min(seconds, 60))
    assert right > left


def test_what_the_lines_mean_stands_below_the_curves() -> None:
    curve = np.full(200, 0.1, np.float32)
    figure = aperture_figure(curve, curve, curve, Fraction(25), (), dubs.timeline())
    plot_bottom = max(float(y) for y in re.findall(r'class="axis"[^>]* y2="([\d.]+)"', figure))
    for words in ("source", "aimed at", "dub, measured", "closed below this line"):
        [y] = re.findall(rf'<text class="t" x="[\d.]+" y="(\d+)">{words}</text>', figure)
        assert float(y) > plot_bottom, words
