"""Lip-sync by a network of the user's: any ONNX file with Wav2Lip's or EDTalk's signature.

Inputs are bound by shape, because exports name them differently: the sound (n, 1, 80, 16); the face (n, 6, 96, 96) for
Wav2Lip, whose first three channels have their lower half blanked, or (n, 3, 256, 256) for EDTalk; and for EDTalk one
number, how much of the sound's shape to take. Tracking, choice of frames, paste-back and review are those of every
lip-sync engine here; so the faces that do not speak, and what lies outside the lower face, stay as they are.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from dub import media, progress, wav
from dub.errors import BadInput, EngineFailed, EngineUnavailable
from dub.overlay import Overlay
from dub.source import VideoFacts
from engines.face.contract import TrackedFaces, shot_numbers
from engines.lipsync import frame_choice as choice
from engines.lipsync import network_crop as crop
from engines.lipsync import network_plan
from engines.lipsync import speech_mel as mel
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from engines.lipsync.exemplar import decided
from engines.lipsync.frame_threads import Ahead, Behind
from engines.lipsync.mouth_occlusion import covered_frames
from engines.lipsync.network_plan import NetworkFrame
from engines.spec import EngineSpec

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Options:
    """`file`: the network. `sha256`: what it must be, if given. `weight` 0..1: how strongly the sound moves the lips,
    0.5 is as trained. `batch`: faces per call, where the network takes several. `device`: auto takes CUDA where
    onnxruntime has it."""

    file: str
    sha256: str = ""
    weight: float = 0.5
    batch: int = 16
    device: Literal["auto", "cpu", "cuda"] = "auto"
    n_threads: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise BadInput(f"the option weight of lipsync engine 'onnx' is {self.weight}", mend="give 0 to 1")
        if self.batch < 1:
            raise BadInput(f"the option batch of lipsync engine 'onnx' is {self.batch}", mend="give 1 or more")


@dataclass(frozen=True)
class Signature:
    """Which input is which. `kind`: whose crop and colour order the network wants. `takes_batches`: its first dimension
    is free."""

    kind: Literal["wav2lip", "edtalk"]
    sound: str
    face: str
    weight: str | None
    side_px: int
    takes_batches: bool

    @classmethod
    def of(cls, session: Any, name: str) -> Signature:
        """Raises BadInput that lists the inputs when they are neither network's."""
        sound, face, weight = None, None, None
        for given in session.get_inputs():
            shape = list(given.shape)
            if len(shape) == 4 and shape[1:] == [1, mel.N_BANDS, mel.N_COLUMNS]:
                sound = given
            elif len(shape) == 4 and shape[1] in (3, 6):
                face = given
            elif len(shape) <= 1:
                weight = given
            else:
                face = sound = None
                break
        if sound is None or face is None:
            inputs = ", ".join(f"{given.name} {given.shape}" for given in session.get_inputs())
            raise BadInput(
                f"{name} is no lip-sync network that is known here; its inputs: {inputs}",
                mend="give an export of Wav2Lip: (n, 1, 80, 16) and (n, 6, 96, 96); "
                "or of EDTalk: (n, 1, 80, 16), (n, 3, 256, 256) and a weight",
            )
        kind: Literal["wav2lip", "edtalk"] = "wav2lip" if face.shape[1] == 6 else "edtalk"
        usual_px = 96 if kind == "wav2lip" else 256
        side_px = face.shape[2] if isinstance(face.shape[2], int) else usual_px
        is_free = not isinstance(face.shape[0], int) and not isinstance(sound.shape[0], int)
        return cls(kind, sound.name, face.name, weight.name if weight else None, side_px, is_free)


class _Due(NamedTuple):
    """A face that waits for the network: its plan, its square, and the part of the square that the network sees."""

    face: NetworkFrame
    square: Bytes
    box: npt.NDArray[np.float64]


