"""The mix: at its loudness, under its peak, with the source's own sounds where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from dub.levels import active_db, power_curve
from dub.mix import Mix
from dub.prosody import NOTHING_MEASURED, InnerPause, LineProsody, SourceProsody
from dub.stage import Desk
from dub.timecode import Span
from dub.wav import Samples
from tasks.fit import fit
from tasks.mix import mix
from tests.clips import level_db, speechlike
from tests.tasks.sound import heard, script_of, source_of, stems_of, takes_of

END_S = 8
N = END_S * 48_000
LINES = [("s1", 1.0, 3.0), ("s1", 5.0, 6.5)]


def tone(frequency_hz: float, level: float, start_s: float = 0.0, end_s: float = END_S) -> Samples:
    t = np.arange(N) / 48_000
    sounds = (t >= start_s) & (t < end_s)
    return np.where(sounds, level * np.sin(2 * np.pi * frequency_hz * t), 0).astype(np.float32)[None]


def tone_level_db(sound: Samples, frequency_hz: float, start_s: float, end_s: float) -> float:
    """Level of one frequency within a stretch."""
    part = sound[0, round(start_s * 48_000) : round(end_s * 48_000)]
    phase = np.exp(-2j * np.pi * frequency_hz * np.arange(len(part)) / 48_000)
    return float(20 * np.log10(np.abs((part * phase).mean()) * 2**0.5 + 1e-12))


def mixed(
    desk: Desk,
    *,
    dialogue: Samples,
    bed: Samples,
    takes: list[Samples],
    lines: list[tuple[str, float, float]] = LINES,
    target_lufs: float = -16.0,
    prosody: SourceProsody = NOTHING_MEASURED,
) -> tuple[Mix, Samples]:
    source = source_of(desk, bed + dialogue)
    script = script_of(lines, END_S)
    timeline = fit(desk, source, script, takes_of(desk, takes, 48_000))
    made = mix(desk, source, stems_of(desk, dialogue, bed), script, timeline, target_lufs, prosody)
    return made, heard(desk, made.audio)


def spoken(lines: list[tuple[str, float, float]] = LINES, gain: float = 1.0) -> Samples:
    """Something like the source's speech on its lines."""
    sound = np.zeros((1, N), np.float32)
    for _, start, end in lines:
        first, last = round(start * 48_000), round(end * 48_000)
        sound[:, first:last] = gain * speechlike(end - start)
    return sound


def noise(level: float) -> Samples:
    return (level * np.random.default_rng(5).standard_normal((2, N))).astype(np.float32)


@pytest.mark.parametrize("target_lufs", [-14.0, -23.0])
@pytest.mark.parametrize("source_gain_db", [0, -36])
def test_loudness_and_peak(desk: Desk, target_lufs: float, source_gain_db: float) -> None:
    gain = np.float32(10 ** (source_gain_db / 20))
    takes = [speechlike(2.0, pitch_hz=200), speechlike(1.5, pitch_hz=210)]
    made, sound = mixed(desk, dialogue=spoken() * gain, bed=noise(0.003) * gain, takes=takes, target_lufs=target_lufs)
    assert sound.shape == (2, N), "as long as the programme, to the sample"
    assert abs(made.lufs - target_lufs) < 0.2
    assert made.true_peak_db <= -1
    assert made.speech_to_bed_db is not None
    assert made.speech_to_bed_db > 12


def test_peaks_are_limited_without_losing_loudness(desk: Desk) -> None:
    takes = [speechlike(2.0), speechlike(1.5)]
    for take in takes:
        take[0, ::9600] = 3.0
    made, sound = mixed(desk, dialogue=spoken(), bed=noise(0.003), takes=takes, target_lufs=-14)
    assert made.limited_db < -3, "there was something to limit"
    assert made.true_peak_db <= -1
    assert np.abs(sound).max() <= 10 ** (-1 / 20)
    assert abs(made.lufs + 14) < 0.2


def test_each_speaker_keeps_the_level_of_the_source(desk: Desk) -> None:
    lines = [("near", 1.0, 3.0), ("far", 5.0, 7.0)]
    dialogue = spoken(lines[:1], 0.8) + spoken(lines[1:], 0.2)
    takes = [speechlike(2.0, seed=7) * np.float32(0.3), speechlike(2.0, seed=8)]
    made, sound = mixed(desk, dialogue=dialogue, bed=noise(1e-4), takes=takes, lines=lines)
    near, far = (level_db(sound[:, second * 48_000 : (second + 2) * 48_000]) for second in (1, 5))
    assert abs((near - far) - 20 * np.log10(4)) < 1.0
    assert abs(made.speaker_gain_db["near"] - 20 * np.log10(0.8 / 0.3)) < 1.0
    assert abs(made.speaker_gain_db["far"] - 20 * np.log10(0.2)) < 1.0


