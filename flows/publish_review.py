"""TITLE.LOCALE.report.json: one language's review, and how it ended the last time that it came out otherwise."""

from __future__ import annotations

import json
from pathlib import Path

from dub.dubbed_locale import DubbedLocale
from dub.errors import BadInput
from dub.finding import Review
from dub.heat_map import Before
from dub.location import S3Url
from flows.publish import publish_text, published_text
from tasks.report import review_json


def publish_review(dub: DubbedLocale, place: Path | S3Url) -> DubbedLocale:
    """Write it in place of the last run's. Returns the language with how that ended, or with what the last run knew to
    have been before, where this one came out the same: run again, a title gives the same files."""
    before = _before(dub.review, place)
    publish_text(review_json(dub.review, before), place)
    return dub.model_copy(update={"before": before})


def _before(review: Review, place: Path | S3Url) -> Before | None:
    try:
        told = json.loads(published_text(place) or "null")
        if told is None:
            return None
        new = json.loads(review_json(review))
        if any(told.get(name) != new[name] for name in new if name != "before"):
            return Before.of(told)
        return Before.model_validate(told["before"]) if told.get("before") else None
    except (BadInput, ValueError, KeyError, TypeError, AttributeError):  # another program's file, or an older one's
        return None
