"""The review's meters: voice, speech quality, loudness, length, and whether sound and picture are in step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.artifact import Artifact, Record
from dub.cast import Cast
from dub.check_defects import check_defects
from dub.check_layers import Piece, check_layers, layers_of
from dub.check_sound import (
    FOUND_CORRELATION,
    SpeakerMatch,
    check_as_cast,
    check_length,
    check_level,
    check_offset,
    check_voice,
    sound_offset_s,
)
from dub.finding import Finding, Level
from dub.gates import Gates, not_measured
from dub.loudness import loudness_lufs, true_peak_db
from dub.measured import Measured
from dub.media import audio_stream, command, opened, probe, read_audio, run_tool
from dub.mix import Dub, Mix
from dub.script import DubScript, Timeline
from dub.source import Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ, sample_at
from dub.video_facts import video_facts
from dub.wav import open_wav
from engines import registry
from engines.speech_quality.contract import SpeechQuality

OFFSET_RATE_HZ = 16_000
MAX_OFFSET_SPEECH_S = 300
MAX_JUDGED_S = 60
"""Speech given to the judges of voice and quality: more changes their numbers by less than they differ anyway."""


class ReferenceVoice(Record):
    """A speaker's reference as one encoder hears it: unit length."""

    embedding: tuple[float, ...]


@stage(version=1)
def reference_voice(desk: Desk, reference: Artifact, encoder: EngineChoice) -> ReferenceVoice:
    """Once per source, not once per locale. Raises ValueError for a reference too short or silent."""
    path = desk.open_store().path(reference)
    samples = read_audio(path, MASTER_RATE_HZ, 1, most_s=MAX_JUDGED_S)[0]
    embedding = registry.load("speaker", encoder.id, **encoder.options).embed(samples, MASTER_RATE_HZ)
    return ReferenceVoice(embedding=tuple(float(value) for value in embedding))


class RatedSpeech(Record):
    """Speech as a quality judge rates it, 1..5; None where there is too little of it, and `why`."""

    overall: float | None = None
    signal: float | None = None
    background: float | None = None
    why: str = ""


@stage(version=1)
def source_quality(desk: Desk, stems: Stems, script: DubScript, judge: EngineChoice) -> RatedSpeech:
    """Once per source: what every locale's speech is held against."""
    original, _ = open_wav(desk.open_store().path(stems.dialogue))
    lines = (original[0, sample_at(line.span.start) : sample_at(line.span.end)] for line in script.utterances)
    return _rated(lines, judge)


@stage(version=1)
def takes_quality(desk: Desk, takes: tuple[Artifact, ...], judge: EngineChoice) -> RatedSpeech:
    """Once per wording: a review of the same takes in another mix or picture asks no network again."""
    store = desk.open_store()
    return _rated((open_wav(store.path(take))[0][0] for take in takes), judge)


def _rated(pieces: Iterable[npt.NDArray[np.float32]], judge: EngineChoice) -> RatedSpeech:
    try:
        rated: SpeechQuality = registry.load("speech_quality", judge.id, **judge.options).judge(
            np.clip(joined_speech(pieces), -1, 1), MASTER_RATE_HZ
        )
    except ValueError as error:
        return RatedSpeech(why=str(error))
    return RatedSpeech(overall=rated.overall, signal=rated.signal, background=rated.background)


