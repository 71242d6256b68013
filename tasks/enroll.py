"""Enrol every speaker: a voice profile from their own speech or from the cast's recording of them, then one that can be
understood in each locale.

What is costly is remembered by the recording's content alone: a person whom the cast gives a recording has the same
voice in every title, and is enrolled once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dub.artifact import Artifact, Record
from dub.cast import DEFAULT_VOICE, Cast, CastEntry, Casting, VoiceProfile
from dub.consent import ConsentRecord
from dub.media import read_audio
from dub.progress import report
from dub.script import DubScript
from dub.source import Stems
from dub.stage import Desk, EngineChoice, stage
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ
from dub.voice_reference import REFERENCE_S, SPEECH_RMS, reference_of, spans_alone, whole_lines, without_pauses
from dub.wav import WAV, open_wav, write_wav
from engines import registry
from engines.asr.contract import Recogniser
from engines.speaker.contract import SpeakerEncoder
from engines.tts.voice_fitting import Samples, StockVoiced, Understand, VoiceFitter
from lang.bcp47 import Locale

LEAST_S = 3.0
"""Less speech than this is used as it is, but what comes of it is not called cloned: encoders need 3 s."""

STYLE = "application/octet-stream"


@stage(version=2, n_cpu=2)
def enroll(
    desk: Desk,
    script: DubScript,
    stems: Stems,
    tts: EngineChoice,
    encoder: EngineChoice,
    judge: EngineChoice | None = None,
    casting: Casting | None = None,
    consent: dict[str, tuple[ConsentRecord, ...]] | None = None,
) -> Cast:
    """One profile per speaker of the script, in order of appearance.

    Made from the recording that the cast has of them, else from up to 25 s of their lines, the cleanest first, where
    nobody else speaks. `consent`: the records that allow it, by speaker; they are kept with the profile.
    """
    store = desk.open_store()
    dialogue, rate_hz = open_wav(store.path(stems.dialogue))
    bed, _ = open_wav(store.path(stems.bed))
    casting = casting or Casting()
    speakers = list(dict.fromkeys(utterance.speaker for utterance in script.utterances))
    voices = []
    for n_done, speaker in enumerate(speakers):
        report(n_done, len(speakers))
        entry, transcript = casting.entry_of(speaker), ""
        stock = entry.stock_voice(tts.id) if entry else ""
        if entry is not None and entry.reference is not None:
            speech, rate_of_speech_hz, transcript = _recorded(store, entry.reference, entry, tts)
        else:
            spans = spans_alone(speaker, script.utterances)
            if _needs_transcript(tts):
                lines = whole_lines([line for line in script.utterances if line.speaker == speaker])
                spans, transcript = [line.span for line in lines], " ".join(line.text for line in lines)
            speech, rate_of_speech_hz = reference_of(dialogue[0], rate_hz, spans, bed.mean(axis=0)), rate_hz
        reference = _kept(store, speech, rate_of_speech_hz)
        if stock:
            voice = _stock_profile(store, reference, tts, stock).model_copy(update={"is_chosen": True})
        else:
            voice = make_voice(desk, reference, transcript, tts, encoder, judge)
        named = {"speaker": speaker, "identified": casting.identified.get(speaker, "")}
        voices.append(voice.model_copy(update=named | {"consent": (consent or {}).get(speaker, ())}))
    report(len(speakers), len(speakers))
    return Cast(locale=script.source_locale, voices=tuple(voices), notes=casting.notes)


@stage(version=1, n_cpu=2)
def make_voice(
    desk: Desk,
    reference: Artifact,
    transcript: str,
    tts: EngineChoice,
    encoder: EngineChoice,
    judge: EngineChoice | None,
) -> VoiceProfile:
    """The voice of one recording (mono WAV), of nobody in particular yet: `speaker` is "".

    `encoder` is what the fit aims at and decides `is_cloned`; `judge`, which the fit never heard, only
    measures. `similarity` has for each of them, by engine id: the cosine of new speech to the reference, `...
    same speaker` (halves of the reference), `... threshold`; for the encoder also `... nearest stock voice`
    and `... stock voices` (mean over the voices that the tts engine comes with, i.e. over other people).
    """
    store = desk.open_store()
    samples, rate_hz = open_wav(store.path(reference))
    speech = np.ascontiguousarray(samples[0])
    fitter = _fitter(tts)
    seconds = speech.size / rate_hz
    if fitter is None or seconds < 0.4:
        why = f"{tts.id} fits no voices" if fitter is None else f"only {seconds:.1f} s of speech"
        return _default_profile(store, reference, tts, why)
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
        speaker="",
        engine=tts.id,
        reference=reference,
        style=store.put_bytes(fitted.style, STYLE),
        is_cloned=_can_clone(tts) and seconds >= LEAST_S and fitted.similarity >= hearing.same_speaker_threshold,
        similarity=similarity,
        made_of=fitted.made_of,
    )


@stage(version=2, n_cpu=2)
def cast_for(
    desk: Desk, cast: Cast, locale: Locale, tts: EngineChoice, encoder: EngineChoice, recogniser: EngineChoice
) -> Cast:
    """The cast made intelligible in `locale`: as much of a native voice as it takes to be understood, no
    more. Of the consent records, those that are for this locale."""
    is_fitted = _fitter(tts) is not None
    voices = []
    for n_done, voice in enumerate(cast.voices):
        report(n_done, len(cast.voices))
        fitted = voice
        if is_fitted and voice.style.n_bytes:
            made = localised(desk, voice.style, locale, tts, encoder, recogniser)
            fitted = voice.model_copy(
                update={
                    "style": made.style,
                    "is_cloned": voice.is_cloned and made.is_near,
                    "similarity": voice.similarity | made.similarity,
                    "share_of_native": voice.share_of_native | {str(locale): made.share_of_native},
                    "made_of": made.made_of,
                }
            )
        voices.append(fitted.model_copy(update={"consent": tuple(r for r in voice.consent if r.is_for(locale))}))
    report(len(cast.voices), len(cast.voices))
    return Cast(locale=locale, voices=tuple(voices), notes=cast.notes)


class LocalVoice(Record):
    """One voice in one locale. `similarity`: cosine by the encoder, "ID in LOCALE"; `is_near`: it is over the
    encoder's threshold, or was not measured."""

    style: Artifact
    is_near: bool
    similarity: dict[str, float]
    share_of_native: float
    made_of: str


