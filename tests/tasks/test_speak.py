"""Takes fit their time by wording and tempo, and one changed line is one new take."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from dub.cast import Cast, VoiceProfile
from dub.errors import BadInput, EngineFailed, LanguageNotSupported
from dub.pitch import final_rise_st
from dub.prosody import InnerPause, LineProsody, SourceProsody
from dub.script import DubScript, TranslatedLine, Translation, Utterance, WithheldLine
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from dub.wav import open_wav
from engines import registry
from lang.bcp47 import Locale
from tasks.fit import fit
from tasks.speak import as_read, speak, speak_line
from tests.tasks.sound import heard, source_of

# The tone engine says 60 ms per character, so a line of 50 characters takes 3 s at tempo 1.
FIFTY = "abcde fghij klmno pqrst uvwxy abcde fghij klmno pqr"[:50]


def _choice() -> EngineChoice:
    return EngineChoice(family="tts", id="tone", fingerprint=registry.spec("tts", "tone").fingerprint())


def _script(*spans: tuple[float, float], duration_s: float = 20.0) -> DubScript:
    return DubScript(
        source_locale=Locale("en"),
        duration=Fraction(duration_s),
        utterances=tuple(
            Utterance(id=f"u{i:04}", speaker="A", span=Span.of_seconds(*span), text="said")
            for i, span in enumerate(spans)
        ),
    )


def _translation(*lines: str | tuple[str, ...]) -> Translation:
    wordings = [(line,) if isinstance(line, str) else line for line in lines]
    return Translation(
        locale=Locale("es"),
        route=("given",),
        lines=tuple(
            TranslatedLine(utterance_id=f"u{i:04}", text=text, alternatives=alternatives)
            for i, (text, *alternatives) in enumerate(wordings)
        ),
    )


def _cast(desk: Desk, engine: str = "tone") -> Cast:
    style = desk.open_store().put_bytes(b'{"pitch_hz": 120}', "application/json")
    voice = VoiceProfile(speaker="A", engine=engine, reference=style, style=style, is_cloned=False)
    return Cast(locale=Locale("es"), voices=(voice,))


def test_a_line_that_fits_is_said_at_its_own_tempo(desk: Desk) -> None:
    takes = speak(desk, _script((0, 3), (5, 8)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    assert [take.speed for take in takes.takes] == [1.0, 1.0]
    assert [take.duration for take in takes.takes] == [3, 3]
    samples, rate_hz = open_wav(desk.open_store().path(takes.takes[0].audio))
    assert samples.shape == (1, takes.takes[0].n_samples)
    assert rate_hz == takes.takes[0].rate_hz == 24_000


def test_too_long_for_the_slot_is_said_faster(desk: Desk) -> None:
    takes = speak(desk, _script((0, 2), (2.6, 5.6)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    assert takes.takes[0].speed == pytest.approx(3 / (2.6 * 0.98), abs=0.01)
    assert takes.takes[0].duration <= Fraction("2.6") * Fraction("0.98")
    assert takes.takes[1].speed == 1.0


def test_brisk_speech_comes_before_a_stretch(desk: Desk) -> None:
    takes = speak(desk, _script((0, 2.8), (6, 8)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    assert [take.speed for take in takes.takes] == [1.07, 1.15]


def test_tempo_stays_natural_where_nothing_fits(desk: Desk) -> None:
    takes = speak(desk, _script((0, 1), (1, 4)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    assert takes.takes[0].speed == 1.3
    assert takes.takes[0].duration > 1  # the overrun is for `fit` to tell, never chopped here


def test_too_short_is_said_slower(desk: Desk) -> None:
    takes = speak(desk, _script((0, 4), (6, 9.2)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    assert [take.speed for take in takes.takes] == [0.85, 1.0]


def test_shorter_wording_comes_before_haste(desk: Desk) -> None:
    wordings = (FIFTY, FIFTY[:20], FIFTY[:40])
    takes = speak(desk, _script((0, 2.5), (2.5, 5.5)), _translation(wordings, FIFTY), _cast(desk), _choice())
    assert takes.takes[0].text == FIFTY[:40].strip()
    assert takes.takes[0].speed == 1.0


def test_one_changed_line_is_one_new_take(desk: Desk) -> None:
    script = _script((0, 3), (5, 8), (10, 13))
    first = speak(desk, script, _translation(FIFTY, FIFTY, FIFTY), _cast(desk), _choice())
    memo = desk.open_store().root / "memo" / speak_line.name
    n_before = len(list(memo.iterdir()))
    second = speak(desk, script, _translation(FIFTY, FIFTY[::-1], FIFTY), _cast(desk), _choice())
    assert len(list(memo.iterdir())) == n_before + 1
    assert [a.audio == b.audio for a, b in zip(first.takes, second.takes, strict=True)] == [True, False, True]


def test_a_line_with_nothing_to_say_names_its_utterance(desk: Desk) -> None:
    with pytest.raises(EngineFailed, match="u0001") as raised:
        speak(desk, _script((0, 3), (5, 8)), _translation(FIFTY, "…"), _cast(desk), _choice())
    assert raised.value.utterance_id == "u0001"


def test_strangers_are_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="u0001"):
        speak(desk, _script((0, 3)), _translation(FIFTY, FIFTY), _cast(desk), _choice())
    with pytest.raises(BadInput, match="made for kokoro"):
        speak(desk, _script((0, 3)), _translation(FIFTY), _cast(desk, engine="kokoro"), _choice())
    stranger = _cast(desk).model_copy(update={"voices": ()})
    with pytest.raises(BadInput, match="no voice in the cast"):
        speak(desk, _script((0, 3)), _translation(FIFTY), stranger, _choice())


def test_a_voice_that_reads_another_script_is_given_the_text_in_it(desk: Desk) -> None:
    espeak = EngineChoice(family="tts", id="espeak", fingerprint=registry.spec("tts", "espeak").fingerprint())
    style = desk.open_store().put_bytes(b"", "application/json")
    cyrillic = speak_line(desk, "u0000", "ўзбек чойи", Locale("uz-Cyrl"), style, 1.0, espeak)
    latin = speak_line(desk, "u0000", "oʻzbek choyi", Locale("uz"), style, 1.0, espeak)
    assert cyrillic.audio == latin.audio
    assert cyrillic.text == "ўзбек чойи", "the take keeps what was to be said"


@pytest.fixture
def terse_voice(monkeypatch: pytest.MonkeyPatch) -> EngineChoice:
    """The tone voice as one that reads letters alone and tells no phoneme times."""
    tone = registry.spec("tts", "tone")
    spec = replace(tone, id="terse", capabilities={"phoneme_times": False, "reads_numbers": False})
    monkeypatch.setitem(registry.specs(), ("tts", "terse"), spec)
    return EngineChoice(family="tts", id="terse", fingerprint=spec.fingerprint())


def _aligner(version: int = 1) -> EngineChoice:
    spec = replace(registry.spec("aligner", "even"), version=version)
    return EngineChoice(family="aligner", id="even", fingerprint=spec.fingerprint())


def test_a_voice_that_tells_no_times_has_them_found(desk: Desk, terse_voice: EngineChoice) -> None:
    """The even aligner finds the times that the tone voice itself tells."""
    script, translation = _script((0, 3)), _translation(FIFTY)
    told = speak(desk, script, translation, _cast(desk), _choice(), _aligner()).takes[0]
    found = speak(desk, script, translation, _cast(desk, "terse"), terse_voice, _aligner()).takes[0]
    assert found.phonemes == told.phonemes
    assert len(found.phonemes) > 30


def test_an_aligner_counts_only_where_it_is_used(desk: Desk, terse_voice: EngineChoice) -> None:
    memo = desk.open_store().root / "memo" / speak_line.name
    script, translation = _script((0, 3)), _translation(FIFTY)
    n_lines = []
    for choice, engine in ((_choice(), "tone"), (terse_voice, "terse")):
        for version in (1, 2):
            speak(desk, script, translation, _cast(desk, engine), choice, _aligner(version))
            n_lines.append(len(list(memo.iterdir())))
    assert n_lines == [1, 1, 2, 3]


def test_numbers_are_words_for_a_voice_that_reads_letters(desk: Desk, terse_voice: EngineChoice) -> None:
    style = desk.open_store().put_bytes(b'{"pitch_hz": 120}', "application/json")
    figures = speak_line(desk, "u0000", "Tengo 3 perros", Locale("es"), style, 1.0, terse_voice)
    words = speak_line(desk, "u0000", "Tengo tres perros", Locale("es"), style, 1.0, terse_voice)
    assert figures.audio == words.audio
    assert figures.text == "Tengo 3 perros"
    assert as_read("Tengo 3 perros", Locale("es"), _choice()) == ("Tengo 3 perros", "es")


def test_a_script_that_a_voice_cannot_read_names_the_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tone = registry.spec("tts", "tone")
    scripts = {Locale("uz"): "Cyrl", Locale("tr"): "Arab"}
    monkeypatch.setitem(registry.specs(), ("tts", "tone"), replace(tone, capabilities={"scripts": scripts}))
    assert as_read("oʻzbek choyi", Locale("uz"), _choice()) == ("ўзбек чойи", "uz")
    style = desk.open_store().put_bytes(b'{"pitch_hz": 120}', "application/json")
    with pytest.raises(LanguageNotSupported, match=r"u0007.*reads tr in the script Arab"):
        speak_line(desk, "u0007", "türk çayı", Locale("tr"), style, 1.0, _choice())


def test_withheld_lines_have_no_take(desk: Desk) -> None:
    script = _script((0, 3), (5, 8), (10, 13))
    whole = _translation(FIFTY, FIFTY, FIFTY)
    held = WithheldLine(utterance_id="u0001", text="???", reason="copied")
    gap = whole.model_copy(update={"lines": (whole.lines[0], whole.lines[2]), "withheld": (held,)})
    assert [take.utterance_id for take in speak(desk, script, gap, _cast(desk), _choice()).takes] == ["u0000", "u0002"]
    nothing = whole.model_copy(update={"lines": ()})
    takes = speak(desk, script, nothing, _cast(desk), _choice())
    assert takes.takes == ()
    source = source_of(desk, np.zeros((2, 20 * 48_000), np.float32))
    timeline = fit(desk, source, script, takes)
    assert timeline.placed == ()
    assert not heard(desk, timeline.dialogue).any()


def _paused_source(level_db: float = -20.0) -> SourceProsody:
    """The first line pauses for half a second two fifths into it."""
    pause = InnerPause(span=Span.of_seconds(1.0, 1.5), share=0.4)
    line = LineProsody(utterance_id="u0000", pauses=(pause,), level_db=level_db, phrases_db=(level_db, level_db))
    return SourceProsody(lines=(line,), usual_db={"A": level_db})


def test_a_take_pauses_where_its_source_does(desk: Desk) -> None:
    script, translation = _script((0, 3), (5, 8)), _translation("abcde fghij klm, nopqr stuvw xyzab cdefg", FIFTY)
    takes = speak(desk, script, translation, _cast(desk), _choice(), None, _paused_source())
    first, second = takes.takes
    [pause] = first.pauses
    assert second.pauses == ()
    assert first.text == translation.lines[0].text
    silence = heard(desk, first.audio)[0, pause.start_sample : pause.end_sample]
    assert len(silence) > 0.4 * 24_000
    assert not silence.any()
    inside = [each for each in first.phonemes if pause.start_sample < each.end_sample <= pause.end_sample]
    assert inside == [], "the lips close in the pause"
    timeline = fit(desk, source_of(desk, np.zeros((2, 20 * 48_000), np.float32)), script, takes, _paused_source())
    placed = timeline.placed[0]
    gaps = [b.start_sample - a.end_sample for a, b in pairwise(placed.phonemes)]
    assert max(gaps) >= 0.27 * 48_000
    assert placed.end_sample <= 5 * 48_000


def test_another_pause_needs_no_other_synthesis(desk: Desk) -> None:
    script, translation = _script((0, 3)), _translation("abcde fghij klm, nopqr stuvw xyzab cdefg")
    memo = desk.open_store().root / "memo" / speak_line.name
    speak(desk, script, translation, _cast(desk), _choice(), None, _paused_source())
    n_before = len(list(memo.iterdir()))
    louder = speak(desk, script, translation, _cast(desk), _choice(), None, _paused_source(-10.0))
    assert len(list(memo.iterdir())) == n_before == 2, "one per phrase"
    assert louder.takes[0].pauses


def test_a_hurried_source_line_is_not_dawdled_over(desk: Desk) -> None:
    hurried = SourceProsody(lines=(LineProsody(utterance_id="u0000", tempo=1.3),))
    takes = speak(desk, _script((0, 4)), _translation(FIFTY), _cast(desk), _choice(), None, hurried)
    assert takes.takes[0].speed == 1.0, "0.85 in a line of usual tempo"


def test_a_question_rises_where_the_voice_lets_it_fall(desk: Desk) -> None:
    asking = SourceProsody(lines=(LineProsody(utterance_id="u0000", asks=True),))
    espeak = EngineChoice(family="tts", id="espeak", fingerprint=registry.spec("tts", "espeak").fingerprint())
    style = desk.open_store().put_bytes(b"", "application/json")
    voice = VoiceProfile(speaker="A", engine="espeak", reference=style, style=style, is_cloned=False)
    cast = Cast(locale=Locale("es"), voices=(voice,))
    ends = []
    for prosody in (SourceProsody(), asking):
        [take] = speak(desk, _script((0, 2)), _translation("Te gusta mucho la casa"), cast, espeak, None, prosody).takes
        ends.append(final_rise_st(heard(desk, take.audio)[0], take.rate_hz))
    assert None not in ends
    assert ends[0] < 0 < 2 < ends[1]
