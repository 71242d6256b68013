"""The whole engine: on a drawn face whose every pixel is known, on the shipped sample, and on people."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dub import media, mouth_metrics
from dub.errors import EngineFailed
from dub.on_screen import OFF_SCREEN, UNCERTAIN, ShownRun
from dub.script import PhonemeSpan
from dub.source import VideoFacts
from dub.timecode import MASTER_RATE_HZ
from dub.video_facts import video_facts
from dub.wav import write_wav
from engines import registry
from engines.face.contract import TrackedFaces
from engines.face.same_face import by_person
from engines.lipsync import frame_threads
from engines.lipsync.contract import RenderLog, Scene, SpokenSpan
from tests.engines.lipsync import cartoon
from tests.engines.lipsync.whole import render_whole

Frame = np.ndarray


def spoken(*sounds: tuple[str, float, float]) -> tuple[SpokenSpan, ...]:
    """(ipa, start, end in s) as one utterance."""
    phonemes = tuple(
        PhonemeSpan(ipa=ipa, start_sample=round(start * 48_000), end_sample=round(end * 48_000))
        for ipa, start, end in sounds
    )
    start, end = phonemes[0].start_sample, phonemes[-1].end_sample
    return (SpokenSpan("u0001", start, end, (ShownRun(0, 10_000, 0),), phonemes),)


SAID = spoken(
    *(("m", 1.2, 1.3), ("a", 1.3, 1.6), ("m", 1.6, 1.7), ("a", 1.7, 1.9), ("i", 1.9, 2.1), ("p", 2.1, 2.2)),
    *(("a", 2.2, 2.5), ("n", 2.5, 2.6), ("a", 2.6, 2.9), ("b", 2.9, 3.0), ("a", 3.0, 3.3)),
)
"""The source's drawn mouth talks from 1 to 5 s; the dub from 1.2 to 3.3 s."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> cartoon.Cartoon:
    return cartoon.make(tmp_path_factory.mktemp("cartoon"))


def shown_by(face: int, spans: tuple[SpokenSpan, ...], end_frame: int = 10_000) -> tuple[SpokenSpan, ...]:
    return tuple(replace(span, shown=(ShownRun(0, end_frame, face),)) for span in spans)


def scene_of(clip: cartoon.Cartoon, folder: Path) -> Scene:
    """The clip with its faces by person, of whom the one in the picture says all that is said."""
    faces = by_person(clip.face)
    faces.save(folder / "faces.npz")
    whole = np.zeros(faces.n_frames, int)
    for k, face in enumerate(faces.faces):
        whole[face.is_found] = k
    edges = [0, *(np.flatnonzero(np.diff(whole)) + 1), faces.n_frames]
    runs = tuple(ShownRun(int(a), int(b), int(whole[a])) for a, b in itertools.pairwise(edges))
    talk = SpokenSpan("u0001", round(clip.talks_s[0] * 48_000), round(clip.talks_s[1] * 48_000), runs)
    return Scene(clip.video, clip.facts, folder / "faces.npz", clip.dialogue, (talk,) if talk.end_sample else ())


