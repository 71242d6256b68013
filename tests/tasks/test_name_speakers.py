"""Two voices in one sound, two recordings of them: the stages give everybody their name, and the same voice in every
title."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dub.artifact import Artifact
from dub.cast import CastEntry
from dub.consent import ConsentRecord, Purpose
from dub.errors import BadInput
from dub.finding import Level
from dub.media import read_audio
from dub.script import DubScript, Utterance
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.timecode import MASTER_RATE_HZ, Span
from dub.wav import WAV, open_wav, write_wav
from engines import registry
from engines.spec import Family
from lang.bcp47 import Locale
from tasks.enroll import cast_for, enroll
from tasks.name_speakers import find_people, name_speakers

Samples = npt.NDArray[np.float32]


def choice(family: Family, engine_id: str) -> EngineChoice:
    return EngineChoice(family=family, id=engine_id, fingerprint=registry.spec(family, engine_id).fingerprint())


def tone(pitch_hz: float, seconds: float, level: float = 0.1) -> Samples:
    at = np.arange(round(seconds * MASTER_RATE_HZ)) / MASTER_RATE_HZ
    return (level * np.sin(2 * np.pi * pitch_hz * at)).astype(np.float32)


def stored(desk: Desk, samples: Samples) -> Artifact:
    store = desk.open_store()
    with store.scratch() as folder:
        write_wav(folder / "sound.wav", samples, MASTER_RATE_HZ)
        return store.put(folder / "sound.wav", WAV)


def title(desk: Desk, *pitches_hz: float) -> tuple[DubScript, Stems]:
    """Speakers s1, s2, ... say 4 s each at these pitches."""
    stem = stored(desk, np.concatenate([tone(pitch_hz, 4) for pitch_hz in pitches_hz]))
    lines = tuple(
        Utterance(id=f"u{i:04}", speaker=f"s{i + 1}", span=Span.of_seconds(4 * i, 4 * i + 4), text="said")
        for i in range(len(pitches_hz))
    )
    script = DubScript(source_locale=Locale("en"), duration=Fraction(4 * len(pitches_hz)), utterances=lines)
    return script, Stems(dialogue=stem, bed=stored(desk, np.zeros(4 * len(pitches_hz) * MASTER_RATE_HZ, np.float32)))


@pytest.fixture
def cast(desk: Desk) -> tuple[CastEntry, ...]:
    low, high = stored(desk, tone(110, 8, level=0.02)), stored(desk, tone(700, 6))
    return (
        CastEntry(name="low", reference=low, reference_name="low.wav"),
        CastEntry(name="high", reference=high, reference_name="high.wav"),
    )


ENCODER = choice("speaker", "long-term-spectrum")
TONE = choice("tts", "tone")


def test_names_are_found_by_ear_and_stand_on_the_lines(desk: Desk, cast: tuple[CastEntry, ...]) -> None:
    script, stems = title(desk, 700, 110)
    casting = find_people(desk, script, stems, cast, "cast.toml", ENCODER)
    assert casting.names == {"s1": "high", "s2": "low"}
    named = name_speakers(desk, script, casting)
    assert [line.speaker for line in named.utterances] == ["high", "low"]
    made = enroll(desk, named, stems, TONE, ENCODER, None, casting)
    assert [voice.speaker for voice in made.voices] == ["high", "low"]
    assert made.voice_of("low").identified.startswith("sounds like low.wav: ")


def test_one_person_has_one_voice_in_every_title(desk: Desk, cast: tuple[CastEntry, ...]) -> None:
    """Made of the cast's recording, not of what each title happens to hold; and made once."""
    made = []
    for pitches_hz in ((700.0, 112.0), (108.0,)):
        script, stems = title(desk, *pitches_hz)
        casting = find_people(desk, script, stems, cast, "cast.toml", ENCODER)
        named = name_speakers(desk, script, casting)
        made.append(enroll(desk, named, stems, TONE, ENCODER, None, casting).voice_of("low"))
    assert made[0].style == made[1].style
    assert made[0].reference == made[1].reference
    assert made[0].made_of == "a tone of 110 Hz"
    reference, rate_hz = open_wav(desk.open_store().path(made[0].reference))
    assert reference.shape[1] / rate_hz == pytest.approx(8, abs=0.1)
    assert float(np.sqrt(np.mean(reference**2))) == pytest.approx(0.05, rel=0.01)


