"""How like their speakers the fitted voices are, and how well they are understood: the table of docs/voices.md.

    .venv/bin/python infra/measure_voices.py CLIP.mp4 ... [--to es,pt-BR] [--store FOLDER] [--json FILE]

Every clip, of one person each, is taken apart, transcribed and enrolled as `polydub dub` does it; the voice then says
sentences that no fit has seen, in every locale. Cosines are by the plan's second speaker encoder, which the fit never
hears, to the recording that was enrolled. Same speaker: one half of that recording against the other. Others: the mean
and the highest cosine to the recordings of the other clips. Misheard: words and characters, by the plan's recogniser,
beside what it mishears of the engine's default voice of the locale. CPU seconds are of this process, all threads; give
an empty store to have everything timed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dub.cast import VoiceProfile
from dub.plan import Plan
from dub.stage import Desk, EngineChoice
from dub.store import Store
from dub.turns import Turns
from dub.wav import open_wav, write_wav
from dub.word_error import ErrorRate, aligned, characters_wrong, comparable_words, words_wrong
from engines import registry
from engines.tts.contract import Speech
from flows.preflight import choose, find_voice, options_of, read_plan
from lang.bcp47 import Locale

SENTENCES = {
    "en": (
        "The children played in the garden while their grandmother was cooking.",
        "Tomorrow we will walk in the mountains with our friends.",
    ),
    "es": (
        "Los niños jugaban en el jardín mientras su abuela preparaba la cena.",
        "Mañana vamos a caminar por la montaña con nuestros amigos.",
    ),
    "pt": (
        "As crianças brincavam no jardim enquanto a avó preparava o jantar.",
        "Amanhã vamos caminhar pela montanha com os nossos amigos.",
    ),
    "ca": (
        "Els nens jugaven al jardí mentre l'àvia preparava el sopar.",
        "Demà anirem a caminar per la muntanya amb els nostres amics.",
    ),
    "ru": (
        "Дети играли в саду, пока бабушка готовила ужин.",
        "Завтра мы пойдём гулять в горы с нашими друзьями.",
    ),
    "fr": (
        "Les enfants jouaient dans le jardin pendant que leur grand-mère préparait le dîner.",
        "Demain, nous irons marcher en montagne avec nos amis.",
    ),
    "it": (
        "I bambini giocavano in giardino mentre la nonna preparava la cena.",
        "Domani andremo a camminare in montagna con i nostri amici.",
    ),
}
"""None of them chooses anything: not those of engines/tts/data/sentences.toml."""

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--to", default="es,pt-BR", help=f"locales whose language is one of {', '.join(SENTENCES)}")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--store", type=Path, help="default: an empty one, thrown away")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    options = parser.parse_args()
    targets = tuple(Locale(tag) for tag in options.to.split(","))
    plan = read_plan(options.profile)
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or Path(folder, "store")
        rows = [row for clip in options.clips for row in measure(clip, targets, plan, store)]
    add_other_speakers(rows)
    print_table(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, default=lambda value: value.tolist()))


def measure(clip: Path, targets: Sequence[Locale], plan: Plan, store: Path) -> list[Row]:
    """One row per locale; the clip's own language is left out."""
    from tasks.enroll import cast_for, enroll
    from tasks.ingest import ingest
    from tasks.separate import separate
    from tasks.transcribe import transcribe

    desk = Desk(store=str(store.absolute()))
    ear, encoder, judge = _engine(plan, "asr"), _engine(plan, "speaker"), _engine(plan, "speaker", 1)
    source = ingest(desk, desk.open_store().put_copy(clip, "video/*"), clip.stem)
    stems = separate(desk, source, _engine(plan, "separation"))
    script = transcribe(desk, source, stems, Turns(), None, ear)
    rows: list[Row] = []
    enrolled: dict[str, Row] = {}
    for locale in targets:
        if locale.language == script.source_locale.language:
            continue
        voice = find_voice(plan, locale)
        wall, cpu = time.monotonic(), time.process_time()
        cast = enroll(desk, script, stems, voice, encoder, judge)
        cost = {"enrol_cpu_s": time.process_time() - cpu, "enrol_wall_s": time.monotonic() - wall}
        cost = enrolled.setdefault(voice.fingerprint, cost)
        cpu = time.process_time()
        spoken = cast_for(desk, cast, locale, voice, encoder, ear)
        cost = {**cost, "locale_cpu_s": time.process_time() - cpu}
        for profile in spoken.voices:
            row = {"clip": clip.stem} | judged(desk, (encoder, judge), ear, profile, locale, voice) | cost
            print({key: value for key, value in row.items() if key != "reference"}, file=sys.stderr, flush=True)
            rows.append(row)
    return rows


