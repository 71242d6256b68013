"""Match length: a dub's sound and the picture that it is for begin and end together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import progress
from dub.artifact import Artifact
from dub.errors import BadInput, UnreadableMedia
from dub.given_dub import GivenSound, Length
from dub.levels import mean_db
from dub.media import FrameWriter, audio_stream, opened, probe, read_frames, sound_blocks, to_channels
from dub.source import Source, VideoFacts
from dub.stage import Desk, stage
from dub.store import Store
from dub.timecode import MASTER_RATE_HZ, sample_at
from dub.wav import BLOCK_SAMPLES, WAV, Samples, WavWriter, open_wav

LONGER_S, SHORTER_S = Fraction(1, 10), Fraction(1, 2)
"""A sound that is longer or shorter than the picture by no more is taken as of its length: codecs pad, and a film may
end on a silent moment."""
HELD_CRF = 6
"""A picture that is held is encoded twice: the first time so well that nothing is seen of it."""


@stage(version=1)
def match_length(desk: Desk, source: Source, sound: Artifact, sound_name: str, length: Length) -> GivenSound:
    """The dub as 48 kHz stereo, from the first frame's time and as long as the picture.

    `same`: refuse a sound of another length. `cut`: both end with the shorter one. `hold`: both end with the longer
    one: the picture's last frame stays, or silence follows the sound. Raises BadInput naming both lengths, and
    UnreadableMedia for a file without sound.
    """
    store = desk.open_store()
    with store.scratch() as folder:
        heard = folder / "heard.wav"
        n_samples = _decode(store.path(sound), sound_name, heard)
        seconds = Fraction(n_samples, MASTER_RATE_HZ)
        _check(source, seconds, sound_name, length)
        n_frames = source.video.n_frames
        if length == "cut":
            n_frames = min(n_frames, max(1, math.floor(seconds * source.video.frame_rate)))
        elif length == "hold" and seconds - source.video.duration > LONGER_S:
            n_frames = math.ceil(seconds * source.video.frame_rate)
        source = _of_length(store, folder, source, n_frames)
        dub, energy = folder / "dub.wav", 0.0
        n_wanted = sample_at(source.video.duration)
        with WavWriter(dub, MASTER_RATE_HZ, 2) as file:
            for block in _padded(open_wav(heard)[0], n_wanted):
                energy += float(np.sum(block.astype(np.float64) ** 2))
                file.write(block)
        programme = store.put(dub, WAV)
    dubbed = source.model_copy(update={"programme": programme, "mean_level_db": mean_db(energy, 2 * n_wanted)})
    return GivenSound(source=source, dubbed=dubbed, seconds=float(seconds))


def _check(source: Source, seconds: Fraction, name: str, length: Length) -> None:
    longer = seconds - source.video.duration
    if length == "same" and not -SHORTER_S <= longer <= LONGER_S:
        what = "longer" if longer > 0 else "shorter"
        ends = "the picture's last frame stays" if longer > 0 else "the mouth rests"
        raise BadInput(
            f"{name} lasts {float(seconds):.2f} s, the video {float(source.video.duration):.2f} s: "
            f"{abs(float(longer)):.2f} s {what}",
            mend=f"--length cut (both end with the shorter) or --length hold ({ends} until the longer one ends)",
        )


def _decode(path: Path, name: str, out: Path) -> int:
    """Write the file's sound as 48 kHz stereo; its number of samples."""
    try:
        track = audio_stream(probe(path)["streams"])
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{name}: {str(error).splitlines()[0]}", mend=error.mend) from error
    if track is None:
        raise UnreadableMedia(f"{name} has no sound", mend="give a sound file, or a video with a sound track")
    sound = to_channels(opened(path)[str(track["index"])], int(track["channels"]), 2)
    blocks = sound_blocks(sound, MASTER_RATE_HZ, 2)
    with closing(blocks), WavWriter(out, MASTER_RATE_HZ, 2) as file:
        for block in blocks:
            file.write(block)
    if not file.n_samples:
        raise UnreadableMedia(f"{name} is empty", mend="give a sound file with the dub in it")
    return file.n_samples


def _of_length(store: Store, folder: Path, source: Source, n_frames: int) -> Source:
    """The source with its picture, and its own sound, of `n_frames`."""
    facts = source.video
    if n_frames == facts.n_frames:
        return source
    original, video = source.original, facts.model_copy(update={"n_frames": n_frames})
    if n_frames > facts.n_frames:
        original, video = _held(store, folder, source, video)
    programme = folder / "programme.wav"
    with WavWriter(programme, MASTER_RATE_HZ, 2) as file:
        for block in _padded(open_wav(store.path(source.programme))[0], sample_at(video.duration)):
            file.write(block)
    return source.model_copy(update={"original": original, "video": video, "programme": store.put(programme, WAV)})


def _held(store: Store, folder: Path, source: Source, video: VideoFacts) -> tuple[Artifact, VideoFacts]:
    """The picture with its last frame repeated up to `video.n_frames`, as a file of its own."""
    picture, frame = folder / "held.mp4", None
    with FrameWriter(picture, video, crf=HELD_CRF) as writer:
        for frame in read_frames(store.path(source.original), source.video):
            writer.write(frame)
            progress.report(writer.n_written, video.n_frames)
        while frame is not None and writer.n_written < video.n_frames:
            writer.write(frame)
    upright = {"rotation_degrees": 0, "is_variable_rate": False, "start_offset": Fraction(0), "codec": "h264"}
    return store.put(picture, "video/mp4"), video.model_copy(update={**upright, "pixel_format": "yuv420p"})


def _padded(sound: Samples, n_samples: int) -> Iterator[Samples]:
    """Blocks that add up to `n_samples`, cut or followed by silence."""
    for at in range(0, n_samples, BLOCK_SAMPLES):
        n = min(BLOCK_SAMPLES, n_samples - at)
        block = np.array(sound[:, at : at + n], np.float32)
        yield np.pad(block, ((0, 0), (0, n - block.shape[1])))
