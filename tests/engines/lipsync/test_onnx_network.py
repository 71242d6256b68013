"""Networks of the user's: tiny graphs with the signatures of Wav2Lip and EDTalk, on a drawn face."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import scipy.signal
from onnx import TensorProto, helper, numpy_helper

from dub import media
from dub.errors import BadInput, EngineUnavailable
from dub.on_screen import OFF_SCREEN, ShownRun
from dub.script import PhonemeSpan
from dub.wav import write_wav
from engines import registry
from engines.face.contract import TrackedFaces
from engines.face.mediapipe_landmarker import BROWS
from engines.lipsync import speech_mel as mel
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from tests.engines.lipsync import cartoon
from tests.engines.lipsync.whole import render_whole

Frames = list[np.ndarray]

SPOKEN_S = (1.0, 3.0)


def network(path: Path, kind: str, answer: str, *, batch: int | str = "n") -> Path:
    """A graph that answers `own`: the face it was given; `blanked`: its blanked half; `red`: the face with all red;
    `loud`: the face, its brightness multiplied by how loud the middle band is (0 in silence, 1 at -4 + 8)."""
    sound = helper.make_tensor_value_info("mel_spectrogram", TensorProto.FLOAT, [batch, 1, 80, 16])
    n_channels, side = (6, 96) if kind == "wav2lip" else (3, 256)
    face = helper.make_tensor_value_info("video_frames", TensorProto.FLOAT, [batch, n_channels, side, side])
    inputs = [sound, face]
    constants = []

    def constant(name: str, values: list[float] | list[int], kind_of: type = np.int64) -> str:
        constants.append(numpy_helper.from_array(np.array(values, kind_of), name))
        return name

    first = 0 if answer == "blanked" or kind == "edtalk" else 3
    cut = [constant("from", [first]), constant("to", [first + 3]), constant("axis", [1])]
    nodes = [helper.make_node("Slice", ["video_frames", *cut], ["own"])]
    result = "own"
    if answer == "red":
        red = 0 if kind == "edtalk" else 2  # Wav2Lip's pictures are BGR
        level = np.zeros((1, 3, 1, 1), np.float32)
        level[0, red] = 1
        constants.append(numpy_helper.from_array(level, "red"))
        nodes.append(helper.make_node("Max", ["own", "red"], ["reddened"]))
        result = "reddened"
    if answer == "loud":
        nodes += [
            helper.make_node("ReduceMax", ["mel_spectrogram", constant("all", [1, 2, 3])], ["peak"], keepdims=1),
            helper.make_node("Add", ["peak", constant("four", [4.0], np.float32)], ["above"]),
            helper.make_node("Mul", ["above", constant("eighth", [0.125], np.float32)], ["loudness"]),
            helper.make_node("Mul", ["own", "loudness"], ["dimmed"]),
        ]
        result = "dimmed"
    if kind == "edtalk":
        inputs.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, [1]))
        nodes += [
            helper.make_node("Mul", ["weight", constant("zero", [0.0], np.float32)], ["nothing"]),
            helper.make_node("Add", [result, "nothing"], ["weighed"]),
        ]
        result = "weighed"
    nodes.append(helper.make_node("Identity", [result], ["made"]))
    made = helper.make_tensor_value_info("made", TensorProto.FLOAT, [batch, 3, side, side])
    graph = helper.make_graph(nodes, answer, inputs, [made], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> cartoon.Cartoon:
    drawn = cartoon.make(tmp_path_factory.mktemp("drawn"))
    points = drawn.face.points.copy()
    for number in BROWS:  # the drawing has none
        column = list(drawn.face.point_ids).index(number)
        points[:, column] = drawn.middle_px + np.array([0.3 * (-1) ** number, -0.25]) * cartoon.IOD_PX
    return replace(drawn, face=replace(drawn.face, points=points.astype(np.float32)))


def run(
    clip: cartoon.Cartoon, folder: Path, *, face: int = 0, speech: np.ndarray | None = None, **options: object
) -> tuple[Frames, Frames, RenderLog]:
    """The frames that go in, the frames that were given to the encoder, and the log."""
    folder.mkdir(exist_ok=True)
    faces = TrackedFaces(clip.facts.n_frames, clip.face.shots, (clip.face,))
    faces.save(folder / "faces.npz")
    scene = Scene(clip.video, clip.facts, folder / "faces.npz", clip.dialogue, ())
    n = 48_000 * 6
    sound = np.zeros(n, np.float32) if speech is None else speech
    write_wav(folder / "dub.wav", sound, 48_000)
    start, end = (round(second * 48_000) for second in SPOKEN_S)
    phonemes = (PhonemeSpan(ipa="a", start_sample=start, end_sample=end),)
    spoken = (SpokenSpan("u0001", start, end, (ShownRun(0, 10_000, face),), phonemes),)
    written: Frames = []
    write = media.FrameWriter.write
    engine = registry.load("lipsync", "onnx", **options)
    engine.prepare(scene, folder / "bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(media.FrameWriter, "write", lambda w, f: (written.append(f.copy()), write(w, f))[1])
        log = render_whole(engine, scene, folder / "bank", spoken, folder / "dub.wav", folder / "out.mp4")
    return [frame.copy() for frame in media.read_frames(clip.video, clip.facts)], written, log


def mouth_of(clip: cartoon.Cartoon, frame: np.ndarray, i: int) -> np.ndarray:
    x, y = (clip.middle_px[i] + np.array([0, cartoon.MOUTH_Y + 0.15]) * cartoon.IOD_PX).astype(int)
    return frame[y - 8 : y + 9, x - 14 : x + 15].astype(float)


@pytest.mark.parametrize("kind", ["wav2lip", "edtalk"])
def test_a_network_that_changes_nothing_changes_nothing(kind: str, clip: cartoon.Cartoon, tmp_path: Path) -> None:
    """Crop, colours and paste undo one another; what is not the lower face of the one who speaks keeps its pixels."""
    before, after, log = run(clip, tmp_path / "run", file=str(network(tmp_path / f"{kind}.onnx", kind, "own")))
    rendered = np.flatnonzero(log.is_rendered()[0])
    assert 45 < len(rendered) < 65
    off, shifts = [], []
    for i, (one, other) in enumerate(zip(before, after, strict=True)):
        if i not in rendered:
            assert np.array_equal(one, other)
            continue
        top = slice(0, int(clip.middle_px[i, 1] + 0.2 * cartoon.IOD_PX))
        assert np.array_equal(one[top], other[top])
        before_mouth, after_mouth = mouth_of(clip, one, i), mouth_of(clip, other, i)
        off.append(np.abs(before_mouth - after_mouth).mean())
        shifts.append(np.hypot(*cv2.phaseCorrelate(before_mouth, after_mouth)[0]))
    assert max(off) < 10  # the hard lines of a drawing, sampled twice
    assert np.mean(shifts) < 0.15  # pixels


def test_wav2lip_gets_the_lower_half_blanked_in_its_first_channels(clip: cartoon.Cartoon, tmp_path: Path) -> None:
    before, after, log = run(clip, tmp_path / "run", file=str(network(tmp_path / "n.onnx", "wav2lip", "blanked")))
    i = int(np.flatnonzero(log.is_rendered()[0])[20])
    assert mouth_of(clip, before[i], i).std() > 10
    assert mouth_of(clip, after[i], i).std() < 0.5 * mouth_of(clip, before[i], i).std()


@pytest.mark.parametrize("kind", ["wav2lip", "edtalk"])
def test_red_is_where_the_network_expects_it(kind: str, clip: cartoon.Cartoon, tmp_path: Path) -> None:
    """Only the middle of the mask keeps a shift of colour: its rim is matched to the face around it. So the red is
    looked for in what the network was given and gave."""
    engine = registry.load("lipsync", "onnx", file=str(network(tmp_path / f"{kind}.onnx", kind, "red")))
    square = np.zeros((512, 512, 3), np.uint8)
    square[..., 2] = 200  # blue, in RGB
    from engines.lipsync import onnx_network
    from engines.lipsync.network_plan import NetworkFrame

    silence, nowhere = np.zeros((1, 80, 16), np.float32), np.zeros(4)
    face = NetworkFrame(0, 0, nowhere, nowhere, np.zeros((1, 2), np.float32), 1.0, silence)
    (made,) = engine._speak([onnx_network._Due(face, square, np.array([0.0, 0, 512, 512]))])
    assert made[10, 10].tolist() == [255, 0, 200]


def test_every_frame_hears_the_sound_that_starts_with_it(clip: cartoon.Cartoon, tmp_path: Path) -> None:
    """A burst at 2 s is heard by the frames whose 0.2 s reach it, and by no others."""
    speech = np.zeros(48_000 * 6, np.float32)
    speech[96_000:96_480] = np.random.default_rng(0).normal(0, 0.3, 480)
    file = network(tmp_path / "n.onnx", "wav2lip", "loud")
    before, after, log = run(clip, tmp_path / "run", speech=speech, file=str(file))
    changed = [
        i
        for i in np.flatnonzero(log.is_rendered()[0])[4:-4]  # not where the new mouth fades in and out
        if mouth_of(clip, after[i], i).std() > 0.3 * mouth_of(clip, before[i], i).std()
    ]
    assert changed
    assert min(changed) in (44, 45)
    assert max(changed) in (49, 50, 51)


def test_batches_and_single_calls_give_the_same_frames(clip: cartoon.Cartoon, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    speech = rng.normal(0, 0.1, 48_000 * 6).astype(np.float32)
    many = network(tmp_path / "many.onnx", "wav2lip", "loud")
    single = network(tmp_path / "single.onnx", "wav2lip", "loud", batch=1)
    _, batched, _ = run(clip, tmp_path / "a", speech=speech, file=str(many), batch=7)
    _, one_by_one, _ = run(clip, tmp_path / "b", speech=speech, file=str(single))
    assert all(np.array_equal(a, b) for a, b in zip(batched, one_by_one, strict=True))


def test_an_off_screen_voice_moves_nothing(clip: cartoon.Cartoon, tmp_path: Path) -> None:
    file = network(tmp_path / "n.onnx", "wav2lip", "blanked")
    before, after, log = run(clip, tmp_path / "run", face=OFF_SCREEN, file=str(file))
    assert log.counts()["kept: off-screen voice"] > 40
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_what_is_no_such_network_is_refused_by_name(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 64])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, 64])
    graph = helper.make_graph([helper.make_node("Identity", ["picture"], ["out"])], "other", [value], [out])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "other.onnx"
    )
    with pytest.raises(BadInput, match=r"other.onnx.*picture \[1, 3, 64\]"):
        registry.load("lipsync", "onnx", file=str(tmp_path / "other.onnx"))


def test_a_file_cut_short_or_of_another_digest_is_refused(tmp_path: Path) -> None:
    whole = network(tmp_path / "n.onnx", "wav2lip", "own")
    short = tmp_path / "short.onnx"
    short.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(BadInput, match=r"short.onnx cannot be loaded"):
        registry.load("lipsync", "onnx", file=str(short))
    with pytest.raises(BadInput, match="sha256"):
        registry.load("lipsync", "onnx", file=str(whole), sha256="0" * 64)


def test_asked_for_cuda_it_never_runs_elsewhere(tmp_path: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(EngineUnavailable, match="cuda"):
        registry.load("lipsync", "onnx", file=str(network(tmp_path / "n.onnx", "wav2lip", "own")), device="cuda")


def test_the_fingerprint_is_of_the_files_content_not_of_its_place(tmp_path: Path) -> None:
    spec = registry.spec("lipsync", "onnx")
    one = network(tmp_path / "one.onnx", "wav2lip", "own")
    moved = tmp_path / "moved.onnx"
    moved.write_bytes(one.read_bytes())
    other = network(tmp_path / "other.onnx", "wav2lip", "blanked")
    assert spec.fingerprint({"file": str(one)}) == spec.fingerprint({"file": str(moved)})
    assert spec.fingerprint({"file": str(one)}) != spec.fingerprint({"file": str(other)})
    assert spec.fingerprint({"file": str(one)}) != spec.fingerprint({"file": str(one), "weight": 0.7})
    with pytest.raises(BadInput, match="not given"):
        spec.fingerprint({})
    with pytest.raises(BadInput, match=r"gone.onnx, which is no file"):
        spec.fingerprint({"file": str(tmp_path / "gone.onnx")})


def test_the_mel_is_the_one_the_networks_were_given() -> None:
    """Against scipy's short-time transform, step by step as FaceFusion takes it."""
    speech = np.random.default_rng(2).normal(0, 0.1, 16_000).astype(np.float32)
    level = scipy.signal.lfilter([1, -0.97], [1], speech / np.abs(speech).max())
    _, _, spectrum = scipy.signal.stft(level, nperseg=800, noverlap=600, nfft=800)
    wanted = np.clip(np.log10(np.maximum(1e-5, mel.mel_bands() @ np.abs(spectrum))) * 1.6 + 3.2, -4, 4)
    columns = mel.mel_columns(speech)
    assert columns.shape == (81, 80)
    assert np.abs(columns.T - wanted[:, :81]).max() < 1e-3
    assert [round(weight, 2) for weight in mel.mel_bands()[60] if weight] == [0.17, 0.5, 0.83, 0.83, 0.5, 0.17]
    assert (mel.mel_columns(np.zeros(1600, np.float32)) == -4).all()


def test_windows_start_with_their_frame_and_end_in_silence() -> None:
    columns = np.arange(200, dtype=np.float32)[:, None].repeat(80, axis=1)
    windows = mel.mel_windows(columns, [0, 25, 60, 70], Fraction(25))
    assert windows.shape == (4, 1, 80, 16)
    assert windows[0, 0, 0].tolist() == list(range(16))
    assert windows[1, 0, 0, 0] == 80
    assert windows[2, 0, 0].tolist() == [*range(192, 200), *[-4.0] * 8]
    assert (windows[3] == -4).all()
