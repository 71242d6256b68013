"""What the places that a dub is uploaded to take: size and length of a file."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from dub.artifact import Record
from dub.finding import Finding
from dub.gates import Gates

GIB = 1 << 30


class UploadLimit(Record):
    """`name`: of the place. `most_bytes`, `most_s`: the largest and the longest file that it takes."""

    name: str
    most_bytes: int = Field(gt=0)
    most_s: float = Field(gt=0)


KNOWN = {
    limit.name: limit
    for limit in (
        UploadLimit(name="youtube", most_bytes=256 * GIB, most_s=12 * 3600),  # a verified account; others 15 minutes
        UploadLimit(name="tiktok", most_bytes=4 * GIB, most_s=600),  # Content Posting API
        UploadLimit(name="linkedin", most_bytes=5 * GIB, most_s=600),
        UploadLimit(name="x", most_bytes=512 << 20, most_s=140),  # without a paid account
    )
}
"""As their help pages told in November 2026. They change, and differ by account: a plan may state its own."""


def check_uploads(n_bytes: int, seconds: float, places: Iterable[UploadLimit], gates: Gates) -> tuple[Finding, ...]:
    """Of a finished file, for each place that the plan names."""
    return tuple(
        gates.finding(
            "upload_limits",
            max(n_bytes / place.most_bytes, seconds / place.most_s),
            f"{place.name} takes up to {place.most_s / 60:g} min and {_size(place.most_bytes)}; this file has "
            f"{seconds / 60:.1f} min and {_size(n_bytes)}.",
            todo="It will be refused there: cut the title into parts, or encode it smaller.",
        )
        for place in places
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / GIB:.3g} GiB" if n_bytes >= GIB else f"{n_bytes / (1 << 20):.3g} MiB"
