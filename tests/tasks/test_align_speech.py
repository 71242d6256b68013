"""Phonemes for speech that a user brings: by its text, by a script, by what is heard, or by none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dub.errors import BadInput, NoSpeech
from dub.given_dub import AlignedSpeech
from dub.plan import GivenFile
from dub.source import Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.wav import write_wav
from engines import registry
from engines.tts.espeak import Espeak
from lang.bcp47 import Locale
from tasks.align_speech import align_speech

FIRST, SECOND = "My brother bought a big umbrella.", "Please bring the map."
GAP_S = 1.0
EN = Locale("en")


def choice(family: str, engine_id: str, **options: Any) -> EngineChoice:
    spec = registry.specs()[family, engine_id]
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint(options), options=options)


def hears(*said: tuple[str, float, float]) -> EngineChoice:
    segments = tuple({"text": text, "start_s": start, "end_s": end} for text, start, end in said)
    return choice("asr", "scripted", segments=segments)


class Dub:
    """Two sentences of espeak-ng, a second of silence between them, and their true phoneme times."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        espeak: Espeak = registry.load("tts", "espeak")
        one, two = (espeak.say(text, EN, 1.1, "f4") for text in (FIRST, SECOND))
        rate = one.rate_hz
        silence = np.zeros(round(GAP_S * rate), np.float32)
        sound = np.concatenate([silence, one.samples, silence, two.samples, silence])
        begin = 2 * silence.size + one.samples.size
        self.ends = (1.0, 1.0 + one.samples.size / rate), (begin / rate, begin / rate + two.samples.size / rate)
        self.truth = [(p.ipa, (p.start_sample + silence.size) / rate) for p in one.phonemes]
        self.truth += [(p.ipa, (p.start_sample + begin) / rate) for p in two.phonemes]
        import soxr

        write_wav(folder / "dub.wav", soxr.resample(sound, rate, 48_000)[None].astype(np.float32), 48_000)
        store = desk.open_store()
        wav = store.put_copy(folder / "dub.wav", "audio/wav")
        facts = VideoFacts(width_px=2, height_px=2, frame_rate=Fraction(25), n_frames=round(25 * sound.size / rate))
        self.source = Source(
            title="talk", original=wav, video=facts, programme=wav, n_source_channels=1, mean_level_db=-20
        )
        self.stems = Stems(dialogue=wav, bed=wav)
        self.desk = desk

    def heard(self, *words: str) -> EngineChoice:
        return hears(*((text, *ends) for text, ends in zip(words, self.ends, strict=True)))

    def aligned(
        self,
        text: str | None = None,
        recogniser: EngineChoice | None = None,
        *,
        name: str = "--text",
        locale: Locale | None = EN,
        from_audio: bool = False,
        aligner: str = "dtw",
    ) -> AlignedSpeech:
        given = None
        if text is not None:
            given = GivenFile(artifact=self.desk.open_store().put_bytes(text.encode(), "text/plain"), name=name)
        asr = recogniser or self.heard(FIRST, SECOND)
        return align_speech(
            self.desk, self.source, self.stems, given, locale, from_audio, asr, choice("aligner", aligner)
        )

    def errors_s(self, found: AlignedSpeech) -> np.ndarray:
        phonemes = [(p.ipa, p.start_sample / 48_000) for take in found.timeline.placed for p in take.phonemes]
        assert [ipa for ipa, _ in phonemes] == [ipa for ipa, _ in self.truth]
        return np.abs([at - true for (_, at), (_, true) in zip(phonemes, self.truth, strict=True)])


@pytest.fixture
def dub(desk: Desk, tmp_path: Path) -> Dub:
    return Dub(desk, tmp_path)


def test_given_text_is_laid_on_what_was_heard_however_badly(dub: Dub) -> None:
    found = dub.aligned(f"{FIRST} {SECOND}", dub.heard("my brother bot a pig umbrela", "pleas bring a map"))
    assert (found.way, found.findings) == ("given text", ())
    assert [take.text for take in found.timeline.placed] == [FIRST, SECOND]
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09


def test_recognised_words_do_where_no_text_is_given(dub: Dub) -> None:
    found = dub.aligned(None, locale=None)
    assert (found.way, found.timeline.locale) == ("recognised text", "en")
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09


def test_a_script_needs_no_recogniser(dub: Dub) -> None:
    (a, b), (c, d) = dub.ends
    script = (
        f"1\n00:00:0{a - 0.2:.3f} --> 00:00:0{b + 0.2:.3f}\n{FIRST}\n\n"
        f"2\n00:00:0{c - 0.1:.3f} --> 00:00:0{d + 0.3:.3f}\n{SECOND}\n"
    )
    found = dub.aligned(script, hears(), name="dub.srt")
    assert found.way == "timed text"
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09
    assert [round(take.start_sample / 48_000, 1) for take in found.timeline.placed] == [round(a, 1), round(c, 1)]
    with pytest.raises(BadInput, match=r"dub\.srt, line"):
        dub.aligned("1\n00:00:00,000 --> 00:00:00,300\nNobody says this.\n", name="dub.srt")


def test_sound_beyond_the_text_is_said_as_it_was_heard(dub: Dub) -> None:
    found = dub.aligned(FIRST)
    assert [take.text for take in found.timeline.placed] == [FIRST, SECOND]
    assert [finding.check for finding in found.findings] == ["text_heard"]
    assert "what the text lacks" in found.findings[0].message
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09


def test_text_beyond_the_sound_does_not_derail_it(dub: Dub) -> None:
    more = "Tomorrow we shall visit the mountains and swim in a cold lake."
    found = dub.aligned(f"{FIRST} {SECOND} {more}")
    assert "mountains" in found.findings[0].message
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09


def test_text_of_which_nothing_is_recognised_is_laid_over_all_speech(dub: Dub) -> None:
    found = dub.aligned(f"{FIRST} {SECOND}", hears(("wholly other sounds", *dub.ends[0])))
    assert found.way == "given text"
    assert [finding.level for finding in found.findings] == ["degraded"]
    assert np.quantile(dub.errors_s(found), 0.95) < 0.09


def test_without_words_the_sound_alone_is_left_and_that_is_said(dub: Dub) -> None:
    for found in (dub.aligned(None, hears()), dub.aligned(from_audio=True)):
        assert found.way == "sound alone"
        assert [take.phonemes for take in found.timeline.placed] == [(), ()]
        assert [finding.check for finding in found.findings] == ["from_sound"]
        starts = [take.start_sample / 48_000 for take in found.timeline.placed]
        assert starts == pytest.approx([dub.ends[0][0], dub.ends[1][0]], abs=0.15)


def test_a_language_that_nobody_reads_leaves_the_sound(dub: Dub) -> None:
    found = dub.aligned("我哋聽日去行山。請帶地圖。", hears(), locale=Locale("wuu"))
    assert found.way == "sound alone"
    assert found.timeline.placed[0].phonemes == ()
    assert "phonemes of this line were not found" in found.findings[-1].message


def test_a_language_must_be_known_to_read_a_text(dub: Dub) -> None:
    with pytest.raises(BadInput, match="language"):
        dub.aligned("hello", choice("asr", "scripted", locale="und"), locale=None)


def test_silence_is_no_dub(desk: Desk, dub: Dub, tmp_path: Path) -> None:
    write_wav(tmp_path / "silence.wav", np.zeros((1, 96_000), np.float32), 48_000)
    wav = desk.open_store().put_copy(tmp_path / "silence.wav", "audio/wav")
    dub.stems = Stems(dialogue=wav, bed=wav)
    with pytest.raises(NoSpeech):
        dub.aligned()
