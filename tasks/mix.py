"""mix: one locale's dub over the source's own sounds, at the target loudness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dub import progress
from dub.ducking import Mask, bed_gains, dialogue_gains, frames_in, frames_of, sounding, spoken_spans, widened
from dub.levels import (
    FRAME_SAMPLES,
    SILENCE_DB,
    Curve,
    active_db,
    blocks,
    decibels,
    gain_of_db,
    over_samples,
    power_curve,
)
from dub.loudness import NOTHING_LUFS, limited, limiter_gains, loudness_lufs, true_peak_db, true_peaks
from dub.mix import Mix
from dub.prosody import NOTHING_MEASURED, SourceProsody
from dub.script import DubScript, PlacedTake, Timeline
from dub.source import Source, Stems
from dub.speech_activity import levels_db, speech_islands
from dub.stage import Desk, stage
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ
from dub.wav import BLOCK_SAMPLES, WAV, Samples, WavWriter, let_go, open_wav

TRUE_PEAK_LIMIT_DB = -1.0
_CEILING_DB = -1.2
"""What the limiter keeps to: four-fold oversampling misses up to some tenths of a dB between its points."""

_NEAR_ENOUGH_LU = 0.1
_N_PASSES = 4
_UTMOST_GAIN_DB = 40.0
_UTMOST_SPEAKER_GAIN_DB = 30.0

_USUAL_SPEECH_DB = -24.0
"""Level of a speaker whom the source does not let hear: a script read over a silent picture."""

_HEARABLE_DB = -75.0
_MARGIN_S = 0.1
_STEPS = 5


@stage(version=3)
def mix(
    desk: Desk,
    source: Source,
    stems: Stems,
    script: DubScript,
    timeline: Timeline,
    target_lufs: float,
    prosody: SourceProsody = NOTHING_MEASURED,
) -> Mix:
    """Sum the dub, the bed and the source's own non-speech sounds; set the loudness; limit the true peak.

    Each speaker's takes are brought to the level that the source's speaker has on the dialogue stem; where `prosody`
    was measured, each line to its own line's level, within 6 dB of the speaker's usual. The bed is ducked and the
    dialogue stem silenced as dub/ducking.py says. One static gain brings the sum to `target_lufs`, measured, applied,
    limited to -1 dBTP and measured again. As long as the programme, to the sample; memory does not grow with length.
    """
    store = desk.open_store()
    dialogue, bed = (open_wav(store.path(stem))[0] for stem in (stems.dialogue, stems.bed))
    with store.scratch() as folder:
        background = _background(store, dialogue, bed, script, timeline, prosody)
        progress.report(1, _STEPS)
        takes = [
            _Voiced(take, store.path(take.audio), background.gains_db[take.utterance_id]) for take in timeline.placed
        ]
        speech_to_bed_db = _sum(folder, background, takes, dialogue, bed)
        progress.report(2, _STEPS)
        finished, lufs, gain_db, limited_db = _at_loudness(folder, folder / "sum.wav", target_lufs)
        progress.report(_STEPS - 1, _STEPS)
        bed_lufs = loudness_lufs(folder / "rest.wav")
        return Mix(
            locale=timeline.locale,
            target_lufs=target_lufs,
            lufs=lufs,
            true_peak_db=true_peak_db(open_wav(finished)[0]),
            gain_db=gain_db,
            limited_db=limited_db,
            speaker_gain_db=background.speaker_gain_db,
            bed_lufs=max(NOTHING_LUFS, bed_lufs + gain_db) if bed_lufs > NOTHING_LUFS else NOTHING_LUFS,
            speech_to_bed_db=speech_to_bed_db,
            audio=store.put(finished, WAV),
        )


@dataclass(frozen=True)
class _Background:
    """Gains over time, one per hundredth of a second, and those of each take, by its utterance."""

    bed: Curve
    dialogue: Curve
    in_dub: Mask
    gains_db: dict[str, float]
    speaker_gain_db: dict[str, float]


class _Voiced:
    """A placed take at its level, added to the blocks it reaches into."""

    def __init__(self, take: PlacedTake, path: Path, gain_db: float) -> None:
        self.start, self.end, self._path = take.start_sample, take.end_sample, path
        self._gain = np.float32(gain_of_db(gain_db))

    def add_to(self, block: Samples, start: int) -> None:
        first, last = max(start, self.start), min(start + block.shape[1], self.end)
        if first < last:
            samples, _ = open_wav(self._path)
            block[:, first - start : last - start] += self._gain * samples[:, first - self.start : last - self.start]


def _background(
    store: Store, dialogue: Samples, bed: Samples, script: DubScript, timeline: Timeline, prosody: SourceProsody
) -> _Background:
    bed_power, dialogue_power = power_curve(bed), power_curve(dialogue)
    n_frames = len(bed_power)
    powers = {take.utterance_id: power_curve(open_wav(store.path(take.audio))[0]) for take in timeline.placed}
    gains_db, speaker_gain_db = _gains_db(script, timeline, prosody, dialogue_power, bed_power, powers)
    dub_power = np.zeros(n_frames)
    for take in timeline.placed:
        first, power = take.start_sample // FRAME_SAMPLES, powers[take.utterance_id]
        room = dub_power[first : first + len(power)]
        room += power[: len(room)] * gain_of_db(gains_db[take.utterance_id]) ** 2
    in_dub = sounding(dub_power)
    islands = speech_islands(levels_db((block[0] for block in blocks(dialogue)), MASTER_RATE_HZ))
    spoken = spoken_spans(script, islands, prosody)
    in_source = frames_of(spoken, n_frames, _MARGIN_S)
    beside = [island for island in islands if not in_source[frames_in(island)].any()]
    pauses = frames_of((pause.span for line in prosody.lines for pause in line.pauses), n_frames)
    return _Background(
        bed=bed_gains(bed_power, in_source, dub_power, in_dub, pauses),
        dialogue=dialogue_gains(in_source, widened(in_dub, _MARGIN_S), frames_of(beside, n_frames)),
        in_dub=in_dub,
        gains_db=gains_db,
        speaker_gain_db=speaker_gain_db,
    )


def _gains_db(
    script: DubScript,
    timeline: Timeline,
    prosody: SourceProsody,
    dialogue_power: Curve,
    bed_power: Curve,
    powers: dict[str, Curve],
) -> tuple[dict[str, float], dict[str, float]]:
    """What brings each take to its level, and each speaker's takes together to theirs."""
    lines, speakers = {}, {}
    for speaker in dict.fromkeys(take.speaker for take in timeline.placed):
        takes = [take.utterance_id for take in timeline.placed if take.speaker == speaker]
        theirs = [utterance.span for utterance in script.utterances if utterance.speaker == speaker]
        said = active_db(dialogue_power[frames_of(theirs, len(dialogue_power))])
        together = np.concatenate([powers[take] for take in takes])
        speakers[speaker] = _speaker_gain_db(said, active_db(together), bed_power)
        usual_db = prosody.usual_db.get(speaker)
        for take in takes:
            own_db = active_db(powers[take])
            if usual_db is None or usual_db < _HEARABLE_DB or own_db is None:
                lines[take] = speakers[speaker]
            else:
                wanted = usual_db + prosody.offset_db(take, speaker) - own_db
                lines[take] = min(max(wanted, -_UTMOST_SPEAKER_GAIN_DB), _UTMOST_SPEAKER_GAIN_DB)
        after = active_db(np.concatenate([powers[take] * gain_of_db(lines[take]) ** 2 for take in takes]))
        before = active_db(together)
        if after is not None and before is not None:
            speakers[speaker] = after - before
    return lines, speakers


