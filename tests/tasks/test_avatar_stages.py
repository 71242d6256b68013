"""The portrait's stages between text and timeline."""

import itertools
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.avatar import AFTER_S, BEFORE_S, PhotoFacts, Portrait, Talk
from dub.cast import Cast, VoiceProfile
from dub.errors import BadInput
from dub.script import Takes
from dub.source import Source, Stems
from dub.stage import Desk, EngineChoice
from dub.wav import WAV, open_wav, write_wav
from engines import registry
from lang.bcp47 import Locale
from tasks.film_voice import film_voice, hear_voice
from tasks.ingest import ingest
from tasks.place_freely import place_freely
from tasks.pose_photo import pose_photo
from tasks.read_talk import as_written, read_talk
from tasks.speak_freely import speak_freely
from tests.clips import speechlike

EN = Locale("en")
TEXT = "Good morning, everybody.\nIt is\nraining. Take Mr. Smith's coat!\n\n\n  The second paragraph.  \n"


def choice(family: str, engine_id: str) -> EngineChoice:
    spec = registry.specs()[family, engine_id]
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint())


def read(desk: Desk, text: str, name: str = "hello.txt", locale: Locale | None = EN) -> Talk:
    given = desk.open_store().put_bytes(text.encode(), "text/plain")
    return read_talk(desk, given, name, locale, choice("language_id", "py3langid"))


def test_sentences_and_paragraphs_of_a_plain_text(desk: Desk) -> None:
    talk = read(desk, TEXT)
    assert [line.text for line in talk.script.utterances] == [
        "Good morning, everybody.",
        "It is raining.",
        "Take Mr. Smith's coat!",
        "The second paragraph.",
    ]
    assert talk.starts_paragraph == ("u0004",)


def test_a_timed_script_gives_its_cues(desk: Desk) -> None:
    srt = "1\n00:00:00,500 --> 00:00:01,500\nGood morning. Sit down.\n\n2\n00:00:02,000 --> 00:00:03,000\nThank you.\n"
    talk = read(desk, srt, "talk.srt")
    assert [line.text for line in talk.script.utterances] == ["Good morning.", "Sit down.", "Thank you."]
    assert talk.starts_paragraph == ("u0003",)


def test_the_language_is_found_or_asked_for(desk: Desk) -> None:
    german = "Guten Morgen, meine Damen und Herren. Wir freuen uns, dass Sie heute gekommen sind."
    assert read(desk, german, locale=None).script.source_locale == "de"
    with pytest.raises(BadInput, match=r"hello\.txt is not plain.*\n.*--from"):
        read(desk, "Ok. 12 34.", locale=None)


@pytest.mark.parametrize("text", ["", "   \n\n", "♪ [Music]", "... !"])
def test_a_text_that_says_nothing_is_named(desk: Desk, text: str) -> None:
    with pytest.raises(BadInput, match=r"hello\.txt says nothing"):
        read(desk, text)


def portrait_of(desk: Desk, tmp_path: Path) -> Portrait:
    picture = np.random.default_rng(0).integers(0, 255, (97, 131, 3), np.uint8).repeat(2, 0).repeat(2, 1)
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    photo = desk.open_store().put_copy(tmp_path / "photo.png", "image/*")
    return pose_photo(desk, photo, "photo.png", 200, choice("portrait", "still"))


def test_a_photo_is_shrunk_to_an_even_size(desk: Desk, tmp_path: Path) -> None:
    facts = portrait_of(desk, tmp_path).facts
    assert facts == PhotoFacts(width_px=200, height_px=148)


def test_takes_follow_one_another_with_pauses(desk: Desk, tmp_path: Path) -> None:
    talk = read(desk, TEXT)
    store = desk.open_store()
    silence = store.put_bytes(b"", "application/octet-stream")
    voice = VoiceProfile(speaker="s1", engine="tone", reference=silence, style=silence, is_cloned=False)
    tone = choice("tts", "tone")
    takes = speak_freely(desk, as_written(desk, talk, EN), Cast(locale=EN, voices=(voice,)), tone)
    performed = place_freely(desk, "hello", talk, takes, portrait_of(desk, tmp_path))
    placed = performed.timeline.placed
    assert placed[0].start_sample == 48_000 * BEFORE_S
    pauses = [(after.start_sample - before.end_sample) / 48_000 for before, after in itertools.pairwise(placed)]
    assert pauses == [0.35, 0.35, 0.7]
    length = performed.source.video.duration
    end = Fraction(placed[-1].end_sample, 48_000) + AFTER_S
    assert end <= length < end + Fraction(1, 25)
    dialogue = open_wav(store.path(performed.timeline.dialogue))[0]
    assert dialogue.shape == (1, 48_000 * length)
    sounds = sum(float(np.square(open_wav(store.path(take.audio))[0]).sum()) for take in placed)
    assert float(np.square(dialogue).sum()) == pytest.approx(sounds, rel=1e-4)
    assert [line.span.start for line in performed.script.utterances] == [take.slot.start for take in placed]
    assert all(take.phonemes[0].start_sample >= take.start_sample for take in placed if take.phonemes)
    assert place_freely.outcome(desk, "hello", talk, takes, portrait_of(desk, tmp_path)).is_cached
    assert isinstance(takes, Takes)


@pytest.mark.parametrize(("speech_s", "is_enough"), [(4.0, False), (12.0, True)])
def test_a_voice_needs_five_seconds(desk: Desk, tmp_path: Path, speech_s: float, is_enough: bool) -> None:
    store = desk.open_store()
    sound = np.concatenate([np.zeros((1, 24_000), np.float32), speechlike(speech_s)], axis=1)
    write_wav(tmp_path / "me.wav", sound, 48_000)
    film = film_voice(desk, store.put_copy(tmp_path / "me.wav", "audio/*"), "me.wav", portrait_of(desk, tmp_path))
    source: Source = ingest(desk, film.video, "photo")
    assert float(source.video.duration) == pytest.approx(speech_s + 0.5, abs=0.1)
    assert (source.video.width_px, source.n_source_channels) == (200, 1)
    stems = Stems(dialogue=store.put_copy(tmp_path / "me.wav", WAV), bed=source.programme)
    if is_enough:
        script = hear_voice(desk, source, stems, "me.wav", EN)
        assert {line.speaker for line in script.utterances} == {"s1"}
        assert sum(line.span.duration for line in script.utterances) > 5
    else:
        with pytest.raises(BadInput, match=r"me\.wav holds [0-4]\.\d s of speech"):
            hear_voice(desk, source, stems, "me.wav", EN)
