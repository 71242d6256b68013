"""Who speaks: one VoiceProfile per speaker, enrolled from the source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from lang.bcp47 import Locale


class VoiceProfile(Record):
    """A speaker's voice as one engine speaks it.

    `reference`: mono WAV of the speaker. `style`: the engine's own parameters (for Kokoro an .npz). `similarity`:
    cosine to the reference by encoder id, beside the baselines named in it. `is_cloned`: False where the similarity
    stayed under the encoder's threshold, so the report must not call it cloned.
    """

    schema_version: Literal[1] = 1
    speaker: str
    engine: str
    reference: Artifact
    style: Artifact
    is_cloned: bool
    similarity: dict[str, float] = {}
    made_of: str = Field(default="", description="in words: which voice this is, how it was matched, what it cost")
    share_of_native: dict[str, float] = Field(
        default={}, description="per locale: share of a native voice blended in for intelligibility, 0..1"
    )
    consent: str = "no record was given"


class Cast(Record):
    """Every speaker's profile in one title; `locale` is the locale that the profiles were made to speak."""

    schema_version: Literal[1] = 1
    locale: Locale
    voices: tuple[VoiceProfile, ...]

    def voice_of(self, speaker: str) -> VoiceProfile:
        """Raises KeyError for a speaker who was never enrolled."""
        for voice in self.voices:
            if voice.speaker == speaker:
                return voice
        raise KeyError(speaker)
