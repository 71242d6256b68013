"""Name the speakers: who of the user's cast is heard in a title, and their names on its lines."""

from __future__ import annotations

import numpy as np

from dub.artifact import Artifact, Record
from dub.cast import CastEntry, Casting
from dub.cast_match import cast_speakers
from dub.errors import BadInput
from dub.media import read_audio
from dub.script import DubScript
from dub.source import Stems
from dub.stage import Desk, EngineChoice, stage
from dub.timecode import MASTER_RATE_HZ
from dub.voice_reference import reference_of, spans_alone, without_pauses
from dub.wav import open_wav
from engines import registry
from engines.speaker.contract import SpeakerEncoder

MAX_HEARD_S = 60
SURELY = 0.25
"""How far from the encoder's threshold to 1 two voices must be alike for a name to be given (0.70 for
ge2e-voicefilter): a wrong one gives somebody another person's voice. Of 14 recordings of 13 people 6 of the 90 pairs of
strangers pass that encoder's threshold, and none passes this; of the recordings' own halves all but one do (0.49,
outdoors in wind)."""


class RecordedVoice(Record):
    """A recording as one encoder hears it: unit length."""

    embedding: tuple[float, ...]


@stage(version=1)
def find_people(
    desk: Desk, script: DubScript, stems: Stems, entries: tuple[CastEntry, ...], file: str, encoder: EngineChoice
) -> Casting:
    """Who of the cast is who of the script, by how alike they sound. `file`: the cast file's name, for messages.

    Raises BadInput where the cast contradicts the title or itself (see `cast_speakers`)."""
    hearing: SpeakerEncoder = registry.load("speaker", encoder.id, **encoder.options)
    dialogue, rate_hz = open_wav(desk.open_store().path(stems.dialogue))
    speakers = list(dict.fromkeys(utterance.speaker for utterance in script.utterances))
    likeness = np.full((len(entries), len(speakers)), np.nan)
    recorded = {
        row: np.array(recorded_voice(desk, entry.reference, entry.reference_name, file, encoder).embedding)
        for row, entry in enumerate(entries)
        if entry.reference is not None
    }
    for column, speaker in enumerate(speakers):
        speech = reference_of(dialogue[0], rate_hz, spans_alone(speaker, script.utterances))
        try:
            heard = hearing.embed(speech, rate_hz)
        except ValueError:
            continue  # too short or silent: nobody can say who it is
        for row, embedding in recorded.items():
            likeness[row, column] = float(embedding @ heard)
    threshold = hearing.same_speaker_threshold
    return cast_speakers(entries, speakers, likeness, threshold + SURELY * (1 - threshold), file)


@stage(version=1)
def recorded_voice(desk: Desk, recording: Artifact, name: str, file: str, encoder: EngineChoice) -> RecordedVoice:
    """Once per recording, not once per title. Raises BadInput for one that nobody can be told by."""
    samples = read_audio(desk.open_store().path(recording), MASTER_RATE_HZ, 1)[0]
    hearing: SpeakerEncoder = registry.load("speaker", encoder.id, **encoder.options)
    try:
        speech = without_pauses(samples, MASTER_RATE_HZ)[: MAX_HEARD_S * MASTER_RATE_HZ]
        return RecordedVoice(embedding=tuple(float(value) for value in hearing.embed(speech, MASTER_RATE_HZ)))
    except ValueError as error:
        raise BadInput(f"{file}: the recording {name}: {error}", mend="give clean speech of one person") from error


@stage(version=1)
def name_speakers(desk: Desk, script: DubScript, casting: Casting) -> DubScript:
    """The script with its speakers' names as the cast has them."""
    lines = (
        line.model_copy(update={"speaker": casting.names.get(line.speaker, line.speaker)}) for line in script.utterances
    )
    return script.model_copy(update={"utterances": tuple(lines)})
