"""The style file of an espeak-ng voice: what `enroll` stores for one speaker and `speak` reads."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from dub.errors import BadInput
from engines.tts.speaker_match import in_words
from engines.tts.voice_polish import Polish


@dataclass(frozen=True)
class EspeakStyle:
    """`variant`: one of espeak-ng's own ("f2": other formants), "" the plain voice; `polish`: what then brings it
    nearer to the speaker."""

    variant: str
    polish: Polish

    @property
    def made_of(self) -> str:
        """In words."""
        name = f"espeak-ng's variant {self.variant}" if self.variant else "espeak-ng's plain voice"
        return f"a robot, no clone: {name}; {in_words(self.polish)}"

    def to_bytes(self) -> bytes:
        """An .npz of plain arrays; the same style gives the same bytes."""
        file = io.BytesIO()
        np.savez_compressed(file, variant=np.array(self.variant), **self.polish.to_arrays())  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> EspeakStyle:
        """Raises BadInput for bytes that are no espeak-ng style."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return cls(str(stored["variant"]), Polish.from_arrays(stored))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BadInput(f"this is no espeak-ng voice style: {error}", mend="enroll the speaker again") from error


PLAIN = EspeakStyle("", Polish(None, None))