class OnnxNetwork:
    """LipSyncer over one session. onnxruntime's sessions may be run from several threads."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._session = _session(options)
        self.signature = Signature.of(self._session, Path(options.file).name)

    def prepare(self, scene: Scene, bank: Path) -> None:
        """Such networks need nothing of the source but the frame that they change, and to know which mouths are
        covered."""
        faces = TrackedFaces.load(scene.faces)
        speakers = {run.face for line in scene.said for run in line.shown if run.face >= 0}
        covered = covered_frames(scene.video, scene.facts, {k: faces.faces[k] for k in sorted(speakers)})
        with bank.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{str(k): mask for k, mask in covered.items()})

    def plan(
        self,
        scene: Scene,
        bank: Path,
        spoken: tuple[SpokenSpan, ...],
        dialogue: Path,
        parts: Sequence[range],
        folder: Path,
    ) -> RenderLog:
        facts, faces = scene.facts, TrackedFaces.load(scene.faces)
        if faces.n_frames != facts.n_frames:
            raise EngineFailed(f"the face track has {faces.n_frames} frames, the video {facts.n_frames}")
        with np.load(bank, allow_pickle=False) as masks:
            covered = {int(k): masks[k] for k in masks.files}
        log = decided(scene, faces, range(len(faces.faces)), spoken, covered)
        shot = shot_numbers(faces)
        shares = [choice.ramps(rendered, shot) for rendered in log.is_rendered()[: len(faces.faces)]]
        crops = [crop.crops_of(face) for face in faces.faces]
        columns = mel.mel_columns(_speech(dialogue))
        for number, part in enumerate(parts):
            due = [(i, k) for i in part for k, share in enumerate(shares) if share[i] > 0]
            heard = mel.mel_windows(columns, [i for i, _ in due], facts.frame_rate)
            network_plan.save(
                folder / str(number),
                [
                    NetworkFrame(
                        i, k, crops[k].terms[i], crops[k].boxes[i], crops[k].hulls[i], float(shares[k][i]), sound
                    )
                    for (i, k), sound in zip(due, heard, strict=True)
                ],
            )
            progress.report(part.stop, facts.n_frames)
        return log

    def render(
        self,
        video: Path,
        facts: VideoFacts,
        bank: Path,
        plan: Path,
        frames: range,
        out: Path,
        overlay: Overlay | None = None,
    ) -> None:
        planned = iter(network_plan.load(plan))
        following = next(planned, None)
        n_at_once = self._options.batch if self.signature.takes_batches else 1
        waiting: deque[Bytes] = deque()
        due: list[_Due] = []
        first = frames.start

        def settle() -> Iterator[Bytes]:
            """Give the faces that are due to the network, and let go of the frames that waited for them."""
            nonlocal first
            for start in range(0, len(due), n_at_once):
                some = due[start : start + n_at_once]
                for each, made in zip(some, self._speak(some), strict=True):
                    crop.paste(waiting[each.face.index - first], each.face, made, each.box)
            due.clear()
            first += len(waiting)
            while waiting:
                yield waiting.popleft()

        with (
            Ahead(media.read_frames(video, facts, first=frames.start, n=len(frames))) as pictures,
            media.FrameWriter(out, facts, overlay=overlay) as writer,
            Behind(writer.write) as finished,
        ):
            for i, picture in zip(frames, pictures, strict=True):
                waiting.append(picture)
                while following is not None and following.index == i:
                    box = following.box if self.signature.kind == "wav2lip" else _WHOLE
                    due.append(_Due(following, crop.cut(picture, following.terms), box))
                    following = next(planned, None)
                if len(due) >= n_at_once or not due:
                    for done in settle():
                        finished.put(done)
                progress.report(i + 1 - frames.start, len(frames))
            for done in settle():
                finished.put(done)

    def _speak(self, due: list[_Due]) -> list[Bytes]:
        """The network's faces for these: uint8 RGB (side, side, 3) each."""
        heard = np.stack([each.face.sound for each in due])
        side = self.signature.side_px
        images = np.stack([crop.resized(each.square, each.box, side) for each in due])
        if self.signature.kind == "wav2lip":
            images = images[..., ::-1]  # BGR
        faces = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / 255
        feed: dict[str, Floats] = {self.signature.sound: heard}
        if self.signature.kind == "wav2lip":
            blanked = faces.copy()
            blanked[:, :, side // 2 :] = 0
            faces = np.concatenate([blanked, faces], axis=1)
            feed[self.signature.sound] = heard * np.float32(2 * self._options.weight)
        feed[self.signature.face] = faces
        if self.signature.weight:
            feed[self.signature.weight] = np.array([self._options.weight], np.float32)
        made = np.asarray(self._session.run(None, feed)[0])
        if made.shape != (len(due), 3, side, side):
            raise EngineFailed(
                f"{Path(self._options.file).name} answered {made.shape}, not {(len(due), 3, side, side)}"
            )
        pictures = (np.clip(made, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return list(pictures[..., ::-1] if self.signature.kind == "wav2lip" else pictures)


_WHOLE = np.array([0.0, 0.0, crop.SQUARE_PX, crop.SQUARE_PX])


def _speech(dialogue: Path) -> Floats:
    """The dub's dialogue, mono at 16 kHz."""
    import soxr

    samples, rate_hz = wav.open_wav(dialogue)
    resampler = soxr.ResampleStream(rate_hz, mel.RATE_HZ, 1, dtype="float32")
    n = samples.shape[1]
    pieces = [
        resampler.resample_chunk(np.array(samples[0, at : at + wav.BLOCK_SAMPLES]), last=at + wav.BLOCK_SAMPLES >= n)
        for at in range(0, n, wav.BLOCK_SAMPLES)
    ]
    return np.concatenate(pieces or [np.zeros(0, np.float32)])


def _session(options: Options) -> Any:
    import onnxruntime

    path = Path(options.file).expanduser()
    if options.sha256 and (found := _sha256(path)) != options.sha256.lower():
        raise BadInput(
            f"{path.name} has the sha256 {found}, not {options.sha256}",
            mend="fetch it again (some public copies are cut short), or correct the profile",
        )
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if options.device == "cuda" and not has_cuda:
        raise EngineUnavailable(
            f"{path.name} is to run on cuda, and onnxruntime has no CUDA here", mend="pip install onnxruntime-gpu"
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.n_threads
    chosen = ["CUDAExecutionProvider"] if has_cuda and options.device != "cpu" else []
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=[*chosen, "CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen kinds, none of them public
        raise BadInput(
            f"{path.name} cannot be loaded as an ONNX network: {str(error).splitlines()[0]}",
            mend="fetch it again (some public copies are cut short)",
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(**options: Any) -> OnnxNetwork:
    return OnnxNetwork(Options(**options))


ENGINE = EngineSpec(
    id="onnx",
    family="lipsync",
    version=3,
    summary="A network of the user's with Wav2Lip's or EDTalk's signature, CPU or CUDA.",
    load=load,
    weights_licence="of the user's file (Wav2Lip's own weights: research only)",
    licence_class="terms",
    file_options=("file",),
    extra="embedded",
    packages=("onnxruntime", "cv2", "soxr"),
)
