"""Who speaks: the people whom a user named, and one VoiceProfile per speaker, made from the source or a recording."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dub.artifact import Artifact, Record
from dub.consent import ConsentRecord
from dub.finding import Finding
from lang.bcp47 import Locale

DEFAULT_VOICE = "default"
"""In `CastEntry.voices`, as an engine or as a voice: whatever the engine says by itself."""


REFERENCE_METRIC = "reference of "
"""Before a speaker's name: what the review's metrics call the recording that the voice was made of."""


class CastEntry(Record):
    """A person of the user's cast. `reference`: a recording of them alone, any sound file; `says`: its words, for
    engines that hear it with them. `is_speakers`: what the diarization calls them, where the user fixed it.
    `voices`: stock voices by engine id; an engine that is not in it speaks in the person's own voice."""

    name: str
    reference: Artifact | None = None
    reference_name: str = ""
    says: str = ""
    is_speakers: tuple[str, ...] = ()
    voices: dict[str, str] = {}

    def stock_voice(self, engine: str) -> str:
        """The stock voice that the user chose for an engine, "" for the person's own."""
        return self.voices.get(engine, self.voices.get(DEFAULT_VOICE, ""))


class Casting(Record):
    """Who of the cast speaks in one title. `names`: by the speaker's name so far; who was not recognised keeps it.
    `identified`: by the new name, in words, how they were told. `notes`: what a person should know of the matching."""

    schema_version: Literal[1] = 1
    names: dict[str, str] = {}
    entries: tuple[CastEntry, ...] = ()
    identified: dict[str, str] = {}
    notes: tuple[Finding, ...] = ()

    def entry_of(self, speaker: str) -> CastEntry | None:
        """The entry of a speaker who has been named; None for one whom the cast does not know."""
        found = (entry for entry in self.entries if entry.name == speaker)
        return next(found, None) if speaker in self.names.values() else None


class VoiceProfile(Record):
    """A speaker's voice as one engine speaks it.

    `reference`: mono WAV of the speaker. `style`: the engine's own parameters (for Kokoro an .npz). `similarity`:
    cosine to the reference by encoder id, beside the baselines named in it. `is_cloned`: False where the similarity
    stayed under the encoder's threshold, so the report must not call it cloned. `is_chosen`: the user asked for this
    voice, which is nobody's of the title. `identified`: in words, how the
    speaker was told to be this person of the cast. `consent`: the records that allow this use; () = none was given.
    """

    schema_version: Literal[2] = 2
    speaker: str
    engine: str
    reference: Artifact
    style: Artifact
    is_cloned: bool
    is_chosen: bool = False
    similarity: dict[str, float] = {}
    made_of: str = Field(default="", description="in words: which voice this is, how it was matched, what it cost")
    share_of_native: dict[str, float] = Field(
        default={}, description="per locale: share of a native voice blended in for intelligibility, 0..1"
    )
    identified: str = ""
    consent: tuple[ConsentRecord, ...] = ()


class Cast(Record):
    """Every speaker's profile in one title; `locale` is the locale that the profiles were made to speak. `notes`: what
    a person should know of how the speakers were named."""

    schema_version: Literal[1] = 1
    locale: Locale
    voices: tuple[VoiceProfile, ...]
    notes: tuple[Finding, ...] = ()

    def voice_of(self, speaker: str) -> VoiceProfile:
        """Raises KeyError for a speaker who was never enrolled."""
        for voice in self.voices:
            if voice.speaker == speaker:
                return voice
        raise KeyError(speaker)

    def reference_metrics(self) -> dict[str, str]:
        """Where each recording lies in the store: "SHA256 BYTES" by `REFERENCE_METRIC` and the speaker."""
        return {
            f"{REFERENCE_METRIC}{voice.speaker}": f"{voice.reference.sha256} {voice.reference.n_bytes}"
            for voice in self.voices
        }
