"""A frame of the sample video is made to talk; what comes of it is tracked again."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dub.avatar import Backdrop, Motion, PhotoFacts
from dub.check_portrait import eye_openings
from dub.errors import BadInput
from dub.media import read_frames
from dub.mouth_metrics import closures
from dub.script import PhonemeSpan
from dub.wav import write_wav
from engines import registry
from engines.face.contract import TrackedFace
from engines.lipsync.contract import RenderLog
from engines.portrait.contract import Performance, PortraitAnimator
from tests.clips import speechlike

pytestmark = pytest.mark.models
RATE, N_FRAMES, N_FEW = Fraction(25), 75, 20
SOUNDS = ["m", "a", "b", "o", "p", "i", "f", "a", "u", "m", "e", "t", "a", "b", "a"]


@pytest.fixture(scope="module")
def engine() -> PortraitAnimator:
    animator: PortraitAnimator = registry.load("portrait", "warped-photo")
    return animator


@pytest.fixture(scope="module")
def posed(engine: PortraitAnimator, photo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PhotoFacts]:
    path = tmp_path_factory.mktemp("posed") / "posed"
    return path, engine.pose(photo, "photo.png", 1080, path)


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "dialogue.wav"
    sound = speechlike(N_FRAMES / 25)
    sound[:, :24_000] = 0
    sound[:, 110_000:] = 0
    write_wav(path, sound, 48_000)
    return path


def phonemes() -> tuple[PhonemeSpan, ...]:
    """Half a second of silence, sounds of 110 ms, silence."""
    return tuple(
        PhonemeSpan(ipa=ipa, start_sample=24_000 + k * 5_280, end_sample=24_000 + (k + 1) * 5_280)
        for k, ipa in enumerate(SOUNDS)
    )


def render(
    engine: PortraitAnimator,
    posed: tuple[Path, PhotoFacts],
    dialogue: Path,
    out: Path,
    *,
    amplitude: float = 1.0,
    backdrop: Backdrop | None = None,
    n_frames: int = N_FRAMES,
) -> RenderLog:
    performance = Performance(phonemes(), dialogue, Motion(amplitude=amplitude), backdrop or Backdrop())
    return engine.render(posed[0], posed[1].as_video(n_frames), performance, out)


def frames(path: Path, facts: PhotoFacts) -> Iterator[np.ndarray]:
    return read_frames(path, facts.as_video(N_FEW), "yuv420p")


@pytest.fixture(scope="module")
def talking(
    engine: PortraitAnimator, posed: tuple[Path, PhotoFacts], dialogue: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RenderLog]:
    out = tmp_path_factory.mktemp("out") / "talking.mp4"
    return out, render(engine, posed, dialogue, out)


@pytest.fixture(scope="module")
def tracked(talking: tuple[Path, RenderLog], posed: tuple[Path, PhotoFacts]) -> TrackedFace:
    tracker = registry.load("face", "mediapipe")
    faces = tracker.track(talking[0], posed[1].as_video(N_FRAMES)).faces
    assert len(faces) == 1
    assert faces[0].is_found.all()
    face: TrackedFace = faces[0]
    return face


def test_the_lips_meet_on_every_bilabial_and_open_on_vowels(
    tracked: TrackedFace, talking: tuple[Path, RenderLog]
) -> None:
    found = closures(tracked.aperture, RATE, phonemes(), np.ones(N_FRAMES, bool))
    assert [closure.is_closed for closure in found] == [True] * sum(ipa in "mbp" for ipa in SOUNDS)
    aimed = talking[1].aperture[0]
    assert aimed.max() > 0.15
    wide = aimed > 0.12
    assert tracked.aperture[wide].min() > 0.06, "the mouth that is aimed at is not seen"
    assert float(np.corrcoef(aimed, tracked.aperture)[0, 1]) > 0.9


def test_the_mouth_rests_in_silence(tracked: TrackedFace) -> None:
    assert tracked.aperture[:10].max() < 0.02
    assert tracked.aperture[-8:].max() < 0.02


def test_a_blink_shuts_the_eyes(tracked: TrackedFace) -> None:
    openings = eye_openings(tracked.at(159, 145, 386, 374), tracked.iod_px)
    usual = float(np.median(openings))
    assert openings.min() < 0.35 * usual, "no blink in three seconds shuts the eyes"
    assert (openings > 0.7 * usual).mean() > 0.7


def test_the_head_moves_a_little(tracked: TrackedFace) -> None:
    nose = tracked.at(1)[:, 0] / np.median(tracked.iod_px)
    assert 0.01 < np.ptp(nose[:, 0]) < 0.2
    assert 0.01 < np.ptp(nose[:, 1]) < 0.2
    assert np.abs(np.diff(nose, axis=0)).max() < 0.03, "it jumps"


def test_the_same_inputs_give_the_same_file(
    engine: PortraitAnimator, posed: tuple[Path, PhotoFacts], dialogue: Path, tmp_path: Path
) -> None:
    for name in ("one.mp4", "again.mp4"):
        render(engine, posed, dialogue, tmp_path / name, n_frames=N_FEW)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


def test_without_motion_only_mouth_and_eyes_change(
    engine: PortraitAnimator, posed: tuple[Path, PhotoFacts], dialogue: Path, tmp_path: Path
) -> None:
    facts = posed[1]
    render(engine, posed, dialogue, tmp_path / "still.mp4", amplitude=0.0, n_frames=N_FEW)
    luma = np.stack([frame[: facts.height_px] for frame in frames(tmp_path / "still.mp4", facts)]).astype(np.int16)
    moved = np.abs(luma - luma[0]).max(axis=0)
    assert moved[:100].max() < 12, "the hair moves"
    assert moved[:, :60].max() < 12, "the backdrop moves"
    assert moved[300:420].max() > 60, "the mouth does not move"


def test_a_colour_replaces_what_is_not_the_person(
    engine: PortraitAnimator, posed: tuple[Path, PhotoFacts], dialogue: Path, tmp_path: Path
) -> None:
    facts = posed[1]
    blue = Backdrop(kind="colour", colour=(0, 71, 187))
    render(engine, posed, dialogue, tmp_path / "blue.mp4", backdrop=blue, n_frames=N_FEW)
    last = list(frames(tmp_path / "blue.mp4", facts))[-1]
    picture = cv2.cvtColor(last, cv2.COLOR_YUV2RGB_I420).astype(int)
    corner, face = picture[10:100, 5:25], picture[150:300, 200:300]
    assert np.abs(corner.reshape(-1, 3).mean(axis=0) - (0, 71, 187)).max() < 12
    assert face[..., 0].mean() > face[..., 2].mean() + 15, "the skin is blue"


@pytest.mark.parametrize("kind", ["blur", "image"])
def test_other_backdrops_leave_the_face_alone(
    engine: PortraitAnimator,
    posed: tuple[Path, PhotoFacts],
    dialogue: Path,
    talking: tuple[Path, RenderLog],
    tmp_path: Path,
    kind: str,
) -> None:
    image = tmp_path / "stripes.png"
    cv2.imwrite(str(image), np.tile(np.repeat(np.array([[0, 255]], np.uint8), 20, axis=1), (300, 10)))
    backdrop = Backdrop(kind=kind)
    performance = Performance(phonemes()[:2], dialogue, Motion(), backdrop, image if kind == "image" else None)
    facts = posed[1].as_video(3)
    engine.render(posed[0], facts, performance, tmp_path / "out.mp4")
    behind, original = (next(read_frames(path, facts, "gray", n=1)) for path in (tmp_path / "out.mp4", talking[0]))
    difference = np.abs(behind.astype(int) - original.astype(int))
    assert difference[150:300, 200:300].mean() < 4
    if kind == "image":
        assert difference[:100, :25].mean() > 40


def shrunk(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda picture: np.full_like(picture, 120), r"bad\.png shows no face"),
        (lambda picture: np.hstack([picture, picture[:, ::-1]]), r"bad\.png shows 2 faces"),
        (shrunk, r"face in bad\.png is too small: \d\d px"),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 6), r"face in bad\.png is blurred"),
        (lambda picture: picture[:100, :100], r"bad\.png has only 100x100 pixels"),
    ],
)
def test_a_photo_that_cannot_talk_is_refused_by_name(
    engine: PortraitAnimator, picture: np.ndarray, tmp_path: Path, spoil: object, message: str
) -> None:
    assert callable(spoil)
    cv2.imwrite(str(tmp_path / "bad.png"), spoil(picture))
    with pytest.raises(BadInput, match=message):
        engine.pose(tmp_path / "bad.png", "bad.png", 1080, tmp_path / "posed")


def test_what_is_no_picture_is_refused(engine: PortraitAnimator, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    with pytest.raises(BadInput, match=r"bad\.jpg is no photo"):
        engine.pose(tmp_path / "bad.jpg", "bad.jpg", 1080, tmp_path / "posed")
