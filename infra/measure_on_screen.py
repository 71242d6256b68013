"""How often the right mouth is named, and how well people are told apart: the tables of docs/on-screen.md.

    .venv/bin/python infra/measure_on_screen.py CLIP.mp4[@FROM_S] ... [--seconds 3]

Every clip shows one person who speaks throughout (from FROM_S on). Scenes are made of their tracked faces and their
sounds, so that who speaks is known; what is said is cut into parts of about `--seconds`. Then shots of all clips in
turn are cut into one video, and the persons found in it are counted.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.active_speaker import Mouth, openness, who_speaks
from dub.media import ffmpeg_exe, read_audio
from dub.on_screen import SeenSpan
from dub.speech_activity import levels_db, speech_islands
from dub.video_facts import video_facts
from engines import registry

FPS, HZ = 25, 16_000
PER_FRAME = HZ // FPS
SHOT_S, N_ROUNDS = 2.0, 3
OFF = "nobody"
LEAST_PART_S, PAUSE_S = 0.3, 0.35

Curves = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""aperture, jaw_open, iod_px at FPS."""


@dataclass(frozen=True)
class Person:
    name: str
    curves: Curves
    sound: npt.NDArray[np.float32]
    lines: tuple[tuple[int, int], ...]

    @property
    def n(self) -> int:
        return len(self.curves[0])


def read_person(clip: Path, from_s: float) -> Person:
    facts = video_facts(clip)
    face = registry.load("face", "mediapipe").track(clip, facts).faces[0]
    n, first = int(facts.duration * FPS), int(from_s * FPS)
    at = np.minimum(facts.n_frames - 1, ((np.arange(first, n) + 0.5) / FPS * float(facts.frame_rate)).astype(int))
    sound = read_audio(clip, HZ, 1)[0][: n * PER_FRAME]
    sound = np.pad(sound, (0, n * PER_FRAME - len(sound)))[first * PER_FRAME :]
    sound *= 0.3 / np.quantile(np.abs(sound), 0.99)
    lines: list[list[int]] = []
    for island in speech_islands(levels_db([sound], HZ)):
        a, b = int(island.start * FPS), min(len(at), int(np.ceil(float(island.end) * FPS)))
        if lines and a - lines[-1][1] < PAUSE_S * FPS:
            lines[-1][1] = b
        else:
            lines.append([a, b])
    curves = (face.aperture[at], face.jaw_open[at], face.iod_px[at])
    return Person(clip.stem, curves, sound, tuple((a, b) for a, b in lines if b - a >= LEAST_PART_S * FPS))


def listening(n: int, seed: int) -> Curves:
    """A mouth at rest: lips closed, slow drift, the trembling of tracking."""
    noise = np.random.default_rng(seed).normal(size=(3, n))
    drift = np.convolve(noise[0], np.hanning(101) / 5, mode="same")[:n]
    still = np.abs(0.008 + 0.006 * drift + 0.002 * noise[1]).astype(np.float32)
    jaw = np.abs(0.02 + 0.01 * drift + 0.004 * noise[2]).astype(np.float32)
    return still, jaw, np.full(n, 100, np.float32)


@dataclass
class Title:
    """Shots one after the other; every part with the face that says it."""

    shots: list[tuple[npt.NDArray[np.float32], dict[str, Curves], int]] = field(default_factory=list)
    parts: list[SeenSpan] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)

    def add(self, heard: Person, faces: dict[str, Curves], label: str, mouth: str, part_s: float) -> Title:
        start = sum(n for _, _, n in self.shots)
        self.shots.append((heard.sound, faces, heard.n))
        for a, b in heard.lines:
            edges = np.linspace(a, b, max(1, round((b - a) / FPS / part_s)) + 1).astype(int)
            for first, end in itertools.pairwise(edges):
                self.parts.append(
                    SeenSpan(
                        utterance_id=f"u{len(self.parts) + 1:04d}",
                        speaker=label,
                        first_frame=start + int(first),
                        end_frame=start + int(end),
                        verdict="off screen",
                    )
                )
                self.truth.append(mouth)
        return self

    def verdicts(self) -> Iterator[str]:
        """right, wrong or uncertain, per part."""
        n = sum(length for _, _, length in self.shots)
        names = sorted({name for _, faces, _ in self.shots for name in faces})
        curves = {name: np.full((3, n), np.nan, np.float32) for name in names}
        starts, is_speech, start = [], np.zeros(n, bool), 0
        for _, faces, length in self.shots:
            starts.append(start)
            for name, of_face in faces.items():
                curves[name][:, start : start + length] = [np.resize(curve, length) for curve in of_face]
            start += length
        for part in self.parts:
            is_speech[part.first_frame : part.end_frame] = True
        sound = openness(np.concatenate([sound for sound, _, _ in self.shots]), HZ, FPS, is_speech)
        found = who_speaks(self.parts, [Mouth(*curves[name]) for name in names], sound, FPS, starts)
        for span, right in zip(found.spans, self.truth, strict=True):
            said = names[span.face] if span.face is not None else OFF
            yield "uncertain" if span.verdict == "uncertain" else "right" if said == right else "wrong"


