"""ingest: what the source is, and its sound on the master clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dub import progress
from dub.artifact import Artifact
from dub.errors import UnreadableMedia
from dub.levels import mean_db
from dub.media import audio_stream, opened, probe, sound_blocks, to_channels
from dub.source import Source
from dub.stage import Desk, stage
from dub.timecode import MASTER_RATE_HZ, sample_at
from dub.video_facts import video_facts
from dub.wav import BLOCK_SAMPLES, WAV, Samples, WavWriter


@stage(version=1)
def ingest(desk: Desk, original: Artifact, title: str) -> Source:
    """Measure the picture by decoding it and bring the sound to 48 kHz stereo, from the first frame's time to the
    last frame's end, at its own level.

    A file without sound gives a silent programme and `n_source_channels` 0. Raises UnreadableMedia, naming the
    title, for what is no media file, is empty, or has no moving picture. Cost: one decoding of the file (two
    where the frame rate varies).
    """
    store = desk.open_store()
    path = store.path(original)
    try:
        video = video_facts(path)
        sound = audio_stream(probe(path)["streams"])
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{title}: {str(error).splitlines()[0]}", mend=error.mend) from error
    n_channels = int(sound["channels"]) if sound else 0
    with store.scratch() as folder:
        programme = folder / "programme.wav"
        n_samples = sample_at(video.duration)
        energy = 0.0
        with WavWriter(programme, MASTER_RATE_HZ, 2) as file:
            for block in _programme(path, sound, video.start_offset, n_samples):
                energy += float(np.sum(block.astype(np.float64) ** 2))
                file.write(block)
                progress.report(file.n_samples, n_samples)
        return Source(
            title=title,
            original=original,
            video=video,
            programme=store.put(programme, WAV),
            n_source_channels=n_channels,
            mean_level_db=mean_db(energy, 2 * n_samples),
        )


def _programme(path: Path, track: dict[str, Any] | None, start_offset: Fraction, n_samples: int) -> Iterator[Samples]:
    """Blocks of float32 (2, n) that add up to exactly `n_samples`, the first frame's time being sample 0."""
    n_left = n_samples
    if track is not None:
        n_early = sample_at(start_offset)
        if n_early < 0:
            yield from _silence(min(-n_early, n_left))
            n_left -= min(-n_early, n_left)
        sound = opened(path)[str(track["index"])].filter("asetpts", "PTS-STARTPTS")
        # Holes in the track become silence, so that what follows them stays in place.
        sound = sound.filter("aresample", MASTER_RATE_HZ, **{"async": 1, "first_pts": 0})
        with closing(sound_blocks(to_channels(sound, int(track["channels"]), 2), MASTER_RATE_HZ, 2)) as heard:
            for block in heard:
                n_skipped = min(max(n_early, 0), block.shape[1])
                n_early -= n_skipped
                piece = block[:, n_skipped : n_skipped + n_left]
                n_left -= piece.shape[1]
                yield piece
                if not n_left:
                    break
    yield from _silence(n_left)


def _silence(n_samples: int) -> Iterator[Samples]:
    for start in range(0, n_samples, BLOCK_SAMPLES):
        yield np.zeros((2, min(BLOCK_SAMPLES, n_samples - start)), np.float32)
