"""Enrol every speaker: a voice profile from their own speech, then one that can be understood in each
locale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.artifact import Artifact
from dub.cast import Cast, VoiceProfile
from dub.progress import report
from dub.script import DubScript, Utterance
from dub.source import Stems
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.timecode import sample_at
from dub.wav import WAV, open_wav, write_wav
from engines import registry
from engines.asr.contract import Recogniser
from engines.speaker.contract import SpeakerEncoder
from engines.tts.voice_fitting import Samples, Understand, VoiceFitter
from lang.bcp47 import Locale

REFERENCE_S = 25.0
TRANSCRIBED_REFERENCE_S = 15.0
"""Models that hear the reference with its words want 3 to 10 s of it (OmniVoice's advice) and take no more than 20."""

LEAST_S = 3.0
"""Less speech than this is used as it is, but what comes of it is not called cloned: encoders need 3 s."""

SPEECH_RMS = 0.05
STYLE = "application/octet-stream"


@stage(version=1, n_cpu=2)
def enroll(
    desk: Desk,
    script: DubScript,
    stems: Stems,
    tts: EngineChoice,
    encoder: EngineChoice,
    judge: EngineChoice | None = None,
) -> Cast:
    """One profile per speaker of the script, in order of appearance, made from up to 25 s of their
    utterances.

    `encoder` is what the fit aims at and decides `is_cloned`; `judge`, which the fit never heard, only
    measures. `similarity` has for each of them, by engine id: the cosine of new speech to the reference, `...
    same speaker` (halves of the reference), `... threshold`; for the encoder also `... nearest stock voice`
    and `... stock voices` (mean over the voices that the tts engine comes with, i.e. over other people).
    """
    store = desk.open_store()
    dialogue, rate_hz = open_wav(store.path(stems.dialogue))
    speakers = list(dict.fromkeys(utterance.speaker for utterance in script.utterances))
    voices = []
    for n_done, speaker in enumerate(speakers):
        report(n_done, len(speakers))
        lines = [utterance for utterance in script.utterances if utterance.speaker == speaker]
        transcript = ""
        if registry.spec("tts", tts.id).capabilities.get("needs_transcript"):
            lines = whole_lines(lines)
            transcript = " ".join(line.text for line in lines)
        speech = reference_of(dialogue[0], rate_hz, lines)
        voices.append(_profile(store, speaker, speech, rate_hz, tts, encoder, judge, transcript))
    report(len(speakers), len(speakers))
    return Cast(locale=script.source_locale, voices=tuple(voices))


@stage(version=1, n_cpu=2)
def cast_for(
    desk: Desk, cast: Cast, locale: Locale, tts: EngineChoice, encoder: EngineChoice, recogniser: EngineChoice
) -> Cast:
    """The cast made intelligible in `locale`: as much of a native voice as it takes to be understood, no
    more."""
    store = desk.open_store()
    fitter = _fitter(tts)
    if fitter is None:
        return cast.model_copy(update={"locale": locale})
    hearing: SpeakerEncoder = registry.load("speaker", encoder.id, **encoder.options)
    listener: Recogniser = registry.load("asr", recogniser.id, **recogniser.options)
    voices = []
    for n_done, voice in enumerate(cast.voices):
        report(n_done, len(cast.voices))
        if not voice.style.n_bytes:
            voices.append(voice)
            continue
        fitted = fitter.fit_locale(
            store.read_bytes(voice.style), locale, hearing.embed, _understanding(store, listener)
        )
        likeness = {} if fitted.similarity is None else {f"{encoder.id} in {locale}": fitted.similarity}
        is_near = all(cosine >= hearing.same_speaker_threshold for cosine in likeness.values())
        made_of = fitted.made_of
        if fitted.error_rate is not None:
            made_of += f"; {fitted.error_rate:.0%} misheard, native voice {fitted.native_error_rate:.0%}"
        voices.append(
            voice.model_copy(
                update={
                    "style": store.put_bytes(fitted.style, STYLE),
                    "is_cloned": voice.is_cloned and is_near,
                    "similarity": voice.similarity | likeness,
                    "share_of_native": voice.share_of_native | {str(locale): fitted.share_of_native},
                    "made_of": made_of,
                }
            )
        )
    report(len(cast.voices), len(cast.voices))
    return Cast(locale=locale, voices=tuple(voices))


def whole_lines(utterances: list[Utterance]) -> list[Utterance]:
    """A few utterances for a reference that is heard together with its words: in order, none of them cut, the longest
    that together last at most 15 s; the shortest one where every one is longer."""
    chosen: list[Utterance] = []
    room = TRANSCRIBED_REFERENCE_S
    for utterance in sorted(utterances, key=lambda each: (-each.span.duration, each.span.start)):
        if utterance.span.duration <= room:
            chosen.append(utterance)
            room -= float(utterance.span.duration)
    chosen = chosen or [min(utterances, key=lambda each: (each.span.duration, each.span.start))]
    return sorted(chosen, key=lambda each: each.span.start)


def reference_of(
    dialogue: npt.NDArray[np.float32], rate_hz: int, utterances: list[Utterance]
) -> npt.NDArray[np.float32]:
    """Up to 25 s of one speaker, the longest utterances first, joined in order; every utterance at RMS 0.05,
    so that a quiet one counts as much. Silent utterances are left out; the result may be empty."""
    chosen: list[tuple[int, npt.NDArray[np.float32]]] = []
    room = round(REFERENCE_S * rate_hz)
    for utterance in sorted(utterances, key=lambda each: (-each.span.duration, each.span.start)):
        first, last = sample_at(utterance.span.start, rate_hz), sample_at(utterance.span.end, rate_hz)
        piece = np.array(dialogue[first:last][:room], dtype=np.float32)
        rms = float(np.sqrt(np.mean(piece.astype(np.float64) ** 2))) if piece.size else 0.0
        if rms < 1e-5:
            continue
        chosen.append((first, piece * np.float32(SPEECH_RMS / rms)))
        room -= piece.size
        if room <= 0:
            break
    return np.concatenate([piece for _, piece in sorted(chosen, key=lambda each: each[0])] or [np.zeros(0, np.float32)])


def _profile(
    store: Store,
    speaker: str,
    speech: npt.NDArray[np.float32],
    rate_hz: int,
    tts: EngineChoice,
    encoder: EngineChoice,
    judge: EngineChoice | None,
    transcript: str,
) -> VoiceProfile:
    reference = _kept(store, speech, rate_hz)
    fitter = _fitter(tts)
    seconds = speech.size / rate_hz
    if fitter is None or seconds < 0.4:
        why = f"{tts.id} fits no voices" if fitter is None else f"only {seconds:.1f} s of speech"
        return VoiceProfile(
            speaker=speaker,
            engine=tts.id,
            reference=reference,
            style=store.put_bytes(b"", STYLE),
            is_cloned=False,
            made_of=f"the default voice of {tts.id}: {why}",
        )
    hearing: SpeakerEncoder = registry.load("speaker", encoder.id, **encoder.options)
    words = {"transcript": transcript} if transcript else {}
    fitted = fitter.fit_voice(speech, rate_hz, hearing.embed, **words)
    similarity = {encoder.id: fitted.similarity, **_baselines(encoder.id, hearing, speech, rate_hz)}
    if fitted.nearest_similarity is not None and fitted.others_similarity is not None:
        similarity[f"{encoder.id} nearest stock voice"] = fitted.nearest_similarity
        similarity[f"{encoder.id} stock voices"] = fitted.others_similarity
    if judge is not None:
        judging: SpeakerEncoder = registry.load("speaker", judge.id, **judge.options)
        likeness = judging.embed(speech, rate_hz) @ judging.embed(fitted.samples, fitted.rate_hz)
        similarity |= {judge.id: float(likeness), **_baselines(judge.id, judging, speech, rate_hz)}
    return VoiceProfile(
        speaker=speaker,
        engine=tts.id,
        reference=reference,
        style=store.put_bytes(fitted.style, STYLE),
        is_cloned=_can_clone(tts) and seconds >= LEAST_S and fitted.similarity >= hearing.same_speaker_threshold,
        similarity=similarity,
        made_of=fitted.made_of,
    )


def _baselines(
    engine_id: str, encoder: SpeakerEncoder, speech: npt.NDArray[np.float32], rate_hz: int
) -> dict[str, float]:
    """What the cosine is between two pieces of this speaker, where there is enough for two, and where it must
    lie."""
    found = {f"{engine_id} threshold": encoder.same_speaker_threshold}
    half = speech.size // 2
    if half >= 1.5 * rate_hz:
        likeness = encoder.embed(speech[:half], rate_hz) @ encoder.embed(speech[half:], rate_hz)
        found[f"{engine_id} same speaker"] = float(likeness)
    return found


def _fitter(tts: EngineChoice) -> VoiceFitter | None:
    """The engine, if it can make a voice from a recording."""
    if not registry.spec("tts", tts.id).capabilities.get("fits_voices"):
        return None
    fitter: VoiceFitter = registry.load("tts", tts.id, **tts.options)
    return fitter


def _can_clone(tts: EngineChoice) -> bool:
    """Whether what the engine fits may be called the speaker's voice."""
    return bool(registry.spec("tts", tts.id).capabilities.get("clones", True))


def _kept(store: Store, speech: npt.NDArray[np.float32], rate_hz: int) -> Artifact:
    with store.scratch() as folder:
        write_wav(folder / "reference.wav", speech, rate_hz)
        return store.put(folder / "reference.wav", WAV)


def _understanding(store: Store, listener: Recogniser) -> Understand:
    def understand(samples: Samples, rate_hz: int, locale: Locale) -> str:
        with store.scratch() as folder:
            path: Path = folder / "speech.wav"
            write_wav(path, samples, rate_hz)
            return " ".join(segment.text for segment in listener.recognise(path, locale).segments)

    return understand