def scenes(people: list[Person], s: float) -> Iterator[tuple[str, Title]]:
    for a in people:
        alone = {a.name: a.curves}
        yield "one person, alone", Title().add(a, alone, "a", a.name, s)
        yield "one person, parts of 0.6 s", Title().add(a, alone, "a", a.name, 0.6)
        for b in people:
            if a is b:
                continue
            still = {b.name: listening(a.n, 1)}
            yield "side by side, the other listens", Title().add(a, alone | still, "a", a.name, s)
            for later in (0, 31, 67, 101):
                other = {b.name: tuple(np.roll(curve, later) for curve in b.curves)}
                yield "side by side, both mouths talk", Title().add(a, alone | other, "a", a.name, s)
                yield "narrator over a mouth that talks, nothing else", Title().add(a, other, "n", OFF, s)
            for told, said_by in (("", "ab"), (", speakers not told apart", "aa")):
                talk = Title().add(a, alone | still, said_by[0], a.name, s)
                talk.add(b, {b.name: b.curves, a.name: listening(b.n, 2)}, said_by[1], b.name, s)
                yield f"conversation side by side{told}", talk
                shots = Title().add(a, alone, said_by[0], a.name, s).add(b, {b.name: b.curves}, said_by[1], b.name, s)
                yield f"A's shot, B's shot, A's voice over B{told}", shots.add(a, still, said_by[0], OFF, s)
                moved = {a.name: tuple(np.roll(np.resize(curve, b.n), 60) for curve in a.curves)}
                over = Title().add(a, alone, said_by[0], a.name, s).add(b, moved, said_by[1], OFF, s)
                yield f"A speaks, then B's voice over A who talks{told}", over


def count_persons(clips: list[tuple[Path, float]]) -> str:
    """Shots of SHOT_S of every clip in turn, N_ROUNDS times; whom each shot's face is taken for."""
    graph, n_shots = [], 0
    for turn in range(N_ROUNDS):
        for k, (_, from_s) in enumerate(clips):
            graph.append(
                f"[{k}:v]fps={FPS},trim=start={from_s + turn * SHOT_S}:duration={SHOT_S},setpts=PTS-STARTPTS,"
                "scale=720:720:force_original_aspect_ratio=increase,crop=720:720:(iw-ow)/2:(ih-oh)/4,setsar=1,"
                f"format=yuv420p[v{n_shots}]"
            )
            n_shots += 1
    graph.append("".join(f"[v{shot}]" for shot in range(n_shots)) + f"concat=n={n_shots}[v]")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shots.mp4"
        inputs = [argument for clip, _ in clips for argument in ("-i", str(clip))]
        command = [ffmpeg_exe(), "-v", "error", *inputs, "-filter_complex", ";".join(graph), "-map", "[v]", str(path)]
        subprocess.run(command, check=True)
        faces = registry.load("face", "mediapipe").track(path, video_facts(path))
    middles = [int((shot + 0.5) * SHOT_S * FPS) for shot in range(n_shots)]
    taken = [next((k for k, face in enumerate(faces.faces) if face.is_found[at]), None) for at in middles]
    who: dict[int | None, set[int]] = defaultdict(set)
    for shot, person in enumerate(taken):
        who[person].add(shot % len(clips))
    n_mixed = sum(len(clips_of) > 1 for person, clips_of in who.items() if person is not None)
    return (
        f"{len(clips)} people in {n_shots} shots of {SHOT_S:g} s: {len(faces.faces)} persons found, {n_mixed} of them "
        f"mixed of several people, {taken.count(None)} shots without a face; by shot {taken}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    split = [clip.rpartition("@") if "@" in clip else (clip, "@", "0") for clip in options.clips]
    clips = [(Path(path), float(Fraction(from_s))) for path, _, from_s in split]
    people = [read_person(path, from_s) for path, from_s in clips]
    counts: dict[str, list[str]] = defaultdict(list)
    for name, title in scenes(people, options.seconds):
        counts[name] += title.verdicts()
    counts["all"] = [verdict for of_scene in list(counts.values()) for verdict in of_scene]
    for name, verdicts in counts.items():
        kinds = ("right", "wrong", "uncertain")
        shares = ", ".join(f"{verdict} {100 * verdicts.count(verdict) / len(verdicts):.1f} %" for verdict in kinds)
        print(f"{name}: {len(verdicts)} parts: {shares}")
    print(count_persons(clips))


if __name__ == "__main__":
    main()
