"""A file that a place would refuse is said so, for the places that the plan names."""

from __future__ import annotations

import pytest

from dub.errors import BadInput
from dub.finding import Level
from dub.gates import Gates
from dub.plan import Plan
from dub.upload_limits import KNOWN, UploadLimit, check_uploads
from flows.preflight import read_plan


@pytest.mark.parametrize(
    ("n_bytes", "seconds", "level"),
    [(511 << 20, 139.0, Level.OK), (513 << 20, 20.0, Level.DEGRADED), (1 << 20, 141.0, Level.DEGRADED)],
)
def test_too_large_or_too_long(n_bytes: int, seconds: float, level: Level) -> None:
    [finding] = check_uploads(n_bytes, seconds, [KNOWN["x"]], Gates())
    assert finding.level is level
    assert finding.message.startswith("x takes up to 2.33333 min and 512 MiB")


def plan(**changes: object) -> Plan:
    return Plan.model_validate(read_plan("embedded").model_dump() | changes)


def test_a_plan_names_places_and_their_limits() -> None:
    assert plan().uploads() == ()
    intranet = {"name": "intranet", "most_bytes": 1000, "most_s": 60}
    asked = plan(upload_to=["youtube", "intranet", "x"], upload_limits=[intranet, {**intranet, "name": "x"}])
    assert asked.uploads() == (
        KNOWN["youtube"],
        UploadLimit(name="intranet", most_bytes=1000, most_s=60),
        UploadLimit(name="x", most_bytes=1000, most_s=60),
    )


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(BadInput, match=r"'yuotube'.*\n.*youtube"):
        plan(upload_to=["yuotube"]).uploads()
