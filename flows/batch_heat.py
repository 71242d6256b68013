"""A batch's titles by its languages: how each ended, and where to read why. Of what the batch knows; nothing is
measured again."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dub.finding import AWAITING_APPROVAL, Level
from flows.dub_batch import BatchReport, TitleOutcome
from flows.outcome import LocaleOutcome
from lang.bcp47 import Locale
from tasks.report import MOST_ON_ONE_PAGE
from tasks.report_facts import name_of
from tasks.report_pages import language_page
from tasks.report_views import RANKS

MOST_SAID = 120
"""Characters of a reason in the square of a language; its report has the whole."""
_CELL_RANKS = {"ok": 1, "awaiting": 2, "degraded": 3, "failed": 5}


def kind_of(ending: str) -> str:
    """An ending as the pages' styles name it."""
    return "awaiting" if ending == AWAITING_APPROVAL else ending


def languages_of(report: BatchReport) -> list[Locale]:
    """Every language that a title of the batch was to be dubbed into, by its tag."""
    return sorted({outcome.locale for title in report.titles for outcome in title.outcomes})


def ending_of(title: TitleOutcome) -> str:
    """The title's verdict, or AWAITING_APPROVAL where no language failed and one waits for it."""
    waits = title.awaits_approval and title.verdict is not Level.FAILED
    return AWAITING_APPROVAL if waits else str(title.verdict)


def batch_heat(report: BatchReport) -> dict[str, Any]:
    """For the template heat_map.html: a row per title, a column per language. A title that was not to be dubbed into
    a language has an empty cell there."""
    locales = languages_of(report)
    names = {locale: name_of(locale) for locale in locales}
    return {
        "heading": "Titles by languages",
        "of_rows": "Title",
        "of_columns": "language",
        "search": "part of its name",
        "hint": "a filled square is ok, where there is none it was not to be made. Choose a heading to sort by it, a "
        "square to open the report of that title and language.",
        "has_column_filter": True,
        "facts": ["This time"],
        "columns": [
            {"label": f"{names[locale]} ({locale})", "name": f"{names[locale]} {locale}".lower()} for locale in locales
        ],
        "rows": [_row(title, report, locales) for title in report.titles],
    }


def _row(title: TitleOutcome, report: BatchReport, locales: list[Locale]) -> dict[str, Any]:
    verdict = kind_of(ending_of(title))
    place_of = {outcome.locale: place for place, outcome in enumerate(title.outcomes)}
    return {
        "href": title_href(title, report),
        "name": title.title,
        "tag": "",
        "verdict": verdict,
        "rank": RANKS[verdict],
        "facts": [{"text": title.status, "rank": title.status, "said": title.why}],
        "cells": [
            _cell(title, title.outcomes[place_of[locale]], locale_href(title, place_of[locale], report))
            if locale in place_of
            else {"kind": ""}
            for locale in locales
        ],
    }


def _cell(title: TitleOutcome, outcome: LocaleOutcome, address: str) -> dict[str, Any]:
    kind = kind_of(outcome.ending)
    said = outcome.reasons[0] if outcome.reasons else ""
    said = said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"
    return {
        "kind": kind, "rank": _CELL_RANKS[kind], "said": said, "href": address,
        "name": f"{title.title}, {outcome.locale}",
    }  # fmt: skip


def title_href(title: TitleOutcome, report: BatchReport) -> str:
    """The title's own report, relative where it lies under the summary; "" where there is none to open."""
    folder = _folder_of(title, report)
    return f"{folder}/report.html" if folder else ""


def locale_href(title: TitleOutcome, place: int, report: BatchReport) -> str:
    """Where the report tells of the title's language at `place`: a page of its own where there are many."""
    folder = _folder_of(title, report)
    if not folder:
        return ""
    has_pages = len(title.outcomes) > MOST_ON_ONE_PAGE
    page = language_page(title.title, title.outcomes[place].locale) if has_pages else "report.html"
    return f"{folder}/{quote(page)}#locale-{place}"


def _folder_of(title: TitleOutcome, report: BatchReport) -> str:
    """`./` keeps a name with a colon from being taken for another protocol."""
    inside = str(title.out).removeprefix(f"{report.out}/")
    has_report = any(outcome.files for outcome in title.outcomes)
    return f"./{quote(inside)}" if has_report and inside != str(title.out) else ""
