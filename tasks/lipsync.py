"""Move the speaker's mouth to the dub: once per locale."""

from __future__ import annotations

from dub.lips import LipSync, MouthBank
from dub.script import Timeline
from dub.source import FaceTrack, Source
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.lipsync.contract import SpokenSpan


@stage(version=1, n_cpu=2)
def lipsync(
    desk: Desk, source: Source, track: FaceTrack, bank: MouthBank, timeline: Timeline, engine: EngineChoice
) -> LipSync:
    """The source's picture with the mouth moved to the placed takes, and what was done to each frame."""
    store = desk.open_store()
    lipsyncer = registry.load("lipsync", engine.id, **engine.options)
    spoken = tuple(
        SpokenSpan(
            utterance_id=take.utterance_id,
            start_sample=take.start_sample,
            end_sample=take.start_sample + take.n_samples,
            phonemes=take.phonemes,
        )
        for take in timeline.placed
    )
    with store.scratch() as folder:
        log = lipsyncer.render(
            store.path(source.original),
            source.video,
            store.path(track.landmarks),
            store.path(bank.bank),
            spoken,
            store.path(timeline.dialogue),
            folder / "picture.mp4",
        )
        log.save(folder / "log.npz")
        return LipSync(
            locale=timeline.locale,
            engine=engine.id,
            n_frames=source.video.n_frames,
            video=store.put(folder / "picture.mp4", "video/mp4"),
            log=store.put(folder / "log.npz", "application/x-npz"),
            counts=log.counts(),
        )
