"""A two-person clip cut together from two real ones; who speaks when is known, frame by frame.

A man with a beard (A) and a young man (B), 30 fps, 1280x720, six shots: A alone, B alone, A again, both side by side
with B's voice, both with A's voice, and A who listens while B's voice goes on off screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.clips import ffmpeg

A, B, NOBODY = "A", "B", ""
RATE = 30
REST_S = {A: 0.6, B: 0.1}


@dataclass(frozen=True)
class Line:
    """What is said from `start_s` to `end_s`, by whose voice, and whose mouth on screen says it."""

    start_s: float
    end_s: float
    voice: str
    mouth: str


LINES = (
    Line(0.26, 1.0, A, A),
    Line(1.63, 2.84, A, A),
    Line(3.4, 6.0, B, B),
    Line(6.1, 8.3, B, B),
    Line(8.67, 9.99, A, A),
    Line(11.08, 12.06, A, A),
    Line(12.4, 14.1, B, B),
    Line(14.3, 16.5, B, B),
    Line(17.07, 18.39, A, A),
    Line(19.48, 20.46, A, A),
    Line(20.9, 22.6, B, NOBODY),
    Line(22.7, 24.5, B, NOBODY),
)
SHOTS_S = (0.0, 3.2, 8.4, 12.2, 16.8, 20.6)
END_S = 24.6

# (length, picture, whose sound, from when); a picture is one or two of (person, from when, moves)
_PLAN = (
    (3.2, ((A, 1.0, True),), A, 1.0),
    (5.2, ((B, 10.0, True),), B, 10.0),
    (3.8, ((A, 5.0, True),), A, 5.0),
    (4.6, ((A, 4.2, False), (B, 15.4, True)), B, 15.4),
    (3.8, ((A, 5.0, True), (B, 1.0, False)), A, 5.0),
    (4.0, ((A, 4.2, False),), B, 1.6),
)


def make(folder: Path, videos: Path) -> Path:
    """`videos`: where the development clips lie. Returns the clip's path."""
    sources = {A: videos / "english_10s.mp4", B: videos / "english_portrait_20s.mp4"}
    half = {A: "crop=640:720:220:0", B: "crop=960:1080:90:180,scale=640:720"}
    whole = {A: "crop=1080:608:0:56,scale=1280:720", B: "crop=1080:608:0:330,scale=1280:720"}
    level = {A: "volume=17dB", B: "volume=0dB"}
    inputs: list[str | Path] = []
    graph, joined = [], ""
    for n, (length, picture, voice, heard_from) in enumerate(_PLAN):
        names = ""
        for k, (person, start, moves) in enumerate(picture):
            # who listens: a moment of a mouth at rest, to and fro
            at, n_there_and_back = f"{n}{k}", round(2 * REST_S[person] * RATE)
            there_and_back = (
                f"split[a{at}][b{at}];[b{at}]reverse[c{at}];[a{at}][c{at}]concat,loop=-1:{n_there_and_back},"
            )
            rest = "" if moves else there_and_back
            span = f"trim=start={start}:duration={length if moves else REST_S[person]},setpts=PTS-STARTPTS,"
            cut = (whole if len(picture) == 1 else half)[person]
            graph.append(
                f"[{0 if person == A else 1}:v]fps={RATE},{span}{rest}setpts=N/{RATE}/TB,trim=duration={length},"
                f"{cut},format=yuv420p,setsar=1[p{n}{k}]"
            )
            names += f"[p{n}{k}]"
        graph.append(f"{names}{'hstack' if len(picture) == 2 else 'null'}[v{n}]")
        graph.append(
            f"[{0 if voice == A else 1}:a]aresample=48000,atrim=start={heard_from}:duration={length},"
            f"asetpts=N/SR/TB,{level[voice]},aformat=channel_layouts=mono[s{n}]"
        )
        joined += f"[v{n}][s{n}]"
    graph.append(f"{joined}concat=n={len(_PLAN)}:v=1:a=1[v][s]")
    for person in (A, B):
        inputs += ["-i", sources[person]]
    clip = folder / "two_people.mp4"
    out = ["-map", "[v]", "-map", "[s]", "-c:v", "libx264", "-crf", "16", "-preset", "veryfast", "-c:a", "aac"]
    ffmpeg(*inputs, "-filter_complex", ";".join(graph), *out, clip)
    return clip