def _speaker_gain_db(source_db: float | None, dub_db: float | None, bed_power: Curve) -> float:
    """From the takes' own level to the source speaker's; over the bed where the source's is not to be heard."""
    if dub_db is None:
        return 0.0
    if source_db is None or source_db < _HEARABLE_DB:
        bed_db = float(np.median(decibels(bed_power))) if bed_power.size else SILENCE_DB
        source_db = max(_USUAL_SPEECH_DB, bed_db)
    return min(max(source_db - dub_db, -_UTMOST_SPEAKER_GAIN_DB), _UTMOST_SPEAKER_GAIN_DB)


def _sum(folder: Path, background: _Background, takes: list[_Voiced], dialogue: Samples, bed: Samples) -> float | None:
    """Write `sum.wav`, all together, and `rest.wav`, all but the dub. Returns the dub's level over the rest, in dB,
    while it speaks."""
    dub_energy = rest_energy = 0.0
    stereo = MASTER_RATE_HZ, 2
    with WavWriter(folder / "sum.wav", *stereo) as whole, WavWriter(folder / "rest.wav", *stereo) as rest:
        for start in range(0, bed.shape[1], BLOCK_SAMPLES):
            source_bed = np.array(bed[:, start : start + BLOCK_SAMPLES])
            n = source_bed.shape[1]
            kept = source_bed * over_samples(background.bed, start, n)
            kept += dialogue[:, start : start + n] * over_samples(background.dialogue, start, n)
            dub = np.zeros((1, n), np.float32)
            for take in takes:
                take.add_to(dub, start)
            let_go(bed)
            let_go(dialogue)
            rest.write(kept)
            whole.write(kept + dub)
            first = start // FRAME_SAMPLES
            speaks = background.in_dub[first : first + -(-n // FRAME_SAMPLES)]
            dub_energy += float(power_curve(dub)[speaks].sum())
            rest_energy += float(power_curve(kept)[speaks].sum())
    if not dub_energy:
        return None
    return float(10 * np.log10(dub_energy / max(rest_energy, dub_energy * 10 ** (SILENCE_DB / 10))))


def _at_loudness(folder: Path, summed: Path, target_lufs: float) -> tuple[Path, float, float, float]:
    """The sum at its target loudness under the peak limit: (file, its LUFS, gain in dB, the limiter's deepest cut).

    Limiting takes loudness away, so the gain is corrected by what was measured until it is near enough.
    """
    sound, _ = open_wav(summed)
    peaks = true_peaks(sound)
    before = loudness_lufs(summed)
    gain_db = 0.0 if before <= NOTHING_LUFS else min(target_lufs - before, _UTMOST_GAIN_DB)
    finished = folder / "mix.wav"
    for _ in range(_N_PASSES):
        gain = gain_of_db(gain_db)
        gains = limiter_gains(peaks * np.float32(gain), gain_of_db(_CEILING_DB))
        deepest_db = float(20 * np.log10(gains.min())) if gains.size else 0.0
        with WavWriter(finished, MASTER_RATE_HZ, 2) as file:
            for block in blocks(sound):
                file.write(limited(block * np.float32(gain), gains, file.n_samples))
        lufs = loudness_lufs(finished)
        missing = target_lufs - lufs
        if deepest_db == 0.0 or abs(missing) <= _NEAR_ENOUGH_LU or gain_db >= _UTMOST_GAIN_DB:
            break
        gain_db = min(gain_db + missing, _UTMOST_GAIN_DB)
    return finished, lufs, gain_db, deepest_db
