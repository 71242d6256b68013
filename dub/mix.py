"""What the sound stages leave: the Mix of one locale, and the Dub, the file a user gets."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from dub.artifact import Artifact, Record
from dub.signer import Signer
from lang.bcp47 import Locale


class Mix(Record):
    """One locale's finished sound, measured. `audio`: 48 kHz stereo float WAV, as long as the programme.

    `lufs`, `true_peak_db`: integrated loudness (ITU-R BS.1770-4) and true peak of `audio`, measured on it; -70 LUFS
    where nothing passes the gate. `gain_db`: what brought it there; `limited_db`: the limiter's deepest cut, <= 0.
    `speaker_gain_db`: what brought each speaker's takes to the source speaker's level. `bed_lufs`: loudness of all
    that is not dub. `speech_to_bed_db`: level of the dub over the rest while the dub speaks, None when it never does.
    """

    schema_version: Literal[1] = 1
    locale: Locale
    audio: Artifact
    target_lufs: float
    lufs: float
    true_peak_db: float
    gain_db: float
    limited_db: float
    speaker_gain_db: dict[str, float]
    bed_lufs: float
    speech_to_bed_db: float | None


class Dub(Record):
    """One locale's file: H.264 picture, the dub as default sound, the original sound second where there is one,
    subtitles. `duration`: the picture's, by its frames; `sound_duration`: the default sound track's, in seconds.
    `signer`: who signed its Content Credentials, None where it has none."""

    schema_version: Literal[1] = 1
    locale: Locale
    video: Artifact
    n_frames: int
    duration: Fraction
    sound_duration: Fraction
    is_original_sound_copied: bool | None
    signer: Signer | None = None