def test_the_source_is_silenced_on_its_lines_and_laughs_stay(desk: Desk) -> None:
    said = tone(500, 0.2, 1, 3) + tone(500, 0.2, 5, 6.5)
    laugh = tone(700, 0.1, 3.6, 4.4)
    takes = [tone(900, 0.2, 0, 2)[:, :96_000], tone(900, 0.2, 0, 1.5)[:, :72_000]]
    made, sound = mixed(desk, dialogue=said + laugh, bed=noise(1e-4), takes=takes)
    assert tone_level_db(sound, 900, 1.2, 2.8) > -30
    assert tone_level_db(sound, 500, 1.0, 3.0) < tone_level_db(sound, 900, 1.2, 2.8) - 60, "no source speech is left"
    assert abs(tone_level_db(sound, 700, 3.8, 4.2) - (tone_level_db(laugh, 700, 3.8, 4.2) + made.gain_db)) < 0.1


def test_the_bed_stays_stereo_and_untouched_where_nobody_speaks(desk: Desk) -> None:
    bed = np.concatenate([tone(300, 0.02), tone(400, 0.05)])
    bed += noise(1e-4)
    made, sound = mixed(desk, dialogue=spoken(), bed=bed, takes=[speechlike(2.0), speechlike(1.5)])
    gain = np.float32(10 ** (made.gain_db / 20))
    free = slice(round(3.5 * 48_000), round(4.5 * 48_000))
    assert np.allclose(sound[:, free], gain * bed[:, free], atol=1e-5)


def test_speech_left_in_the_bed_goes_down_under_the_dub(desk: Desk) -> None:
    left_over = tone(500, 0.01, 1, 3) + tone(500, 0.01, 5, 6.5)
    bed = noise(0.0005) + left_over
    made, sound = mixed(desk, dialogue=spoken(), bed=bed, takes=[speechlike(2.0), speechlike(1.5)])
    before = tone_level_db(left_over, 500, 1.2, 2.8) + made.gain_db
    assert tone_level_db(sound, 500, 1.2, 2.8) < before - 12


def test_a_script_over_a_silent_picture(desk: Desk) -> None:
    silence = np.zeros((2, N), np.float32)
    made, sound = mixed(desk, dialogue=silence[:1], bed=silence, takes=[speechlike(2.0), speechlike(1.5)])
    assert abs(made.lufs + 16) < 0.2
    assert made.bed_lufs == -70
    assert not sound[:, :40_000].any()


def test_nothing_said_and_nothing_heard_is_silence(desk: Desk) -> None:
    silence = np.zeros((2, N), np.float32)
    made, sound = mixed(desk, dialogue=silence[:1], bed=silence, takes=[])
    assert (made.lufs, made.true_peak_db, made.gain_db, made.speech_to_bed_db) == (-70, -120, 0, None)
    assert not sound.any()


def test_music_without_speech_keeps_its_balance(desk: Desk) -> None:
    nobody = np.zeros((1, N), np.float32)
    made, _ = mixed(desk, dialogue=nobody, bed=noise(0.05), takes=[speechlike(2.0), speechlike(1.5)])
    assert made.speech_to_bed_db is not None
    assert 9 < made.speech_to_bed_db < 20, "the music is ducked under a voice that the source does not have"


