"""The line in the picture that says that it was made by AI: through whole stories, on toy engines and real ffmpeg."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dub import parts
from dub.avatar import AvatarJob
from dub.errors import BadInput, EngineUnavailable
from dub.media import probe, read_frames
from dub.plan import Job
from dub.video_facts import video_facts
from flows.avatar_title import avatar_title
from flows.cli import EXIT_BAD_INPUT, main
from flows.dub_title import dub_title
from flows.preflight import check
from lang.bcp47 import Locale
from tasks.policy import observed_by
from tests.clips import ffmpeg
from tests.flows import test_avatar_title
from tests.flows.test_parts import TOY, Watch

avatar_job = test_avatar_title.job
TARGETS = tuple(map(Locale, ("es", "ar", "ja")))
SPAN = 150
"""Frames: six seconds at 25 per second."""
LAST_PART = 240
"""The third part begins here at the latest: in the window around eight seconds."""
INSIDE = np.s_[14:28, 100:220]
"""Rows and columns that lie in every language's box."""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """12 s in three parts, in which nobody is seen."""
    monkeypatch.setattr(parts, "PART_S", 4)
    monkeypatch.setattr(parts, "SHORTEST_S", 1)
    clip = tmp_path / "talk.mp4"
    sound = "aevalsrc='0.2*sin(2*PI*220*t)*(between(t,1,2)+between(t,9,10))':s=48000:d=12"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=12"]
    ffmpeg(*picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", clip)
    script = tmp_path / "talk.en.csv"
    script.write_text("start,end,text\n1,2,Good morning everybody.\n9,10,This is a pump.\n")
    return Job(
        source=clip, targets=TARGETS, out=tmp_path / "out", store=tmp_path / "store", profile=str(TOY),
        source_locale=Locale("en"), scripts={Locale("en"): script},
    )  # fmt: skip


def saying(job: Job, tmp_path: Path, more: str) -> Job:
    profile = tmp_path / "disclosed.toml"
    profile.write_text(f"{TOY.read_text()}{more}\n")
    return job.model_copy(update={"profile": str(profile)})


def film(job: Job, locale: str) -> np.ndarray:
    path = Path(str(job.out)) / f"talk.{locale}.mp4"
    return np.stack(list(read_frames(path, video_facts(path))))


def finding(folder: Path, name: str) -> dict[str, str]:
    found = json.loads((folder / f"{name}.report.json").read_text())["findings"]
    [said] = [each for each in found if each["check"] == "visible_disclosure"]
    return {key: said[key] for key in ("level", "message")}


def test_the_first_seconds_say_it_in_each_language_and_the_rest_is_untouched(job: Job, tmp_path: Path) -> None:
    dub_title(job)
    plain = {locale: film(job, locale) for locale in TARGETS}
    with observed_by(seen := Watch()):
        dub_title(saying(job, tmp_path, 'disclosure = "start"'))
    worked = {label for label in seen.worked if label.startswith("lipsync")}
    assert worked == {f"lipsync {locale} {k}/3" for locale in TARGETS for k in (1, 2)}, "the third ends no span"
    boxes = []
    for locale in TARGETS:
        told = film(job, locale)
        changed = (told[:, :240] != plain[locale][:, :240])[:, *INSIDE]
        assert changed[:SPAN].mean(axis=(1, 2)).min() > 0.5, locale
        off = np.abs(told.astype(int) - plain[locale])
        assert (off[LAST_PART:] == 0).all(), f"{locale}: bit for bit"
        assert off[SPAN:].max() <= 4, f"{locale}: what x264 carries over inside a part, which nobody sees"
        assert off[SPAN:].mean() < 0.01
        assert np.median(off[:SPAN, 60:240]) <= 1, "outside the box"
        boxes.append(told[20][:240][INSIDE])
        assert (boxes[-1] > 200).mean() > 0.03, "letters"
    assert all((boxes[0] != other).any() for other in boxes[1:])
    out = Path(str(job.out))
    said = "The picture says 'Doblaje con IA: voz sintética' in its first 6.0 s."
    assert finding(out, "talk.es") == {"level": "ok", "message": said}
    comment = probe(out / "talk.ja.mp4")["format"]["tags"]["comment"]
    assert 'The picture says: "AI吹き替え：音声は合成です".' in comment


def test_other_words_cost_the_parts_that_bear_them(job: Job, tmp_path: Path) -> None:
    job = job.model_copy(update={"targets": (Locale("es"), Locale("ar"))})
    dub_title(saying(job, tmp_path, 'disclosure = "start"'))
    words = 'disclosure = "start"\n[disclosure_text]\nes = "Doblado por una máquina"'
    with observed_by(seen := Watch()):
        dub_title(saying(job, tmp_path, words))
    assert {label for label in seen.worked if label.startswith("lipsync")} == {"lipsync es 1/3", "lipsync es 2/3"}
    assert "Doblado por una máquina" in finding(Path(str(job.out)), "talk.es")["message"]
    with observed_by(seen := Watch()):
        dub_title(saying(job, tmp_path, words.replace("start", "always")))
    assert len([label for label in seen.worked if label.startswith("lipsync")]) == 6
    assert "in its first 12.0 s" in finding(Path(str(job.out)), "talk.es")["message"]


def test_a_language_without_a_wording_says_it_in_english_and_a_person_is_told(job: Job, tmp_path: Path) -> None:
    given = tmp_path / "talk.sw.csv"
    given.write_text("start,end,text\n1,2,Habari za asubuhi.\n9,10,Hii ni pampu.\n")
    update = {"targets": (Locale("sw"),), "scripts": job.scripts | {Locale("sw"): given}}
    job = job.model_copy(update=update)
    dub_title(saying(job, tmp_path, 'disclosure = "start"'))
    told = finding(Path(str(job.out)), "talk.sw")
    assert told["level"] == "degraded"
    assert "'AI dub: the voice is synthetic'" in told["message"]
    assert "It is English: polydub has no wording in sw." in told["message"]


def test_a_portrait_says_that_nothing_of_it_was_filmed(avatar_job: AvatarJob) -> None:
    profile = Path(avatar_job.profile)
    job = avatar_job.model_copy(update={"targets": (Locale("es"),)})
    avatar_title(job)
    path = avatar_job.out / "maya.es.mp4"
    plain = np.stack(list(read_frames(path, video_facts(path))))
    profile.write_text(profile.read_text() + 'disclosure = "start"\n')
    avatar_title(job)
    told = np.stack(list(read_frames(path, video_facts(path))))
    height, n = plain.shape[1] * 2 // 3, min(SPAN, len(plain))
    rows = (told[:n, :height] != plain[:n, :height]).mean(axis=(0, 2))
    assert rows[: height // 4].max() > 0.5
    assert np.abs(told[n:].astype(int) - plain[n:]).max(initial=0) <= 4
    assert "'Vídeo con IA: imagen y voz sintéticas'" in finding(avatar_job.out, "maya.es")["message"]


def test_what_nobody_could_read_is_refused_before_any_work(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = f'disclosure = "start"\n[disclosure_text]\nes = "{"muy " * 30}largo"'
    with pytest.raises(BadInput, match=r"disclosure_text, es: 'muy .* letter heights wide; at most 33") as refused:
        check(saying(job, tmp_path, long))
    assert refused.value.mend == "say it in fewer words"
    no_font = 'disclosure = "start"\n[disclosure_text]\nja = "𒀀𒀁"'
    with pytest.raises(EngineUnavailable, match="no font of this machine has 𒀀 𒀁"):
        check(saying(job, tmp_path, no_font))
    broken = saying(job, tmp_path, 'disclosure = "start"\n[disclosure_text]\nes = "{bold}"')
    assert main(["dub", str(job.source), "--to", "es", "--profile", broken.profile]) == EXIT_BAD_INPUT
    told = capsys.readouterr().err
    assert "disclosed.toml" in told
    assert "without braces" in told
    assert not Path(str(job.store)).exists()