@stage(version=1, n_cpu=2)
def localised(
    desk: Desk, style: Artifact, locale: Locale, tts: EngineChoice, encoder: EngineChoice, recogniser: EngineChoice
) -> LocalVoice:
    """One style made intelligible in `locale`."""
    store = desk.open_store()
    fitter: VoiceFitter = registry.load("tts", tts.id, **tts.options)
    hearing: SpeakerEncoder = registry.load("speaker", encoder.id, **encoder.options)
    listener: Recogniser = registry.load("asr", recogniser.id, **recogniser.options)
    fitted = fitter.fit_locale(store.read_bytes(style), locale, hearing.embed, _understanding(store, listener))
    likeness = {} if fitted.similarity is None else {f"{encoder.id} in {locale}": fitted.similarity}
    made_of = fitted.made_of
    if fitted.error_rate is not None:
        made_of += f"; {fitted.error_rate:.0%} misheard, native voice {fitted.native_error_rate:.0%}"
    return LocalVoice(
        style=store.put_bytes(fitted.style, STYLE),
        is_near=all(cosine >= hearing.same_speaker_threshold for cosine in likeness.values()),
        similarity=likeness,
        share_of_native=fitted.share_of_native,
        made_of=made_of,
    )


def _recorded(
    store: Store, recording: Artifact, entry: CastEntry, tts: EngineChoice
) -> tuple[npt.NDArray[np.float32], int, str]:
    """The cast's recording of a person, float32 (n,) at RMS 0.05, its rate, and its words where the engine hears it
    with them: then whole, else up to 25 s of it without long pauses."""
    speech = read_audio(store.path(recording), MASTER_RATE_HZ, 1)[0]
    transcript = entry.says if _needs_transcript(tts) else ""
    if not transcript:
        speech = without_pauses(speech, MASTER_RATE_HZ)[: round(REFERENCE_S * MASTER_RATE_HZ)]
    rms = float(np.sqrt(np.mean(speech.astype(np.float64) ** 2))) if speech.size else 0.0
    return np.asarray(speech * (SPEECH_RMS / max(rms, 1e-9)), np.float32), MASTER_RATE_HZ, transcript


def _stock_profile(store: Store, reference: Artifact, tts: EngineChoice, voice: str) -> VoiceProfile:
    """A voice that comes with the engine, as the cast asks for it. Raises BadInput where the engine has it not."""
    if voice == DEFAULT_VOICE:
        return _default_profile(store, reference, tts, "as the cast asks")
    engine: StockVoiced = registry.load("tts", tts.id, **tts.options)
    return VoiceProfile(
        speaker="",
        engine=tts.id,
        reference=reference,
        style=store.put_bytes(engine.stock_voice(voice), STYLE),
        is_cloned=False,
        made_of=f"stock voice {voice} of {tts.id}, as the cast asks",
    )


def _default_profile(store: Store, reference: Artifact, tts: EngineChoice, why: str) -> VoiceProfile:
    return VoiceProfile(
        speaker="",
        engine=tts.id,
        reference=reference,
        style=store.put_bytes(b"", STYLE),
        is_cloned=False,
        made_of=f"the default voice of {tts.id}: {why}",
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


def _needs_transcript(tts: EngineChoice) -> bool:
    return bool(registry.spec("tts", tts.id).capabilities.get("needs_transcript"))


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