def test_the_same_inputs_give_the_same_bytes(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    digests = set()
    for name in ("one", "two"):
        own = Desk(store=str(tmp_path_factory.mktemp(name)))
        made, _ = mixed(own, dialogue=spoken(), bed=noise(0.003), takes=[speechlike(2.3), speechlike(1.5)])
        digests.add(made.audio.sha256)
    assert len(digests) == 1


def measured(
    levels_db: dict[str, float],
    usual_db: dict[str, float],
    *pauses: tuple[str, float, float],
    laugh: Span | None = None,
) -> SourceProsody:
    lines = [
        LineProsody(
            utterance_id=line,
            level_db=level,
            pauses=tuple(InnerPause(span=Span.of_seconds(*span), share=0.5) for id_, *span in pauses if id_ == line),
        )
        for line, level in levels_db.items()
    ]
    return SourceProsody(lines=tuple(lines), usual_db=usual_db, sounds=(laugh,) if laugh else ())


def test_a_shouted_line_is_louder_and_a_whisper_softer(desk: Desk) -> None:
    lines = [("s1", 1.0, 2.0), ("s1", 3.0, 4.0), ("s1", 5.0, 6.0), ("s1", 7.0, 8.0)]
    takes = [speechlike(1.0) * np.float32(gain) for gain in (0.5, 1.0, 1.0, 0.7)]
    how = measured({"u0001": -20, "u0002": -16, "u0003": -20, "u0004": -40}, {"s1": -20})
    _, sound = mixed(desk, dialogue=spoken(lines), bed=noise(1e-5), takes=takes, lines=lines, prosody=how)
    usual, shout, again, whisper = (level_db(sound[:, s * 48_000 : (s + 1) * 48_000]) for s in (1, 3, 5, 7))
    assert abs(shout - usual - 4) < 0.3
    assert abs(again - usual) < 0.3, "whatever the voice made of it"
    assert abs(whisper - usual + 6) < 0.3, "within six decibels"


def test_two_speakers_stay_as_loud_against_each_other(desk: Desk) -> None:
    lines = [("near", 1.0, 3.0), ("far", 5.0, 7.0)]
    dialogue = spoken(lines[:1], 0.8) + spoken(lines[1:], 0.2)
    source_db = [active_db(power_curve(dialogue[:, s * 48_000 : (s + 2) * 48_000])) or 0.0 for s in (1, 5)]
    usual = {"near": source_db[0], "far": source_db[1]}
    how = measured({"u0001": source_db[0], "u0002": source_db[1]}, usual)
    takes = [speechlike(2.0, seed=7) * np.float32(0.3), speechlike(2.0, seed=8)]
    made, sound = mixed(desk, dialogue=dialogue, bed=noise(1e-4), takes=takes, lines=lines, prosody=how)
    near, far = (level_db(sound[:, s * 48_000 : (s + 2) * 48_000]) for s in (1, 5))
    assert abs((near - far) - (source_db[0] - source_db[1])) < 1.0
    assert abs(made.speaker_gain_db["far"] - 20 * np.log10(0.2)) < 1.0


@pytest.mark.parametrize("stem", ["dialogue", "bed"])
def test_a_laugh_inside_a_line_is_kept_where_the_dub_pauses(desk: Desk, stem: str) -> None:
    """Separation puts voiced laughs on the dialogue stem, breathy ones on the bed."""
    lines = [("s1", 1.0, 5.0)]
    said = tone(500, 0.2, 1, 2) + tone(500, 0.2, 4, 5)
    bursts = sum(tone(700, 0.1, start, start + 0.12) for start in (2.4, 2.6, 2.8, 3.0))
    take = np.concatenate([tone(900, 0.2, 0, 1)[:, :48_000], np.zeros((1, 96_000), np.float32)], axis=1)
    take = np.concatenate([take, tone(900, 0.2, 0, 1)[:, :48_000]], axis=1)
    pause = ("u0001", 2.0, 4.0)
    how = measured({"u0001": -20}, {"s1": -20}, pause, laugh=Span.of_seconds(2.4, 3.12))
    dialogue, bed = (said + bursts, noise(1e-4)) if stem == "dialogue" else (said, noise(1e-4) + bursts)

    def laugh_db(prosody: SourceProsody) -> float:
        made, sound = mixed(desk, dialogue=dialogue, bed=bed, takes=[take], lines=lines, prosody=prosody)
        return tone_level_db(sound, 700, 2.4, 3.1) - tone_level_db(bursts, 700, 2.4, 3.1) - made.gain_db

    assert abs(laugh_db(how)) < 0.5, "at its own level"
    assert laugh_db(SourceProsody()) < -6, "lost where the pause was not measured"


def test_a_laugh_that_the_dub_speaks_over_is_not_doubled(desk: Desk) -> None:
    lines = [("s1", 1.0, 5.0)]
    said, laugh = tone(500, 0.2, 1, 2) + tone(500, 0.2, 4, 5), tone(700, 0.1, 2.4, 3.1)
    how = measured({"u0001": -20}, {"s1": -20}, ("u0001", 2.0, 4.0), laugh=Span.of_seconds(2.4, 3.1))
    take = tone(900, 0.2, 0, 4)[:, :192_000]
    made, sound = mixed(desk, dialogue=said + laugh, bed=noise(1e-4), takes=[take], lines=lines, prosody=how)
    assert tone_level_db(sound, 700, 2.5, 3.0) < tone_level_db(laugh, 700, 2.5, 3.0) + made.gain_db - 40
