"""Measure diarization: error rate and number of speakers, on real clips and on conversations mixed from them.

    .venv/bin/python infra/measure_diarization.py MEDIA_FOLDER [--mixes N] [--long MINUTES]

MEDIA_FOLDER has speech/ and video/ (tests/speech_mixes.py names the clips; en_two_speakers_30s has its truth in .rttm).
Every case is separated by the embedded profile's engine first, as a title is. Prints one Markdown row per case: true
and found number of speakers; diarization error without and with a collar of 0.25 s; the same with the number given;
for one voice instead the halving that came nearest to two people (evidence in nats, apartness in deviations; - where
none had turns and sound enough to count); CPU seconds. The truth of mixes is the energy of the clips before mixing.
`--long`: instead, a talk of that many minutes between three of Kokoro's voices that read this project's own pages, and
the longest of them alone: speakers found, error, seconds, megabytes. (The same minute over and over is no long talk:
what is said twice to the sample looks like a voice of its own.)
"""

from __future__ import annotations

import argparse
import itertools
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from dub import media
from dub.diarization_error import Said, diarization_error, read_rttm
from dub.near_voices import LEAST_HALF_S, LEAST_TURNS, ways_to_halve
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.turns import Turns
from dub.wav import WAV, Samples, write_wav
from engines import registry
from lang.bcp47 import Locale
from tasks.diarize import diarize, hear, voices_of
from tests.speech_mixes import RATE_HZ, VOICES, conversation, truth_of, voice

SEPARATION = "deepfilternet3"
ENCODERS = ("ge2e-voicefilter", "resemblyzer")
READERS = ("af_heart", "am_michael", "bf_emma")
Case = tuple[str, Samples, list[Said]]


def cases(folder: Path, n_mixes: int) -> Iterator[Case]:
    telephone = media.read_audio(folder / "speech/en_two_speakers_30s.wav", RATE_HZ, 1)
    yield "telephone", telephone, read_rttm((folder / "speech/en_two_speakers_30s.rttm").read_text())
    answer = media.read_audio(folder / "video/spanish_editlist_10s.mp4", RATE_HZ, 1)
    yield "spanish (a question off screen, 0-2.4 s)", answer, [("asks", 0.0, 2.4), ("answers", 3.33, 9.93)]
    sounds = {name: voice(folder, name) for name in VOICES}
    alone = sounds | {
        "english_10s": media.read_audio(folder / "video/english_10s.mp4", RATE_HZ, 1),
        "hello": media.read_audio(Path(__file__).parents[1] / "samples/hello.mp4", RATE_HZ, 1),
    }
    for name, sound in alone.items():
        yield name, sound, truth_of(name, sound)
    pairs = list(itertools.combinations(VOICES, 2))
    trios = list(itertools.combinations(VOICES, 3))
    for group in [*_spread(pairs, n_mixes), *_spread(trios, n_mixes)]:
        sound, said = conversation({name: sounds[name] for name in group}, seed=len(group))
        yield " + ".join(group), sound, said


def _spread(groups: list[tuple[str, ...]], n_wanted: int) -> list[tuple[str, ...]]:
    chosen = np.linspace(0, len(groups) - 1, min(n_wanted, len(groups))).round().astype(int)
    return [groups[number] for number in chosen]


def choice(engine_id: str) -> EngineChoice:
    fingerprint = registry.spec("speaker", engine_id).fingerprint()
    return EngineChoice(family="speaker", id=engine_id, fingerprint=fingerprint)


def stems_of(desk: Desk, sound: Samples) -> Stems:
    separator = registry.load("separation", SEPARATION)
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "programme.wav", np.repeat(sound, 2, axis=0), RATE_HZ)
        separator.separate(folder / "programme.wav", folder / "dialogue.wav", folder / "bed.wav")
        return Stems(dialogue=store.put(folder / "dialogue.wav", WAV), bed=store.put(folder / "bed.wav", WAV))


def measured(desk: Desk, case: Case) -> tuple[bool, int, float, float]:
    """Print a case's row. Returns whether the number was right, the number, the error, the error with it given."""
    name, sound, truth = case
    n_true = len({who for who, _, _ in truth})
    stems = stems_of(desk, sound)
    encoders = tuple(choice(each) for each in ENCODERS)
    started = time.process_time()
    turns = diarize(desk, stems, encoders, None)
    cpu_s = time.process_time() - started
    given = diarize(desk, stems, encoders, n_true)
    rates = [_rate(truth, each, collar) for each in (turns, given) for collar in (0.0, 0.25)]
    halves = _halves(desk, stems) if n_true == 1 else ""
    errors = [f"{100 * rate:.1f}" if n_true > 1 else "" for rate in rates]
    columns = [name, f"{sound.shape[1] / RATE_HZ:.0f}", str(n_true), str(len(turns.speakers))]
    print("|", " | ".join([*columns, *errors, halves, f"{cpu_s:.2f}"]), "|", flush=True)
    return len(turns.speakers) == n_true, n_true, rates[0], rates[2]


