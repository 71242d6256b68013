"""The review stage on a small real file with toy judges: it measures what is there, not what the stages said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest

from dub.artifact import Artifact
from dub.cast import Cast, VoiceProfile
from dub.finding import Level, Review
from dub.lips import LipSync
from dub.media import FrameWriter, ffmpeg_exe
from dub.mix import Dub, Mix
from dub.on_screen import OnScreen
from dub.script import Takes, Timeline
from dub.source import FaceTrack, Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.subtitles import cues_of, to_srt
from dub.wav import write_wav
from engines import registry
from engines.face.nobody import Nobody
from engines.lipsync.contract import RenderLog
from lang.bcp47 import Locale
from tasks.review import review
from tests.dub import dubs

RATE_HZ = 48_000
FACTS = VideoFacts(width_px=64, height_px=48, frame_rate=Fraction(25), n_frames=dubs.N_FRAMES)


def choice(family: str, engine_id: str, **options: object) -> EngineChoice:
    spec = registry.spec(family, engine_id)  # type: ignore[arg-type]
    return EngineChoice(family=family, id=engine_id, fingerprint=spec.fingerprint(options), options=options)


def judges(texts: tuple[str, ...] = dubs.TARGET_TEXT, locale: str = "pt") -> tuple[EngineChoice, ...]:
    """Toy judges; the recogniser hears these lines in this language."""
    segments = tuple(
        {"text": text, "start_s": start_s, "end_s": start_s + dubs.LINE_S}
        for start_s, text in zip(dubs.STARTS_S, texts, strict=True)
        if text
    )
    return (
        choice("asr", "scripted", locale=locale, language_probability=0.9, segments=segments),
        choice("speaker", "long-term-spectrum"),
        choice("face", "nobody"),
        choice("speech_quality", "level"),
        choice("language_id", "py3langid"),
    )


class Made:
    """Everything a right dub of tests/dub/dubs.py is made of, as real files in a real store."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.store, self.folder = desk, desk.open_store(), folder
        self.timeline = self._timeline()
        sound = dubs.dialogue(self.timeline)
        self.dialogue = self.wav(sound)
        self.timeline = self.timeline.model_copy(update={"dialogue": self.dialogue})
        self.original = self.video(dubs.N_FRAMES, sound)
        self.source = Source(
            title="grey",
            original=self.original,
            video=FACTS,
            programme=self.wav(np.stack([sound, sound])),
            n_source_channels=1,
            mean_level_db=-20,
        )
        nobody = Nobody().track(Path(), FACTS)
        nobody.save(folder / "face.npz")
        RenderLog(
            ("kept: no face",), np.zeros((1, dubs.N_FRAMES), np.uint8), np.full((1, dubs.N_FRAMES), np.nan, np.float32)
        ).save(folder / "log.npz")
        self.track = FaceTrack(
            engine="nobody",
            n_frames=dubs.N_FRAMES,
            n_found=0,
            n_faces=0,
            landmarks=self.put("face.npz", "application/x-npz"),
        )
        self.lips = LipSync(
            locale=Locale("pt-BR"),
            engine="untouched",
            n_frames=dubs.N_FRAMES,
            video=self.original,
            log=self.put("log.npz", "application/x-npz"),
            counts={"kept: no face": dubs.N_FRAMES},
        )

    def _timeline(self) -> Timeline:
        right = dubs.timeline()
        sound = dubs.dialogue(right)
        return dubs.timeline(
            [
                take.model_copy(
                    update={"audio": self.wav(sound[take.start_sample : take.start_sample + take.n_samples])}
                )
                for take in right.placed
            ]
        )

    def put(self, name: str, media_type: str) -> Artifact:
        return self.store.put(self.folder / name, media_type)

    def wav(self, samples: np.ndarray) -> Artifact:
        write_wav(self.folder / "sound.wav", samples, RATE_HZ)
        return self.put("sound.wav", "audio/wav")

    def video(self, n_frames: int, sound: np.ndarray, volume_db: float = 0.0) -> Artifact:
        """An MP4 of grey frames with this sound and subtitles, as remux would write it."""
        with FrameWriter(self.folder / "picture.mp4", FACTS) as writer:
            for _ in range(n_frames):
                writer.write(np.full((72, 64), 90, np.uint8))
        write_wav(self.folder / "track.wav", sound, RATE_HZ)
        picture = ffmpeg.input(str(self.folder / "picture.mp4")).video
        track = ffmpeg.input(str(self.folder / "track.wav")).audio.filter("volume", f"{volume_db}dB")
        cues = cues_of(self.timeline, FACTS.frame_rate, FACTS.duration)
        (self.folder / "lines.srt").write_text(to_srt(cues))
        subtitles = ffmpeg.input(str(self.folder / "lines.srt"))["s"]
        out = str(self.folder / "out.mp4")
        ffmpeg.output(picture, track, subtitles, out, vcodec="copy", acodec="alac", scodec="mov_text").run(
            cmd=ffmpeg_exe(), quiet=True, overwrite_output=True
        )
        return self.put("out.mp4", "video/mp4")

    def review(self, engines: tuple[EngineChoice, ...] | None = None, **changes: Any) -> Review:
        locale = Locale("pt-BR")
        voice = VoiceProfile(
            speaker="speaker 1", engine="tone", reference=self.dialogue, style=self.dialogue, is_cloned=True
        )
        facts: dict[str, Any] = {
            "source": self.source,
            "stems": Stems(dialogue=self.dialogue, bed=self.source.programme),
            "script": dubs.script(),
            "translation": dubs.translation(),
            "cast": Cast(locale=locale, voices=(voice,)),
            "takes": Takes(locale=locale, voice_engine="tone", takes=()),
            "timeline": self.timeline,
            "mix": Mix(
                locale=locale,
                audio=self.source.programme,
                target_lufs=-17.8,
                lufs=-17.8,
                true_peak_db=-8,
                gain_db=0,
                limited_db=0,
                speaker_gain_db={},
                bed_lufs=-70,
                speech_to_bed_db=None,
            ),
            "track": self.track,
            "on_screen": OnScreen(spans=()),
            "lipsync": self.lips,
            "dub": self.dub(self.original),
            "engines": engines or judges(),
        }
        return review(self.desk, **(facts | changes))

    def dub(self, video: Artifact) -> Dub:
        return Dub(
            locale=Locale("pt-BR"),
            video=video,
            n_frames=dubs.N_FRAMES,
            duration=Fraction(8),
            sound_duration=Fraction(8),
            is_original_sound_copied=None,
        )