def judge_voices(
    found: Measured, desk: Desk, cast: Cast, timeline: Timeline, encoders: tuple[EngineChoice, ...]
) -> None:
    """Whose voice is it: the takes as placed against the speaker's reference, by every encoder of the plan.

    The first encoder of a plan is the one that fits voices; any further one is an independent judge.
    """
    store = desk.open_store()
    matches: list[SpeakerMatch] = []
    for voice in cast.voices:
        own = [take for take in timeline.placed if take.speaker == voice.speaker]
        if not own:
            continue
        if voice.is_chosen:
            message = f"{voice.speaker} does not speak in their own voice, as the cast asks: {voice.made_of}."
            found.findings.append(Finding(level=Level.OK, check="speaker_similarity", message=message))
            continue
        spoken = joined_speech(open_wav(store.path(take.audio))[0][0] for take in own)
        for place, choice in enumerate(encoders):
            encoder = registry.load("speaker", choice.id, **choice.options)
            try:
                wanted = np.array(reference_voice(desk, voice.reference, choice).embedding, np.float32)
                similarity = float(wanted @ encoder.embed(spoken, MASTER_RATE_HZ))
            except ValueError:
                continue  # too short or silent: a speaker without any match is said by check_voice
            threshold = encoder.same_speaker_threshold
            same = voice.similarity.get(f"{choice.id} same speaker")
            # An encoder that had no part in the fit heard it once, of a sample: its numbers differ more.
            when_cast = voice.similarity.get(choice.id) if place == 0 else None
            matches.append(SpeakerMatch(voice.speaker, choice.id, similarity, threshold, place > 0, same, when_cast))
            found.metrics[f"similarity, {voice.speaker}, {choice.id}"] = similarity
    speakers = {take.speaker for take in timeline.placed} - {voice.speaker for voice in cast.voices if voice.is_chosen}
    for speaker in sorted(speakers - {match.speaker for match in matches}):
        why = f"{speaker} says too little, or has no reference, to tell the voice by"
        found.findings.append(not_measured("speaker_similarity", why, matters=True))
    if matches:
        found.findings += check_voice(
            tuple(matches), tuple(voice.speaker for voice in cast.voices if not voice.is_cloned)
        )
        found.findings += check_as_cast(tuple(matches), found.gates)
    judged = [match.similarity for match in matches if match.is_unseen] or [match.similarity for match in matches]
    found.metrics["speaker_similarity"] = min(judged, default=None)


def judge_quality(
    found: Measured, desk: Desk, script: DubScript | None, stems: Stems, timeline: Timeline, choice: EngineChoice
) -> None:
    """How good the dub's speech sounds, beside the source's own. `stems`: the source's; `script` None: there is none
    to stand beside."""
    rated = {"speech_quality": takes_quality(desk, tuple(take.audio for take in timeline.placed), choice)}
    if script is not None:
        rated["source_speech_quality"] = source_quality(desk, stems, script, choice)
    if rated["speech_quality"].overall is None:
        found.findings.append(not_measured("speech_quality", rated["speech_quality"].why, matters=True))
    for name, quality in rated.items():
        if quality.overall is not None:  # a silent source has no quality to stand beside
            found.metrics[name] = quality.overall
            found.metrics[f"{name}, signal"] = quality.signal
            found.metrics[f"{name}, background"] = quality.background
    score, before = (found.metrics.get(name) for name in ("speech_quality", "source_speech_quality"))
    if isinstance(score, float):
        beside = f"; the source's own speech: {before:.2f}" if isinstance(before, float) else ""
        found.findings.append(
            found.gates.finding(
                "speech_quality",
                score,
                f"The dub's speech is rated {score:.2f} of 5{beside}.",
                todo="It sounds robotic, noisy or distorted: listen, and consider another voice.",
            )
        )


@dataclass(frozen=True)
class SaidBefore:
    """What the source says, where, and the sound of it."""

    stems: Stems
    script: DubScript


def measure_file(
    found: Measured,
    store: Store,
    source: Source,
    timeline: Timeline,
    mix: Mix,
    dub: Dub,
    said: SaidBefore | None = None,
) -> VideoFacts:
    """Decode the finished file and measure it, whatever the stages that made it say. `said`: the source's own speech on
    the dub's clock, None where there is none."""
    facts = video_facts(store.path(dub.video))
    expected, heard = (
        read_audio(store.path(artifact), OFFSET_RATE_HZ, 1, most_s=MAX_OFFSET_SPEECH_S)[0]
        for artifact in (timeline.dialogue, dub.video)
    )
    offset_s, correlation = sound_offset_s(heard, expected, OFFSET_RATE_HZ)
    with sound_track(store, dub.video, facts) as track:
        measure_sound_track(found, store, source, facts, track, mix.target_lufs)
        if correlation >= FOUND_CORRELATION:
            _tell_layers(found, store, open_wav(track)[0], timeline, said, round(offset_s * MASTER_RATE_HZ))
    if timeline.placed:
        found.findings.append(check_offset(offset_s, correlation, found.gates))
    found.metrics |= {
        "mix_loudness_lufs": mix.lufs,
        "mix_true_peak_db": mix.true_peak_db,
        "speech_to_bed_db": mix.speech_to_bed_db,
        "sound_offset_ms": 1000 * offset_s,
        "sound_correlation": correlation,
    }
    return facts