def _rate(truth: list[Said], turns: Turns, collar_s: float) -> float:
    found = [(turn.speaker, float(turn.span.start), float(turn.span.end)) for turn in turns.turns]
    return diarization_error(truth, found, collar_s).rate


def _halves(desk: Desk, stems: Stems) -> str:
    """The most evidence and apartness of any way to halve one voice that has turns and sound enough to count."""
    store = desk.open_store()
    hearing = [registry.load("speaker", each) for each in ENCODERS]
    heard = hear(voices_of(store.path(stems.dialogue), store.path(stems.bed)), hearing)
    ways = [way for way in ways_to_halve(heard) if way.n_turns >= LEAST_TURNS and way.least_s >= LEAST_HALF_S]
    if not ways:
        return "-"
    return f"{max(way.evidence for way in ways):.2f}, {max(way.apartness for way in ways):.1f}"


def long_talk(minutes: float) -> tuple[Samples, list[Said]]:
    """Sentences of the documentation, read in turn by three stock voices at one level, over faint noise."""
    import soxr

    kokoro = registry.load("tts", "kokoro")
    pages = " ".join(page.read_text("utf-8") for page in sorted((Path(__file__).parents[1] / "docs").glob("*.md")))
    plain = re.sub(r"\s+", " ", re.sub(r"```.*?```|\|[^\n]*|https?\S+|[`*#\[\]()<>_]", "", pages, flags=re.DOTALL))
    sentences = [line for line in re.split(r"(?<=[.!?]) ", plain) if 40 < len(line) < 160 and line.isascii()]
    random = np.random.default_rng(0)
    pieces: list[Samples] = []
    said: list[Said] = []
    at_s, reader = 0.0, 0
    for sentence in itertools.cycle(sentences):
        if random.random() < 0.35:
            reader = int(reader + random.integers(1, len(READERS))) % len(READERS)
        speech = kokoro.speak(sentence, Locale("en"), kokoro.stock_voice(READERS[reader]), 1.0)
        sound = soxr.resample(np.asarray(speech.samples, np.float32), speech.rate_hz, RATE_HZ)
        sound *= np.float32(0.05 / max(1e-4, float(np.sqrt(np.mean(np.square(sound))))))
        pause = np.zeros(round(RATE_HZ * random.uniform(0.2, 0.6)), np.float32)
        said.append((READERS[reader], at_s, at_s + len(sound) / RATE_HZ))
        pieces += [sound, pause]
        at_s += (len(sound) + len(pause)) / RATE_HZ
        if at_s >= 60 * minutes:
            break
    talk = np.concatenate(pieces) + random.normal(0, 0.0005, sum(map(len, pieces))).astype(np.float32)
    return talk[None], said


def measure_long(desk: Desk, minutes: float) -> None:
    """Not separated first: only what diarization itself takes."""
    talk, said = long_talk(minutes)
    seconds_of = {who: sum(end - start for name, start, end in said if name == who) for who in READERS}
    most = max(READERS, key=lambda who: seconds_of[who])
    theirs = [talk[:, round(start * RATE_HZ) : round(end * RATE_HZ)] for who, start, end in said if who == most]
    for name, sound, truth in (("three", talk, said), (most, np.concatenate(theirs, axis=1), [])):
        store = desk.open_store()
        with store.scratch() as scratch:
            write_wav(scratch / "talk.wav", sound, RATE_HZ)
            write_wav(scratch / "bed.wav", np.zeros((2, RATE_HZ), np.float32), RATE_HZ)
            stems = Stems(dialogue=store.put(scratch / "talk.wav", WAV), bed=store.put(scratch / "bed.wav", WAV))
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started, wall = time.process_time(), time.monotonic()
        turns = diarize(desk, stems, tuple(choice(each) for each in ENCODERS), None)
        cpu_s, wall_s = time.process_time() - started, time.monotonic() - wall
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        error = f", DER {100 * _rate(truth, turns, 0.25):.1f} % (collar 0.25 s)" if truth else ""
        print(
            f"{name}: {sound.shape[1] / RATE_HZ / 60:.1f} min, {len(turns.speakers)} speakers{error}, {cpu_s:.0f} "
            f"CPU-s, {wall_s:.0f} s, peak {peak_mb:.0f} MB (before: {before_mb:.0f} MB)",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path)
    parser.add_argument("--mixes", type=int, default=15)
    parser.add_argument("--long", type=float, default=0.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(store=folder)
        if arguments.long:
            measure_long(desk, arguments.long)
            return
        print("| case | s | true | found | DER % | DER % (collar) | n given | n given (collar) | halves | CPU-s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        results = [measured(desk, case) for case in cases(arguments.media, arguments.mixes)]
        right, n_true, free, given = (np.array(column) for column in zip(*results, strict=True))
        mixed = n_true > 1
        print(f"\n{int(right.sum())} of {len(right)} numbers right; of those with several speakers the mean error is")
        print(f"{100 * free[mixed].mean():.1f} %, {100 * given[mixed].mean():.1f} % where the number is given")


if __name__ == "__main__":
    main()
