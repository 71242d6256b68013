"""`polydub lipsync` on a real talking man, with a foreign dub whose true phoneme times are known: Kokoro's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dub.mouth_metrics import closures
from dub.script import PhonemeSpan
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from flows.lipsync_title import LipSyncJob, lipsync_title
from lang.bcp47 import Locale

SECONDS = 9.9
SENTENCES = {
    "de": ("Die Boote kamen vor dem Sturm nach Hause, und niemand fehlte.", "Mein Bruder hat einen Regenschirm."),
    "fr": (
        "Les bateaux sont rentrés avant la tempête, et personne ne manquait.",
        "Mon petit frère Paul a un beau parapluie.",
    ),
}
CLOSED = {"text": 0.9, "recognised": 0.9, "sound": 0.0}
"""Least share of true p, b and m on which the lips meet. Measured in German: 1.00, 1.00 and 0.62 of 8."""

pytestmark = [pytest.mark.media, pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def dub_of(locale: str, path: Path) -> list[PhonemeSpan]:
    """Write a dub with pauses before its sentences; its phonemes at 48 kHz."""
    kokoro = registry.load("tts", "kokoro")
    sound, phonemes, at = np.zeros(round(SECONDS * 24_000), np.float32), [], 0
    for pause_s, sentence in zip((0.7, 0.5), SENTENCES[locale], strict=True):
        speech = kokoro.speak(sentence, Locale(locale), b"", 1.0)
        at += round(pause_s * 24_000)
        sound[at : at + speech.samples.size] = speech.samples[: sound.size - at]
        phonemes += [
            PhonemeSpan(ipa=p.ipa, start_sample=2 * (at + p.start_sample), end_sample=2 * (at + p.end_sample))
            for p in speech.phonemes
        ]
        at += speech.samples.size
    write_wav(path, sound[None], 24_000)
    return phonemes


@pytest.mark.timeout(900)
@pytest.mark.parametrize("locale", sorted(SENTENCES))
def test_lips_close_on_the_true_p_b_and_m_of_a_foreign_dub(
    locale: str, shared_media: Path, store: Path, tmp_path: Path
) -> None:
    phonemes = dub_of(locale, tmp_path / "dub.wav")
    given = {
        "text": {"text": " ".join(SENTENCES[locale])},
        "recognised": {},
        "sound": {"from_audio": True},
    }
    shares = {}
    for way, options in given.items():
        job = LipSyncJob(
            video=shared_media / "video" / "english_10s.mp4",
            audio=tmp_path / "dub.wav",
            out=tmp_path / f"{way}.mp4",
            store=store,
            **options,
        )
        outcome = lipsync_title(job)
        facts = video_facts(job.out)
        aperture = registry.load("face", "mediapipe").track(job.out, facts).faces[0].aperture
        found = closures(aperture, facts.frame_rate, phonemes, np.isfinite(aperture))
        assert len(found) >= 8
        shares[way] = sum(closure.is_closed for closure in found) / len(found)
        print(f"{locale} {way}: {outcome.way}, closed {shares[way]:.2f} of {len(found)}, r {outcome.correlation}")
    assert all(shares[way] >= least for way, least in CLOSED.items()), shares
    assert shares["text"] > shares["sound"], "the sound alone is no match for phonemes"
