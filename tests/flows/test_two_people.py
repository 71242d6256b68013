"""Two people in one title through the real flow: the right mouth moves in every span, a voice off screen moves none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dub.lips import LipSync
from dub.media import read_frames
from dub.mouth_pictures import mouth_boxes
from dub.on_screen import OnScreen
from dub.plan import Job
from dub.store import Store
from dub.video_facts import video_facts
from engines.face.contract import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE, TrackedFaces
from engines.lipsync.contract import RenderLog
from flows.dub_title import dub_into, dub_title, find_ways, prepare_source
from flows.preflight import check
from lang.bcp47 import Locale
from tests import two_people
from tests.two_people import LINES, NOBODY, RATE, A, B

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(1200)]

PROFILE = """
name = "two people"
policy = "any"
separation = "passthrough"
asr = "scripted"
translation = ["pseudo"]
tts = ["espeak"]
aligner = "even"
speaker = ["long-term-spectrum"]
face = "mediapipe"
lipsync = "exemplar"
speech_quality = "level"
language_id = "py3langid"
"""
WORDS = {
    "en": ("My name is", "I am from home", "We bring bread to the market", "Please come by for more",
           "Maybe a friend",
           "Bring some bread", "People may buy it", "And more people buy it", "My boy may come", "By bus",
           "Be my friend",
           "Maybe tomorrow"),
    "es": ("Me llamo", "Vengo de mi pueblo", "Llevamos pan al mercado", "Pase a comprar más", "Quizá un amigo",
           "Traiga pan", "La gente lo compra", "Y más gente lo compra", "Mi hijo puede venir", "En bus",
           "Sea mi amigo", "Mañana también"),
}  # fmt: skip


@dataclass(frozen=True)
class Dubbed:
    """A finished run's files and the records behind them."""

    clip: Path
    out: Path
    store: Store
    faces: TrackedFaces
    on_screen: OnScreen
    log: RenderLog

    def person(self, name: str) -> int:
        """Whose face is seen in the shot that shows this person alone."""
        frame = int((two_people.SHOTS_S[0 if name == A else 1] + 1.5) * RATE)
        (face,) = [k for k, face in enumerate(self.faces.faces) if face.is_found[frame]]
        return face

    def findings(self, check_name: str) -> list[dict[str, object]]:
        report = json.loads((self.out / "two_people.es.report.json").read_text())
        return [finding for finding in report["findings"] if finding["check"] == check_name]


def _script(path: Path, locale: str) -> Path:
    rows = [
        f"{line.start_s},{line.end_s},{line.voice},{words}" for line, words in zip(LINES, WORDS[locale], strict=True)
    ]
    path.write_text("\n".join(["start,end,speaker,text", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory, shared_media: Path) -> Dubbed:
    folder = tmp_path_factory.mktemp("two_people")
    (folder / "two.toml").write_text(PROFILE)
    clip = two_people.make(folder, shared_media / "video")
    job = Job(
        source=clip,
        targets=(Locale("es"),),
        out=folder / "out",
        store=folder / "store",
        profile=str(folder / "two.toml"),
        source_locale=Locale("en"),
        scripts={Locale(of): _script(folder / f"two.{of}.csv", of) for of in WORDS},
    )
    dub_title(job)
    prepared = check(job)  # the same job again: every record comes from the store
    shared = prepare_source(prepared)
    routes = find_ways(job, prepared.plan, Locale("en"), Locale("es"))
    lips: LipSync = dub_into(Locale("es"), routes, prepared, shared).lips.result()
    store = prepared.desk.open_store()
    return Dubbed(
        clip,
        job.out,
        store,
        TrackedFaces.load(store.path(shared.faces.result().landmarks)),
        shared.on_screen.result(),
        RenderLog.load(store.path(lips.log)),
    )


def test_two_people_are_told_apart_across_all_shots(dubbed: Dubbed) -> None:
    assert len(dubbed.faces.faces) == 2
    assert dubbed.person(A) != dubbed.person(B)


def test_every_line_is_given_to_its_speaker_or_to_nobody(dubbed: Dubbed) -> None:
    truth = {
        f"u{number:04d}": "off screen" if line.mouth == NOBODY else dubbed.person(line.mouth)
        for number, line in enumerate(LINES, 1)
    }
    found = [
        (span, truth[span.utterance_id]) for span in dubbed.on_screen.spans if span.end_frame - span.first_frame > 9
    ]
    sure = [(span, right) for span, right in found if span.verdict != "uncertain"]
    assert [(span.utterance_id, span.verdict, span.face) for span, right in sure
            if (span.verdict if span.face is None else span.face) != right] == []  # fmt: skip
    assert len(sure) >= 0.85 * len(found)


def test_the_right_mouth_moves_in_every_span_and_no_other_one(dubbed: Dubbed) -> None:
    rendered = dubbed.log.is_rendered()
    for number, line in enumerate(LINES, 1):
        frames = slice(round((line.start_s + 0.3) * RATE), round((line.end_s - 0.2) * RATE))
        verdicts = {span.verdict for span in dubbed.on_screen.spans if span.utterance_id == f"u{number:04d}"}
        for name in (A, B):
            share = rendered[dubbed.person(name), frames].mean()
            if name != line.mouth:
                assert share == 0, f"{name} was moved while {line.voice} speaks in line {number}"
            elif "uncertain" not in verdicts:
                assert share > 0.8, f"{name} speaks line {number} and was moved in {share:.0%} of its frames"


def test_mouths_that_say_nothing_have_the_sources_pixels(dubbed: Dubbed) -> None:
    """While a voice goes on off screen: the mouth differs from the source no more than the eyes, by encoding alone."""
    facts = video_facts(dubbed.clip)
    face = dubbed.faces.faces[dubbed.person(A)]
    frames = [round(t * RATE) for t in (21.0, 21.5, 22.0, 23.0, 23.5, 24.0)]
    boxes = [
        mouth_boxes(face.at(*ids).mean(axis=1), face.iod_px, facts.width_px, facts.height_px)
        for ids in (MOUTH_CORNERS, (LEFT_EYE, RIGHT_EYE))
    ]
    dub = dubbed.out / "two_people.es.mp4"
    pairs = zip(
        frames,
        read_frames(dubbed.clip, facts, "gray", only=frames),
        read_frames(dub, video_facts(dub), "gray", only=frames),
        strict=True,
    )
    for frame, was, now in pairs:
        at_mouth, at_eyes = (
            np.abs(box[frame].of(was).astype(int) - box[frame].of(now).astype(int)).mean()  # type: ignore[union-attr]
            for box in boxes
        )
        assert at_mouth < 1.5 * at_eyes + 1


def test_the_review_says_so(dubbed: Dubbed) -> None:
    (wrong,) = dubbed.findings("wrong_mouth")
    assert wrong["level"] == "ok"
    assert isinstance(wrong["value"], float)
    report = json.loads((dubbed.out / "two_people.es.report.json").read_text())
    mouths = [str(line["mouth"]) for line in report["lines"]]
    assert "off screen" in mouths[-1]
    assert f"person {dubbed.person(B) + 1}" in mouths[2]