class Render:
    """One run of the engine: its log, the frames it decoded and the frames it gave to the encoder."""

    def __init__(
        self, clip: cartoon.Cartoon, folder: Path, said: tuple[SpokenSpan, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.decoded: list[Frame] = []
        self.written: list[Frame] = []
        read, write = media.read_frames, media.FrameWriter.write

        def remember_read(*args: object, **kwargs: object) -> Iterator[Frame]:
            for frame in read(*args, **kwargs):  # type: ignore[arg-type]
                self.decoded.append(frame.copy())
                yield frame

        def remember_write(writer: media.FrameWriter, frame: Frame) -> None:
            self.written.append(frame.copy())
            write(writer, frame)

        scene = scene_of(clip, folder)
        engine = registry.load("lipsync", "exemplar")
        engine.prepare(scene, folder / "bank")
        monkeypatch.setattr(media, "read_frames", remember_read)
        monkeypatch.setattr(media.FrameWriter, "write", remember_write)
        self.log: RenderLog = render_whole(engine, scene, folder / "bank", said, clip.dialogue, folder / "out.mp4")
        monkeypatch.undo()
        self.out = folder / "out.mp4"


@pytest.fixture(scope="module")
def render(clip: cartoon.Cartoon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Render]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Render(clip, tmp_path_factory.mktemp("render"), SAID, monkeypatch)


def test_the_drawn_mouth_says_the_dub(clip: cartoon.Cartoon, render: Render) -> None:
    opening = np.array([cartoon.opening_px(f, m) for f, m in zip(render.written, clip.middle_px, strict=True)])
    aperture = (opening / cartoon.IOD_PX).astype(np.float32)
    phonemes = [phoneme for span in SAID for phoneme in span.phonemes]
    found = mouth_metrics.closures(aperture, cartoon.RATE, phonemes, np.ones(len(aperture), bool))
    assert len(found) == 4
    assert [closure.aperture for closure in found] == [0, 0, 0, 0]
    vowels = [p for p in phonemes if p.ipa == "a"]
    peaks = [aperture[int(p.start_sample / 48_000 * 25) : int(p.end_sample / 48_000 * 25) + 1].max() for p in vowels]
    assert min(peaks) > 0.12
    assert (
        np.corrcoef(aperture[render.log.is_rendered()[0]], render.log.aperture[0, render.log.is_rendered()[0]])[0, 1]
        > 0.9
    )


def test_the_chin_follows_the_new_mouth_and_not_the_old_one(clip: cartoon.Cartoon, render: Render) -> None:
    frames = [i for i in np.flatnonzero(render.log.is_rendered()[0]) if 30 < i < 120]
    chin = np.array([cartoon.chin_row(render.written[i], clip.middle_px[i]) for i in frames])
    aimed = (1.2 + 0.5 * render.log.aperture[0, frames]) * cartoon.IOD_PX
    left_behind = (1.2 + 0.5 * clip.aperture[frames]) * cartoon.IOD_PX
    assert np.abs(chin - aimed).mean() < 1.5
    assert np.abs(chin - left_behind).mean() > 3


def test_where_the_source_talks_on_and_the_dub_is_silent_the_mouth_is_shut(
    clip: cartoon.Cartoon, render: Render
) -> None:
    late = range(int(3.8 * 25), int(4.9 * 25))
    assert max(cartoon.opening_px(render.decoded[i], clip.middle_px[i]) for i in late) > 10
    assert max(cartoon.opening_px(render.written[i], clip.middle_px[i]) for i in late) <= 1
    assert render.log.counts()["rendered: mouth held shut"] > 20


def test_kept_frames_and_everything_outside_the_lower_face_stay_pixel_for_pixel(
    clip: cartoon.Cartoon, render: Render
) -> None:
    rendered = render.log.is_rendered()[0]
    assert not rendered[: int(0.7 * 25)].any()
    assert rendered[int(1.3 * 25)]
    assert len(render.written) == clip.facts.n_frames
    for i, (before, after) in enumerate(zip(render.decoded, render.written, strict=True)):
        if not rendered[i]:
            assert np.array_equal(before, after)
            continue
        eyes_and_nose = slice(0, int(clip.middle_px[i, 1] + 0.5 * cartoon.IOD_PX))
        assert np.array_equal(before[eyes_and_nose], after[eyes_and_nose])
        side = slice(0, int(clip.middle_px[i, 0] - 0.9 * cartoon.IOD_PX))
        assert np.array_equal(before[: cartoon.SIZE_PX, side], after[: cartoon.SIZE_PX, side])


def test_the_output_has_the_sources_frames_rate_and_size(clip: cartoon.Cartoon, render: Render) -> None:
    facts = video_facts(render.out)
    assert (facts.n_frames, facts.frame_rate, facts.width_px, facts.height_px) == (
        clip.facts.n_frames,
        clip.facts.frame_rate,
        cartoon.SIZE_PX,
        cartoon.SIZE_PX,
    )
    assert sum(render.log.counts().values()) == clip.facts.n_frames


def test_the_same_inputs_give_the_same_pixels(
    clip: cartoon.Cartoon, render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "again").mkdir()
    again = Render(clip, tmp_path / "again", SAID, monkeypatch)
    assert all(np.array_equal(one, other) for one, other in zip(render.written, again.written, strict=True))


def test_a_title_without_a_face_is_kept_whole(
    clip: cartoon.Cartoon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = replace(clip.face, points=np.full_like(clip.face.points, np.nan))
    run = Render(replace(clip, face=nobody), tmp_path, SAID, monkeypatch)
    assert not run.log.is_rendered().any()
    assert run.log.counts()["kept: no face"] > 50
    assert all(np.array_equal(one, other) for one, other in zip(run.decoded, run.written, strict=True))


@pytest.mark.parametrize(
    ("code", "reason"), [(OFF_SCREEN, "kept: off-screen voice"), (UNCERTAIN, "kept: unclear who speaks")]
)
def test_a_voice_that_nobody_in_the_picture_has_moves_no_mouth(
    code: int, reason: str, clip: cartoon.Cartoon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Render(replace(clip, talks_s=(0, 0)), tmp_path, shown_by(code, SAID), monkeypatch)
    assert not run.log.is_rendered().any()
    assert run.log.counts()[reason] > 50


def test_nobody_gets_another_persons_mouth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people, one shot each; the dub speaks in both."""
    looks = (cartoon.Look(), cartoon.Look(lower=0.08, lips=70))
    pair = cartoon.make(tmp_path, talks_from_s=0, talks_to_s=6, looks=looks)
    said = spoken(*((ipa, 0.2 + 0.15 * k, 0.35 + 0.15 * k) for k, ipa in enumerate("mapa" * 9)))
    cut = int(pair.face.shots[1])
    both = (ShownRun(0, cut, 0), ShownRun(cut, 10_000, 1))
    run = Render(pair, tmp_path, tuple(replace(span, shown=both) for span in said), monkeypatch)
    assert run.log.is_rendered().any(axis=0).mean() > 0.9
    assert not run.log.is_rendered().all(axis=0).any()
    own = []
    for i in [*range(8, cut - 4), *range(cut + 4, 140)]:
        look, other = looks[i >= cut], looks[i < cut]
        x, y = pair.middle_px[i] + np.array([0, cartoon.MOUTH_Y + look.lower + 0.055]) * cartoon.IOD_PX
        row = int(y + 0.65 * run.log.aperture[int(i >= cut), i] * cartoon.IOD_PX)  # the middle of the lower lip
        grey = run.written[i][row - 1 : row + 1, int(x) - 4 : int(x) + 5].mean()
        own.append(abs(grey - look.lips) < abs(grey - other.lips))
    assert np.mean(own) > 0.95  # where lips are thinnest, skin and opening mix in


def test_a_borrowed_mouth_takes_the_light_of_its_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The light grows by half over the clip, flickers, and turns warm: skin beside the lips stays like the cheek's."""
    clip = cartoon.make(tmp_path, seconds=4.0, talks_from_s=0, talks_to_s=4.0)
    n, size = clip.facts.n_frames, cartoon.SIZE_PX
    light = np.linspace(0.75, 1.15, n) * (1 + 0.04 * np.sin(np.arange(n) * 1.9))
    warmth = np.linspace(-12, 12, n)
    with media.FrameWriter(tmp_path / "lit.mp4", clip.facts, crf=8) as writer:
        for frame, gain, shift in zip(media.read_frames(clip.video, clip.facts), light, warmth, strict=True):
            frame[:size] = np.clip(frame[:size] * gain, 0, 255)
            frame[size + size // 4 :] = np.clip(frame[size + size // 4 :] + shift, 0, 255)
            writer.write(frame)
    face = replace(clip.face, brightness=(120 * light).astype(np.float32))
    said = spoken(*((ipa, 0.1 + 0.12 * k, 0.22 + 0.12 * k) for k, ipa in enumerate("mapa" * 7)))
    run = Render(replace(clip, video=tmp_path / "lit.mp4", face=face), tmp_path, said, monkeypatch)
    off: list[tuple[float, float]] = []
    for i in np.flatnonzero(run.log.is_rendered()[0]):
        x, y = clip.middle_px[i]
        luma, red = run.written[i][:size], run.written[i][size + size // 4 :].reshape(size // 2, size // 2)

        def skin(plane: Frame, along: float, down: float, scale: int, x: float = x, y: float = y) -> float:
            column, row = (int(v / scale) for v in (x + along * cartoon.IOD_PX, y + down * cartoon.IOD_PX))
            return float(plane[row - 3 : row + 4, column - 3 : column + 4].mean())

        off.append(tuple(skin(p, 0.36, 0.8, s) - skin(p, 0.5, 0.45, s) for p, s in ((luma, 1), (red, 2))))
    luma_off, red_off = np.abs(np.array(off)).T
    assert len(off) > 80, run.log.counts()
    assert np.quantile(luma_off, 0.95) < 4  # the drawn skin's grain alone is 6 grey levels per pixel
    assert np.quantile(red_off, 0.95) < 1.5


def test_a_track_of_another_length_is_refused(clip: cartoon.Cartoon, tmp_path: Path) -> None:
    scene = scene_of(clip, tmp_path)
    longer = clip.facts.model_copy(update={"n_frames": clip.facts.n_frames + 1})
    with pytest.raises(EngineFailed, match="frames"):
        render_whole(
            registry.load("lipsync", "exemplar"),
            replace(scene, facts=longer),
            tmp_path / "bank",
            SAID,
            clip.dialogue,
            tmp_path / "out.mp4",
        )


def test_an_error_of_the_decoder_comes_out_and_leaves_no_thread_waiting() -> None:
    def broken() -> Iterator[Frame]:
        yield np.zeros((2, 2), np.uint8)
        raise EngineFailed("cut off")

    with frame_threads.Ahead(broken()) as frames, pytest.raises(EngineFailed, match="cut off"):
        list(frames)


def test_an_error_of_the_encoder_comes_out() -> None:
    def full(_: Frame) -> None:
        raise EngineFailed("disk full")

    def write_much() -> None:
        with frame_threads.Behind(full) as finished:
            for _ in range(50):
                finished.put(np.zeros((2, 2), np.uint8))

    with pytest.raises(EngineFailed, match="disk full"):
        write_much()


def _closure_recall(
    video: Path, facts: VideoFacts, dialogue: Path, said: tuple[SpokenSpan, ...], folder: Path
) -> tuple[float, float]:
    """(share of bilabials whose lips are seen to meet in the rendered file, share of speech frames rendered)."""
    tracker = registry.load("face", "mediapipe")
    faces: TrackedFaces = tracker.track(video, facts)
    faces.save(folder / "faces.npz")
    engine = registry.load("lipsync", "exemplar")
    scene = Scene(video, facts, folder / "faces.npz", dialogue, shown_by(0, said))
    engine.prepare(scene, folder / "bank")
    log = render_whole(engine, scene, folder / "bank", said, dialogue, folder / "out.mp4")
    seen = tracker.track(folder / "out.mp4", facts).where(faces.faces[0])
    phonemes = [phoneme for span in said for phoneme in span.phonemes]
    found = mouth_metrics.closures(seen.aperture, facts.frame_rate, phonemes, np.ones(facts.n_frames, bool))
    speech = np.zeros(facts.n_frames, bool)
    for phoneme in phonemes:
        first, last = (Fraction(at, MASTER_RATE_HZ) for at in (phoneme.start_sample, phoneme.end_sample))
        speech[int(first * facts.frame_rate) : int(last * facts.frame_rate) + 1] = True
    return float(np.mean([closure.is_closed for closure in found])), float(log.is_rendered()[0, speech].mean())


def _foreign_words(duration_s: float, seed: int) -> tuple[SpokenSpan, ...]:
    """Syllables that the source never says, at a talking pace, with a pause after every eighth."""
    choose, at, sounds = np.random.default_rng(seed), 0.4, []
    syllable = 0
    while at < duration_s - 0.6:
        consonant, vowel = choose.choice(list("pbmtdkslfnɾ")), choose.choice(list("aeioua"))
        length = float(choose.uniform(0.05, 0.08))
        sounds += [(consonant, at, at + length), (vowel, at + length, at + length + 0.11)]
        at += length + 0.11
        syllable += 1
        at += 0.6 if syllable % 8 == 0 else 0
    return spoken(*sounds)


@pytest.mark.models
@pytest.mark.slow
def test_the_shipped_sample_closes_its_lips_for_a_foreign_text(sample_video: Path, tmp_path: Path) -> None:
    if not sample_video.exists():
        pytest.fail("samples/hello.mp4 is part of the project")
    facts = video_facts(sample_video)
    write_wav(tmp_path / "dialogue.wav", media.read_audio(sample_video, 48_000, 1), 48_000)
    said = _foreign_words(float(facts.duration), seed=1)
    recall, share = _closure_recall(sample_video, facts, tmp_path / "dialogue.wav", said, tmp_path)
    assert recall >= 0.95
    assert share >= 0.95
    assert json.loads(sample_video.with_suffix(".json").read_text())["n_frames"] == facts.n_frames


@pytest.mark.media
@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize(
    "clip_name", ["english_10s", "english_portrait_20s", "russian_portrait_10s", "spanish_editlist_10s"]
)
def test_people_close_their_lips_for_a_foreign_text(clip_name: str, shared_media: Path, tmp_path: Path) -> None:
    video = shared_media / "video" / f"{clip_name}.mp4"
    facts = video_facts(video)
    write_wav(tmp_path / "dialogue.wav", media.read_audio(video, 48_000, 1), 48_000)
    said = _foreign_words(float(facts.duration), seed=2)
    recall, share = _closure_recall(video, facts, tmp_path / "dialogue.wav", said, tmp_path)
    assert recall >= 0.95
    assert share >= 0.95


@pytest.mark.media
@pytest.mark.models
@pytest.mark.slow
def test_outside_mouth_and_jaw_a_persons_frames_stay_pixel_for_pixel(
    shared_media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are handed to the encoder: above the nose's base, beside the jaw, and below the throat."""
    video = shared_media / "video" / "english_10s.mp4"
    facts = video_facts(video).model_copy(update={"n_frames": 90})
    face = registry.load("face", "mediapipe").track(video, facts).faces[0]
    write_wav(tmp_path / "dialogue.wav", media.read_audio(video, 48_000, 1), 48_000)
    middle = face.at(33, 263).mean(axis=1).astype(np.float64)
    clip = cartoon.Cartoon(video, facts, face, tmp_path / "dialogue.wav", face.aperture, middle, (0, 3))
    run = Render(clip, tmp_path, _foreign_words(3.0, seed=3), monkeypatch)
    rendered = np.flatnonzero(run.log.is_rendered()[0])
    assert len(rendered) > 50
    for i in rendered:
        before, after = (frame[: facts.height_px] for frame in (run.decoded[i], run.written[i]))
        rows, columns = np.nonzero(before != after)
        (x, nose_y), chin_y = face.at(2)[i, 0], face.at(152)[i, 0, 1]
        assert rows.size > 500
        assert rows.min() > nose_y - 0.05 * face.iod_px[i]
        assert rows.max() < chin_y + 0.6 * face.iod_px[i]
        assert np.abs(columns - x).max() < face.iod_px[i]
