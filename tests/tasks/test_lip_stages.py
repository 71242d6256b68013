"""The three lip stages hand records and artifacts to one another; with the toys, on a picture without a face."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from dub import media
from dub.script import DubScript, Timeline, Utterance
from dub.source import Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from engines import registry
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.build_mouth_bank import build_mouth_bank
from tasks.find_speaking_faces import find_speaking_faces
from tasks.join_lips import join_lips
from tasks.plan_lips import plan_lips
from tasks.render_lips import render_lips
from tasks.track_faces import track_faces


def _choice(family: str, engine_id: str) -> EngineChoice:
    spec = registry.specs()[family, engine_id]
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint())


def test_from_source_to_picture_with_toy_engines(desk: Desk, tmp_path: Path) -> None:
    store = desk.open_store()
    facts = VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=5)
    with media.FrameWriter(tmp_path / "in.mp4", facts) as writer:
        for _ in range(5):
            writer.write(np.full((72, 64), 90, np.uint8))
    sound = store.put_bytes(b"no sound is read by a toy", "audio/wav")
    source = Source(
        title="grey",
        original=store.put_copy(tmp_path / "in.mp4", "video/mp4"),
        video=facts,
        programme=sound,
        n_source_channels=1,
        mean_level_db=-30.0,
    )
    track = track_faces(desk, source, _choice("face", "nobody"))
    toy = _choice("lipsync", "untouched")
    stems = Stems(dialogue=sound, bed=sound)
    line = Utterance(id="u0001", speaker="s1", span=Span.of_seconds(0, 0.1), text="hello")
    script = DubScript(source_locale=Locale("en"), duration=facts.duration, utterances=(line,))
    on_screen = find_speaking_faces(desk, source, stems, script, track)
    bank = build_mouth_bank(desk, source, track, stems, script, on_screen, toy)
    timeline = Timeline(locale=Locale("es"), placed=(), overruns=(), dialogue=sound)
    plan = plan_lips(desk, source, track, stems, script, on_screen, bank, timeline, toy)
    part = render_lips(desk, source, bank, plan, 0, toy)
    picture = join_lips(desk, source, plan, (part,))
    assert (track.n_frames, track.n_found, track.n_faces, track.shots) == (5, 0, 0, (0,))
    assert [(span.first_frame, span.end_frame, span.verdict) for span in on_screen.spans] == [(0, 3, "off screen")]
    assert picture.counts == {"kept: no lip-sync asked for": 5}
    assert picture.n_rendered == 0
    assert RenderLog.load(store.path(picture.log)).decision.shape == (1, 5)
    assert sum(1 for _ in media.read_frames(store.path(picture.video), facts)) == 5
    assert picture.video == part.video, "one part alone is the picture"
    elsewhere = plan.model_copy(update={"locale": Locale("fr"), "counts": {}})
    assert render_lips.outcome(desk, source, bank, elsewhere, 0, toy).is_cached, "the part's own plan counts alone"
    longer = plan.model_copy(update={"parts": (plan.parts[0].model_copy(update={"end_frame": 4}),)})
    assert not render_lips.outcome(desk, source, bank, longer, 0, toy).is_cached