def test_consent_is_kept_with_the_profile_and_only_where_it_is_for_the_locale(desk: Desk) -> None:
    script, stems = title(desk, 110)
    record = ConsentRecord(
        speaker="s1",
        given_by="A. L.",
        given_on=date(2026, 3, 1),
        purposes=(Purpose.DUBBING,),
        languages=(Locale("es"),),
    )
    made = enroll(desk, script, stems, TONE, ENCODER, None, None, {"s1": (record,)})
    assert made.voices[0].consent == (record,)
    ear = EngineChoice(family="asr", id="scripted", fingerprint="none")
    spanish, french = (cast_for(desk, made, Locale(tag), TONE, ENCODER, ear) for tag in ("es", "fr"))
    assert spanish.voices[0].consent == (record,)
    assert french.voices[0].consent == ()


def test_a_default_voice_is_no_clone(desk: Desk) -> None:
    script, stems = title(desk, 110)
    entry = CastEntry(name="s1", voices={"default": "default"})
    casting = find_people(desk, script, stems, (entry,), "cast.toml", ENCODER)
    (voice,) = enroll(desk, script, stems, TONE, ENCODER, None, casting).voices
    assert voice.made_of == "the default voice of tone: as the cast asks"
    assert (voice.style.n_bytes, voice.is_cloned, voice.is_chosen) == (0, False, True)


def test_a_silent_recording_is_named(desk: Desk) -> None:
    script, stems = title(desk, 110)
    silent = CastEntry(
        name="mute", reference=stored(desk, np.zeros(4 * MASTER_RATE_HZ, np.float32)), reference_name="m.wav"
    )
    with pytest.raises(BadInput, match=r"cast\.toml: the recording m\.wav: a speaker cannot be told from silence"):
        find_people(desk, script, stems, (silent,), "cast.toml", ENCODER)


@pytest.mark.media
@pytest.mark.models
def test_real_people_are_known_again_and_a_stranger_is_not(desk: Desk, shared_media: Path) -> None:
    """The cast has the first halves of two people's clips and a third person; the title has the second halves."""

    def clip(name: str) -> Samples:
        return read_audio(shared_media / name, MASTER_RATE_HZ, 1)[0]

    man, woman = clip("video/english_portrait_20s.mp4"), clip("video/russian_portrait_10s.mp4")
    halves = [(voice[: voice.size // 2], voice[voice.size // 2 :]) for voice in (man, woman)]
    stranger = clip("speech/en_jfk_11s.flac")
    entries = tuple(
        CastEntry(name=name, reference=stored(desk, recording), reference_name=f"{name}.wav")
        for name, recording in (("kennedy", stranger), ("woman", halves[1][0]), ("man", halves[0][0]))
    )
    at_s, lines = 0.0, []
    for i, (_, said) in enumerate(halves):
        end_s = at_s + said.size / MASTER_RATE_HZ
        lines.append(Utterance(id=f"u{i:04}", speaker=f"s{i + 1}", span=Span.of_seconds(at_s, end_s), text="said"))
        at_s = end_s
    stem = stored(desk, np.concatenate([said for _, said in halves]))
    script = DubScript(source_locale=Locale("en"), duration=Fraction(round(at_s)), utterances=tuple(lines))
    hearing = choice("speaker", "ge2e-voicefilter")
    casting = find_people(desk, script, Stems(dialogue=stem, bed=stem), entries, "cast.toml", hearing)
    assert casting.names == {"s1": "man", "s2": "woman"}
    (note,) = casting.notes
    assert note.message.startswith("kennedy of cast.toml matches no speaker; the nearest, s1, is alike by 0.")
    assert note.level is Level.OK
