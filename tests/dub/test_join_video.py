"""Parts joined are the parts: every frame, at its time, each group of pictures closed."""

from __future__ import annotations

import itertools
import json
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub.errors import ToolFailed
from dub.join_video import join_video
from dub.media import FrameWriter, ffmpeg_exe, ffprobe_exe, read_frames
from dub.source import VideoFacts
from dub.video_facts import frame_times, video_facts


def _parts(folder: Path, facts: VideoFacts, lengths: list[int]) -> list[Path]:
    """A moving gradient under noise, cut into parts."""
    noise, at, parts = np.random.default_rng(3), 0, []
    for number, length in enumerate(lengths):
        path = folder / f"part of it, {number}.mp4"
        with FrameWriter(path, facts) as writer:
            for i in range(at, at + length):
                frame = np.full((facts.height_px * 3 // 2, facts.width_px), 128, np.uint8)
                ramp = (np.arange(facts.width_px) * 2 + 3 * i) % 180 + 30
                frame[: facts.height_px] = ramp + noise.integers(0, 12, (facts.height_px, facts.width_px))
                writer.write(frame)
        parts.append(path)
        at += length
    return parts


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001), Fraction(50)])
def test_every_frame_is_there_on_the_grid(rate: Fraction, tmp_path: Path) -> None:
    lengths = [73, 26, 140, 51, 27, 97]
    facts = VideoFacts(width_px=64, height_px=48, frame_rate=rate, n_frames=sum(lengths))
    parts = _parts(tmp_path, facts, lengths)
    (tmp_path / "work").mkdir()
    joined = join_video(parts, facts, tmp_path / "work")
    known = video_facts(joined)
    assert (known.frame_rate, known.n_frames, known.is_variable_rate) == (rate, facts.n_frames, False)
    times, tick = frame_times(joined)
    assert [int(time) * tick for time in times] == [i / rate for i in range(facts.n_frames)], "to the tick"
    apart = [
        frame
        for part, n in zip(parts, lengths, strict=True)
        for frame in read_frames(part, facts.model_copy(update={"n_frames": n}))
    ]
    assert all(np.array_equal(a, b) for a, b in zip(apart, read_frames(joined, known), strict=True))
    shown = [ffprobe_exe(), "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,dts,flags"]
    packets = json.loads(subprocess.check_output([*shown, "-of", "json", str(joined)]))["packets"]
    decoded = [packet["dts"] for packet in packets]
    assert decoded == sorted(set(decoded)), "monotonic"
    assert len({later - sooner for sooner, later in itertools.pairwise(decoded)}) == 1
    starts = np.cumsum([0, *lengths[:-1]])
    assert all("K" in packets[start]["flags"] for start in starts), "each part starts with a key frame"
    played = subprocess.run(
        [ffmpeg_exe(), "-v", "warning", "-xerror", "-i", str(joined), "-f", "null", "-"],
        capture_output=True,
        check=False,
    )
    assert (played.returncode, played.stderr) == (0, b"")


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    facts = VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=30)
    parts = _parts(tmp_path, facts, [10, 10])
    (tmp_path / "work").mkdir()
    with pytest.raises(ToolFailed, match="20 frames, the title 30"):
        join_video(parts, facts, tmp_path / "work")