def _engine(plan: Plan, family: str, number: int = 0) -> EngineChoice:
    named = getattr(plan, family)
    engine_id = named if isinstance(named, str) else named[number]
    return choose(family, engine_id, options_of(plan, family, engine_id), policy=plan.policy)


def judged(
    desk: Desk,
    encoders: tuple[EngineChoice, EngineChoice],
    ear: EngineChoice,
    voice: VoiceProfile,
    locale: Locale,
    tts: EngineChoice,
) -> Row:
    """What the voice says in one locale, as the independent encoder and the recogniser hear it."""
    store = desk.open_store()
    fit_encoder, judge = (registry.load("speaker", choice.id, **choice.options) for choice in encoders)
    reference, rate_hz = open_wav(store.path(voice.reference))
    speaker = registry.load("tts", tts.id, **tts.options)
    style = store.read_bytes(voice.style)
    texts = SENTENCES[locale.language]
    takes = [speaker.speak(text, locale, style) for text in texts]
    wanted, fit_wanted = judge.embed(reference[0], rate_hz), fit_encoder.embed(reference[0], rate_hz)
    halves = np.array_split(reference[0], 2)
    default = [speaker.speak(text, locale, b"") for text in texts]
    words, characters = _misheard(store, ear, locale, takes)
    plain_words, plain_characters = _misheard(store, ear, locale, default)
    speech = np.concatenate([take.samples for take in takes])
    return {
        "speaker": voice.speaker,
        "locale": str(locale),
        "engine": voice.engine,
        "is_cloned": voice.is_cloned,
        "reference_s": reference.shape[1] / rate_hz,
        "independent": float(judge.embed(speech, takes[0].rate_hz) @ wanted),
        "fit": float(fit_encoder.embed(speech, takes[0].rate_hz) @ fit_wanted),
        "same_speaker": float(judge.embed(halves[0], rate_hz) @ judge.embed(halves[1], rate_hz)),
        "threshold": judge.same_speaker_threshold,
        "word_error": words,
        "character_error": characters,
        "plain_word_error": plain_words,
        "plain_character_error": plain_characters,
        "made_of": voice.made_of,
        "reference": wanted,
    }


def _misheard(store: Store, ear: EngineChoice, locale: Locale, takes: Sequence[Speech]) -> tuple[float, float]:
    """Shares of the words and of the characters of the sentences that the recogniser gets wrong."""
    listener = registry.load("asr", ear.id, **ear.options)
    words, characters = ErrorRate(0, 0), ErrorRate(0, 0)
    for text, take in zip(SENTENCES[locale.language], takes, strict=True):
        with store.scratch() as folder:
            write_wav(folder / "take.wav", take.samples, take.rate_hz)
            heard = " ".join(part.text for part in listener.recognise(folder / "take.wav", locale).segments)
        alignment = aligned(comparable_words(text), comparable_words(heard))
        words, characters = words + words_wrong(alignment), characters + characters_wrong(alignment)
    return words.rate or 0.0, characters.rate or 0.0


def add_other_speakers(rows: list[Row]) -> None:
    """The independent encoder between each recording and those of the other clips."""
    for row in rows:
        others = {other["clip"]: other["reference"] for other in rows if other["clip"] != row["clip"]}
        likeness = [float(row["reference"] @ other) for other in others.values()]
        row["others_mean"] = float(np.mean(likeness)) if likeness else None
        row["others_max"] = max(likeness, default=None)


def print_table(rows: list[Row]) -> None:
    titles = ["clip", "to", "voice", "cosine", "same speaker", "others mean / max", "words, characters misheard"]
    titles += ["of the default voice", "enrol CPU s", "locale CPU s"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for row in rows:
        others = "-" if row["others_mean"] is None else f"{row['others_mean']:.2f} / {row['others_max']:.2f}"
        cells = [row["clip"], row["locale"], row["engine"], f"{row['independent']:.2f}", f"{row['same_speaker']:.2f}"]
        cells += [others, f"{row['word_error']:.0%}, {row['character_error']:.0%}"]
        cells += [f"{row['plain_word_error']:.0%}, {row['plain_character_error']:.0%}"]
        cells += [f"{row['enrol_cpu_s']:.0f}", f"{row['locale_cpu_s']:.0f}"]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