@contextmanager
def sound_track(store: Store, video: Artifact, facts: VideoFacts) -> Iterator[Path]:
    """A file's default sound track, which it must have, decoded to a 48 kHz WAV."""
    path = store.path(video)
    default = audio_stream(probe(path)["streams"])
    assert default is not None
    with store.scratch() as folder:
        track = folder / "sound.wav"
        stream = opened(path)[str(default["index"])]
        decoded = stream.output(f"file:{track}", acodec="pcm_f32le", ar=MASTER_RATE_HZ, rf64="auto")
        run_tool(command(decoded), deadline_s=60 + float(facts.duration))
        yield track


def measure_sound_track(
    found: Measured, store: Store, source: Source | None, facts: VideoFacts, track: Path, target_lufs: float
) -> None:
    """A file's sound (`track`): its level, clipping and length; with a source also holes and the frames' number.
    `facts`: of the file."""
    sound = open_wav(track)[0]
    sound_s, picture_s = sound.shape[1] / MASTER_RATE_HZ, float(facts.duration)
    lufs, peak_db = loudness_lufs(track), true_peak_db(sound)
    before = open_wav(store.path(source.programme))[0] if source else sound[:, :0]
    defects = check_defects(sound, before, MASTER_RATE_HZ, found.gates)
    n_frames = source.video.n_frames if source else facts.n_frames
    frame_s = float(1 / facts.frame_rate)
    frames, *ends = check_length(facts.n_frames, n_frames, sound_s, picture_s, frame_s, found.gates)
    if source and source.video.frame_rate != facts.frame_rate:
        frames = _length_in_time(source.video, facts, found.gates)
    found.findings += [finding for finding in defects if source or finding.check != "sound_holes"]
    found.findings += [*check_level(target_lufs, lufs, peak_db, found.gates), *([frames] if source else []), *ends]
    found.metrics |= {
        "loudness_lufs": lufs,
        "target_lufs": target_lufs,
        "true_peak_db": peak_db,
        "n_frames": facts.n_frames,
        "n_source_frames": source.video.n_frames if source else None,
        "sound_duration_s": sound_s,
    }


def _length_in_time(source: VideoFacts, facts: VideoFacts, gates: Gates) -> Finding:
    """The picture's length against the source's where their frames cannot be counted against one another."""
    return gates.finding(
        "duration_error",
        float(abs(facts.duration - source.duration) * source.frame_rate),
        f"The picture lasts {float(facts.duration):.3f} s at {float(facts.frame_rate):.5g} frames a second, the source "
        f"{float(source.duration):.3f} s at {float(source.frame_rate):.5g}.",
        todo="Subtitles and cuts no longer match: this must not be published.",
    )


def _tell_layers(
    found: Measured,
    store: Store,
    sound: npt.NDArray[np.float32],
    timeline: Timeline,
    said: SaidBefore | None,
    late_by: int,
) -> None:
    """`sound`: the finished file's, `late_by` samples after the timeline."""
    takes = (
        Piece(take.utterance_id, take.start_sample + late_by, open_wav(store.path(take.audio))[0][0, : take.n_samples])
        for take in timeline.placed
    )
    spoken, voice = [], sound
    if said is not None:
        spoken = [(sample_at(line.span.start), sample_at(line.span.end)) for line in said.script.utterances]
        voice = open_wav(store.path(said.stems.dialogue))[0]
    layers = layers_of(sound, takes, voice, spoken, MASTER_RATE_HZ)
    found.findings += check_layers(layers, found.gates)
    found.metrics |= {"speech_over_rest_db": layers.voice_over_rest, "source_voice_db": layers.source_voice}


def joined_speech(pieces: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Mono pieces end to end, at most MAX_JUDGED_S of them, at 48 kHz."""
    held, n_held = [np.zeros(0, np.float32)], 0
    for piece in pieces:
        if n_held >= MAX_JUDGED_S * MASTER_RATE_HZ:
            break
        held.append(np.asarray(piece, np.float32))
        n_held += len(piece)
    return np.concatenate(held)