@pytest.fixture
def made(desk: Desk, tmp_path: Path) -> Made:
    folder = tmp_path / "work"
    folder.mkdir()
    return Made(desk, folder)


def bad(found: Review) -> dict[str, Level]:
    """The worst level of each check that is not ok."""
    worst = sorted(found.findings, key=lambda finding: finding.level is Level.FAILED)
    return {finding.check: finding.level for finding in worst if finding.level is not Level.OK}


def test_a_right_dub_is_ok_and_says_that_there_was_no_face(made: Made) -> None:
    found = made.review()
    assert bad(found) == {}
    assert found.verdict is Level.OK
    assert any("no face is in the picture" in finding.message for finding in found.findings)
    assert found.metrics["word_error"] == 0
    assert found.metrics["sound_offset_ms"] == pytest.approx(0, abs=0.1)
    assert found.metrics["loudness_lufs"] == pytest.approx(-17.8, abs=1)
    assert [line["heard"] for line in found.lines][1] == "vendemos 300 caixas"
    assert b"<svg" in made.store.read_bytes(found.figures["timeline"])


def test_words_and_language_that_are_wrong_are_heard(made: Made) -> None:
    found = made.review(judges(("hola buenos dias", "", "vuelva el lunes", "adios"), "es"))
    assert bad(found)["word_error"] is Level.FAILED
    assert bad(found)["language_heard"] is Level.FAILED
    assert {finding.utterance_id for finding in found.findings if finding.check == "line_word_error"} >= {"u0002"}


def test_copied_source_text_reads_as_the_source_language(made: Made) -> None:
    found = made.review(translation=dubs.translation(dubs.SOURCE_TEXT))
    assert bad(found)["copied_lines"] is Level.FAILED
    assert bad(found)["language_written"] is Level.DEGRADED


def test_the_file_is_measured_and_not_its_record(made: Made) -> None:
    """A file with ten frames less, its sound 300 ms late, 30 dB too loud and clipped; its record says all is well."""
    sound = np.roll(dubs.dialogue(made.timeline), round(0.3 * RATE_HZ))
    wrong = made.video(dubs.N_FRAMES - 10, np.clip(sound * 30, -1, 1))
    found = made.review(dub=made.dub(wrong))
    assert bad(found) == {
        "loudness_error": Level.FAILED,
        "clipping": Level.FAILED,
        "speech_over_rest": Level.DEGRADED,  # what clipping adds lies over the voice
        "true_peak": Level.FAILED,
        "duration_error": Level.FAILED,
        "sound_late": Level.FAILED,
    }


def test_another_voice_is_not_called_cloned(made: Made) -> None:
    hum = 0.1 * np.sin(2 * np.pi * 150 * np.arange(8 * RATE_HZ) / RATE_HZ).astype(np.float32)
    stranger = VoiceProfile(
        speaker="speaker 1", engine="tone", reference=made.wav(hum), style=made.dialogue, is_cloned=True
    )
    found = made.review(cast=Cast(locale=Locale("pt-BR"), voices=(stranger,)))
    assert bad(found) == {"speaker_similarity": Level.DEGRADED}
    chosen = stranger.model_copy(update={"is_cloned": False, "is_chosen": True, "made_of": "stock voice x"})
    found = made.review(cast=Cast(locale=Locale("pt-BR"), voices=(chosen,)))
    assert bad(found) == {}
    said = [finding.message for finding in found.findings if finding.check == "speaker_similarity"]
    assert said == ["speaker 1 does not speak in their own voice, as the cast asks: stock voice x."]


def test_silence_is_a_failure_and_no_crash(made: Made) -> None:
    silent = np.zeros(8 * RATE_HZ, np.float32)
    quiet = made.wav(silent)
    takes = tuple(
        take.model_copy(update={"audio": made.wav(silent[: take.n_samples])}) for take in made.timeline.placed
    )
    timeline = made.timeline.model_copy(update={"dialogue": quiet, "placed": takes})
    found = made.review(judges(("", "", "", "")), timeline=timeline, dub=made.dub(made.video(dubs.N_FRAMES, silent)))
    assert {"line_level", "language_heard", "word_error", "loudness_error", "sound_late"} <= set(bad(found))
    assert found.verdict is Level.FAILED
