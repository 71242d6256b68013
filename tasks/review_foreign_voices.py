"""Whose voice a foreign dub speaks in: its speech over each source speaker's lines beside that speaker's own."""

from __future__ import annotations

import numpy as np

from dub.artifact import Artifact
from dub.check_heard import HeardMatch, check_heard_voices
from dub.foreign_dub import DubbedFrom
from dub.gates import not_measured
from dub.measured import Measured
from dub.script import Timeline
from dub.stage import Desk, EngineChoice
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ
from dub.voice_reference import reference_of, spans_alone
from dub.wav import WAV, Samples, open_wav, write_wav
from engines import registry
from engines.speaker.contract import SpeakerEncoder
from tasks.review_sound import joined_speech, reference_voice

LEAST_HALVED_S = 3.0
"""Less of a speaker's own speech is not told from itself: encoders need 1.5 s of either half."""


def judge_heard_voices(
    found: Measured, desk: Desk, of: DubbedFrom, said: Timeline, encoders: tuple[EngineChoice, ...]
) -> None:
    """By every encoder of the plan. As `polydub dub` does, the last one gives the number that the overview shows."""
    store = desk.open_store()
    speaker_of = {line.id: line.speaker for line in of.script.utterances}
    matches: list[HeardMatch] = []
    for speaker in dict.fromkeys(speaker_of.values()):
        own = [take for take in said.placed if speaker_of.get(take.utterance_id) == speaker]
        spoken = joined_speech(open_wav(store.path(take.audio))[0][0] for take in own)
        matched = _matches(desk, speaker, _reference(store, of, speaker), spoken, encoders)
        found.metrics |= {f"similarity, {speaker}, {match.encoder}": match.similarity for match in matched}
        if not matched:
            why = f"{speaker} says too little, here or in the source, to tell the voice by"
            found.findings.append(not_measured("speaker_similarity", why, matters=True))
        matches += matched
    found.findings += check_heard_voices(matches)
    judged = [match.similarity for match in matches if match.encoder == encoders[-1].id]
    found.metrics["speaker_similarity"] = min(judged, default=None)


def _matches(
    desk: Desk, speaker: str, reference: Artifact, spoken: Samples, encoders: tuple[EngineChoice, ...]
) -> list[HeardMatch]:
    """None where the reference or the dub's speech is too short or silent for the encoder."""
    recording = open_wav(desk.open_store().path(reference))[0][0]
    matches = []
    for choice in encoders:
        encoder: SpeakerEncoder = registry.load("speaker", choice.id, **choice.options)
        try:
            wanted = np.array(reference_voice(desk, reference, choice).embedding, np.float32)
            similarity = float(wanted @ encoder.embed(spoken, MASTER_RATE_HZ))
        except ValueError:
            continue
        same = _halves_alike(encoder, recording)
        matches.append(HeardMatch(speaker, choice.id, similarity, encoder.same_speaker_threshold, same))
    return matches


def _halves_alike(encoder: SpeakerEncoder, recording: Samples) -> float | None:
    half = len(recording) // 2
    if 2 * half < LEAST_HALVED_S * MASTER_RATE_HZ:
        return None
    one, other = (encoder.embed(np.array(part), MASTER_RATE_HZ) for part in (recording[:half], recording[half:]))
    return float(one @ other)


def _reference(store: Store, of: DubbedFrom, speaker: str) -> Artifact:
    """The same recording that `enroll` would make a voice from."""
    dialogue, rate_hz = open_wav(store.path(of.stems.dialogue))
    bed, _ = open_wav(store.path(of.stems.bed))
    spans = spans_alone(speaker, of.script.utterances)
    with store.scratch() as folder:
        speech = reference_of(dialogue[0], rate_hz, spans, bed.mean(axis=0))
        write_wav(folder / "reference.wav", speech, rate_hz)
        return store.put(folder / "reference.wav", WAV)
