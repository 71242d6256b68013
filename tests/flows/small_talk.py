"""The smallest title that goes through the whole story, for tests of how stages run and not of what they make."""

from __future__ import annotations

from pathlib import Path

import ffmpeg
import pytest

from dub.media import ffmpeg_exe
from dub.plan import Job
from lang.bcp47 import Locale

TOY = str(Path(__file__).with_name("toy.toml"))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """lavfi: 1 s of testsrc2 at 64x48, 25 fps, with a tone from 0.2 to 0.8 s."""
    path = tmp_path_factory.mktemp("media") / "talk.mp4"
    picture = ffmpeg.input("testsrc2=size=64x48:rate=25:duration=1", f="lavfi")
    sound = ffmpeg.input("aevalsrc='0.2*sin(440*PI*t)*between(t,0.2,0.8)':s=48000:d=1", f="lavfi")
    ffmpeg.output(picture, sound, str(path), vcodec="libx264", preset="ultrafast", acodec="aac").run(
        cmd=ffmpeg_exe(), quiet=True
    )
    return path


@pytest.fixture
def job(talk: Path, tmp_path: Path) -> Job:
    script = tmp_path / "talk.en.srt"
    script.write_text("1\n00:00:00,200 --> 00:00:00,800\nGood day.\n")
    return Job(
        source=talk,
        targets=(Locale("es"),),
        out=tmp_path / "out",
        store=tmp_path / "store",
        profile=TOY,
        source_locale=Locale("en"),
        scripts={Locale("en"): script},
    )
