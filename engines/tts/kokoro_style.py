"""The style file of a Kokoro voice: what `enroll` stores for one speaker and `speak` reads."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dub.errors import BadInput
from engines.tts.kokoro_graph import STYLE_DIM, STYLE_ROWS
from engines.tts.voice_polish import Polish


@dataclass(frozen=True)
class KokoroStyle:
    """`pack` float32 (510, 256). `base`: in words, what the pack was made of ("fitted", "stock voice
    am_adam"). `reference_embedding`: unit length, by the encoder that the fit aimed at; empty for a stock
    voice nobody fitted. `reference_curve` (513,): the speaker's mean log envelope, for matching again in
    another locale; empty likewise. `reference_pitch`: mean and standard deviation of the speaker's log F0 (0,
    0 where none was measured)."""

    pack: npt.NDArray[np.float32]
    base: str
    polish: Polish
    reference_embedding: npt.NDArray[np.float32]
    reference_curve: npt.NDArray[np.float64]
    reference_pitch: tuple[float, float]

    def to_bytes(self) -> bytes:
        """An .npz of plain arrays; the same style gives the same bytes."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            pack=self.pack.astype(np.float32),
            base=np.array(self.base),
            **self.polish.to_arrays(),
            reference_embedding=self.reference_embedding.astype(np.float32),
            reference_curve=self.reference_curve.astype(np.float32),
            reference_pitch=np.array(self.reference_pitch, dtype=np.float64),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> KokoroStyle:
        """Raises BadInput for bytes that are no Kokoro style."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                pack = stored["pack"]
                if pack.shape != (STYLE_ROWS, STYLE_DIM):
                    raise ValueError(f"pack {pack.shape}")
                mean, deviation = stored["reference_pitch"]
                return cls(
                    pack=pack,
                    base=str(stored["base"]),
                    polish=Polish.from_arrays(stored),
                    reference_embedding=stored["reference_embedding"],
                    reference_curve=stored["reference_curve"].astype(np.float64),
                    reference_pitch=(float(mean), float(deviation)),
                )
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BadInput(f"this is no Kokoro voice style: {error}", mend="enroll the speaker again") from error

    @classmethod
    def stock(cls, name: str, pack: npt.NDArray[np.float32], embedding: npt.NDArray[np.floating]) -> KokoroStyle:
        """A voice as it comes with Kokoro; `embedding`: of its own speech, so that a locale's voice is chosen and
        blended by it."""
        voice = np.asarray(embedding, np.float32)
        return cls(pack, f"stock voice {name}", Polish(None, None), voice, np.zeros(0), (0.0, 0.0))
