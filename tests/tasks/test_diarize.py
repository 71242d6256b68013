"""Who speaks when, from sound: toy voices by their spectrum, people by the encoders that dubbing uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dub import media
from dub.diarization_error import diarization_error, read_rttm
from dub.errors import BadInput
from dub.source import Stems
from dub.stage import Desk, EngineChoice
from dub.turns import Turns
from dub.wav import Samples
from engines import registry
from tasks.diarize import diarize, voices_of
from tests.clips import speechlike
from tests.speech_mixes import RATE_HZ, conversation, voice
from tests.tasks.sound import choice, stems_of, stored

TOY = (choice("speaker", "long-term-spectrum"),)
PAUSE = np.zeros((1, RATE_HZ // 3), np.float32)


def high(duration_s: float) -> Samples:
    return speechlike(duration_s, pitch_hz=310.0)


def low(duration_s: float) -> Samples:
    return speechlike(duration_s, pitch_hz=95.0)


def talk(*turns: Samples) -> Samples:
    """Mono: the turns with a third of a second between them, and a quiet room."""
    sound = np.concatenate([piece for turn in turns for piece in (turn, PAUSE)], axis=1)
    return np.asarray(sound + np.random.default_rng(0).normal(0, 1e-4, sound.shape), dtype=np.float32)


def silent_bed(sound: Samples) -> Samples:
    return np.zeros((2, sound.shape[1]), np.float32)


def turns_of(desk: Desk, sound: Samples, encoders: tuple[EngineChoice, ...], n_speakers: int | None = None) -> Turns:
    return diarize(desk, stems_of(desk, sound, silent_bed(sound)), encoders, n_speakers)


def test_two_toy_voices_take_turns(desk: Desk) -> None:
    turns = turns_of(desk, talk(high(4), low(5), high(4), low(4)), TOY)
    assert [turn.speaker for turn in turns.turns] == ["s1", "s2", "s1", "s2"]
    starts = [float(turn.span.start) for turn in turns.turns]
    assert starts == pytest.approx([0, 4.33, 9.67, 14], abs=0.2)


def test_one_toy_voice_stays_one_and_as_many_as_told_are_found(desk: Desk) -> None:
    sound = talk(low(4), low(5), low(4))
    assert turns_of(desk, sound, TOY).speakers == ("s1",)
    assert len(turns_of(desk, sound, TOY, 2).speakers) == 2


def test_more_speakers_than_the_speech_can_tell_apart_are_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match=r"--speakers 4.*1 window"):
        turns_of(desk, talk(low(1)), TOY, 4)


def test_nobody_is_told_from_anybody_in_silence(desk: Desk) -> None:
    assert turns_of(desk, np.zeros((1, RATE_HZ), np.float32), TOY) == Turns()


def test_a_quiet_room_is_left_in_the_sound_and_a_loud_bed_is_not(desk: Desk) -> None:
    speech = talk(low(3))
    store = desk.open_store()
    for level, is_left_in in ((0.001, True), (0.05, False)):
        bed = np.random.default_rng(1).normal(0, level, (2, speech.shape[1])).astype(np.float32)
        stems = stems_of(desk, speech, bed)
        voices = voices_of(store.path(stems.dialogue), store.path(stems.bed))
        assert (voices.bed is not None) == is_left_in, level


def people() -> tuple[EngineChoice, ...]:
    return choice("speaker", "ge2e-voicefilter"), choice("speaker", "resemblyzer")


@pytest.mark.models
def test_the_shipped_sample_is_one_person(desk: Desk, sample_video: Path) -> None:
    turns = turns_of(desk, media.read_audio(sample_video, RATE_HZ, 1), people())
    assert turns.speakers == ("s1",)


def separated(desk: Desk, sound: Samples) -> Stems:
    """As the embedded profile does it."""
    store = desk.open_store()
    separator = registry.load("separation", "deepfilternet3")
    programme = stored(desk, np.repeat(sound, 2, axis=0))
    with store.scratch() as folder:
        separator.separate(store.path(programme), folder / "dialogue.wav", folder / "bed.wav")
        dialogue, bed = (store.put(folder / name, "audio/wav") for name in ("dialogue.wav", "bed.wav"))
        return Stems(dialogue=dialogue, bed=bed)


@pytest.mark.media
@pytest.mark.models
def test_two_women_on_a_telephone_are_two(desk: Desk, shared_media: Path) -> None:
    sound = media.read_audio(shared_media / "speech/en_two_speakers_30s.wav", RATE_HZ, 1)
    turns = diarize(desk, separated(desk, sound), people())
    truth = read_rttm((shared_media / "speech/en_two_speakers_30s.rttm").read_text())
    found = [(turn.speaker, float(turn.span.start), float(turn.span.end)) for turn in turns.turns]
    assert turns.speakers == ("s1", "s2")
    assert diarization_error(truth, found).rate < 0.2
    assert diarization_error(truth, found, collar_s=0.25).rate < 0.05


@pytest.mark.media
@pytest.mark.models
@pytest.mark.parametrize(
    ("clip", "n_people"),
    [
        ("video/english_10s.mp4", 1),
        ("video/english_portrait_20s.mp4", 1),
        ("video/russian_portrait_10s.mp4", 1),
        ("video/spanish_editlist_10s.mp4", 2),
        ("speech/de_9s.wav", 1),
        ("speech/zh_8s.wav", 1),
        ("speech/en_jfk_11s.flac", 1),
        ("speech/en_broadcast_60s.wav", 1),
    ],
)
def test_real_clips_have_as_many_people_as_are_heard(desk: Desk, shared_media: Path, clip: str, n_people: int) -> None:
    """In the Spanish clip somebody off screen asks until 2.4 s, before the man whose mouth moves answers."""
    sound = media.read_audio(shared_media / clip, RATE_HZ, 1)
    turns = diarize(desk, separated(desk, sound), people())
    assert len(turns.speakers) == n_people
    if n_people == 2:
        assert float(turns.turns[1].span.start) == pytest.approx(3.3, abs=0.2)


@pytest.mark.media
@pytest.mark.models
@pytest.mark.parametrize("names", [("german", "jfk"), ("russian", "lj"), ("lj", "woman", "broadcast")], ids="+".join)
def test_mixed_conversations_are_taken_apart(desk: Desk, shared_media: Path, names: tuple[str, ...]) -> None:
    sound, said = conversation({name: voice(shared_media, name) for name in names}, seed=1)
    turns = diarize(desk, separated(desk, sound), people())
    found = [(turn.speaker, float(turn.span.start), float(turn.span.end)) for turn in turns.turns]
    assert len(turns.speakers) == len(names)
    assert diarization_error(said, found).confused < 0.05
