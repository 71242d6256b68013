"""`polydub score` on a real dub by another tool: Spanish into English, no lip-sync, half a second shorter."""

from __future__ import annotations

from pathlib import Path

import pytest

from dub.finding import Finding, Level, Review
from flows.score_dub import score_dub
from flows.score_preflight import ScoreJob
from lang.bcp47 import Locale

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def of(review: Review, check: str) -> list[Finding]:
    return [finding for finding in review.findings if finding.check == check]


def levels(review: Review, check: str) -> list[Level]:
    return [finding.level for finding in of(review, check)]


@pytest.mark.timeout(600)
def test_a_peers_dub_without_lip_sync_fails_where_it_is_wrong_alone(
    shared_media: Path, store: Path, tmp_path: Path
) -> None:
    folder = shared_media / "video"
    job = ScoreJob(
        video=folder / "spanish_editlist_10s.peer_dub_en.mp4", source=folder / "spanish_editlist_10s.mp4",
        language=Locale("en"), out=tmp_path, store=store,
    )  # fmt: skip
    scored = score_dub(job)
    review = scored.review
    assert scored.verdict is Level.FAILED
    moved = of(review, "rendered_share")[0]
    assert (moved.level, moved.value) == (Level.FAILED, 0)
    assert of(review, "duration_error")[0].value == 15
    assert levels(review, "loudness_error") == [Level.FAILED]
    assert levels(review, "language_heard") == [Level.OK]
    assert levels(review, "language_written") == [Level.OK]
    assert levels(review, "wrong_mouth") == [Level.OK]
    assert levels(review, "copied_lines") == [Level.OK]
    assert levels(review, "speech_quality") == [Level.OK]
    assert "packages that you have seen at school" in str(review.lines[0]["heard"])
    own = [finding for finding in of(review, "speaker_similarity") if "s1's" in finding.message]
    assert [finding.level for finding in own] == [Level.DEGRADED, Level.DEGRADED], "a stranger's voice"
    assert set(review.figures) == {"timeline", "aperture", "mouths"}


@pytest.mark.timeout(600)
def test_a_source_scored_as_its_own_dub_is_the_same_voice_in_the_same_language(
    shared_media: Path, store: Path, tmp_path: Path
) -> None:
    video = shared_media / "video" / "spanish_editlist_10s.mp4"
    review = score_dub(ScoreJob(video=video, source=video, out=tmp_path, store=store)).review
    assert levels(review, "language_heard") == [Level.FAILED]
    assert set(levels(review, "speaker_similarity")) == {Level.OK}
    assert min(finding.value or 0 for finding in of(review, "speaker_similarity")) > 0.85
    assert of(review, "duration_error")[0].value == 0
    assert levels(review, "lines_spoken") == [Level.OK]
    assert levels(review, "speech_outside_slot") == [Level.OK]
    assert of(review, "rendered_share")[0].value == 0
