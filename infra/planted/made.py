"""All that one language's dub was made of, so that any part of it can be spoiled and the whole be reviewed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dub.artifact import Artifact
from dub.captions import Captions
from dub.cast import Cast
from dub.finding import Review
from dub.lips import LipSync
from dub.media import ffmpeg_exe, run_tool
from dub.mix import Dub, Mix
from dub.on_screen import OnScreen
from dub.plan import Job
from dub.prosody import SourceProsody
from dub.script import DubScript, Takes, Timeline, Translation
from dub.source import FaceTrack, Source, Stems
from dub.stage import Desk, EngineChoice
from dub.subtitles import Cue, Subtitles, to_srt
from dub.timed_script import parse
from dub.turns import Turns
from dub.wav import WAV, open_wav, write_wav
from lang.bcp47 import Locale
from tasks.translation_way import Way

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Made:
    """What `review` takes, and what a spoiled sound is mixed and muxed from again."""

    desk: Desk
    source: Source
    stems: Stems
    script: DubScript
    translation: Translation
    cast: Cast
    takes: Takes
    timeline: Timeline
    mix: Mix
    track: FaceTrack
    on_screen: OnScreen
    lips: LipSync
    subtitles: Subtitles
    dub: Dub
    judges: tuple[EngineChoice, ...]
    prosody: SourceProsody
    turns: Turns
    seen: tuple[FaceTrack, ...]
    captions: Captions | None
    way_back: Way | None
    voice: EngineChoice
    aligner: EngineChoice
    reader: EngineChoice | None

    @property
    def locale(self) -> Locale:
        return self.timeline.locale

    @property
    def n_samples(self) -> int:
        """Of the title, at 48 kHz."""
        return int(open_wav(self.desk.open_store().path(self.timeline.dialogue))[0].shape[1])

    def reviewed(self) -> Review:
        from tasks.review import review
        from tasks.translate_back import translate_back

        back = translate_back(self.desk, self.translation, self.way_back) if self.way_back else None
        return review(
            self.desk, self.source, self.stems, self.script, self.translation, self.cast, self.takes, self.timeline,
            self.mix, self.track, self.on_screen, self.lips, self.dub, self.judges, self.prosody, self.turns, self.seen,
            back=back, captions=self.captions,
        )  # fmt: skip

    def with_timeline(self, timeline: Timeline) -> Made:
        """Mixed and muxed again with other takes; the picture stays."""
        from tasks.mix import mix

        mixed = mix(self.desk, self.source, self.stems, self.script, timeline, self.mix.target_lufs, self.prosody)
        return replace(self, timeline=timeline, mix=mixed, dub=self._muxed(mixed))

    def with_dialogue(self, dialogue: Samples) -> Made:
        """As if the dub's voice had come out like this, (1, n_samples): the finished sound is changed alike."""
        old, mixed = self.sound_of(self.timeline.dialogue)[0], self.sound_of(self.mix.audio)
        gains = np.full(len(old), _gain(mixed.mean(axis=0), old), np.float32)
        for take in self.timeline.placed:
            own = slice(take.start_sample, take.end_sample)
            gains[own] = _gain(mixed[:, own].mean(axis=0), old[own])
        spoiled = self.with_mix(self.put_sound(mixed + gains * (dialogue - old)))
        timeline = self.timeline.model_copy(update={"dialogue": self.put_sound(dialogue)})
        return replace(spoiled, timeline=timeline)

    def spoken_by(self, cast: Cast) -> Made:
        """Every line spoken anew by another cast; the review still knows the right one."""
        from tasks.fit import fit
        from tasks.speak import speak

        takes = speak(self.desk, self.script, self.translation, cast, self.voice, self.aligner, self.prosody)
        return self.with_timeline(fit(self.desk, self.source, self.script, takes, self.prosody))

    def cues(self) -> tuple[Cue, ...]:
        return parse(self.desk.open_store().path(self.subtitles.srt).read_bytes(), "cues.srt")

    def with_cues(self, change: Callable[[Cue], Cue]) -> Made:
        """Muxed again with every subtitle changed."""
        srt = self.desk.open_store().put_bytes(to_srt(tuple(map(change, self.cues()))).encode(), "application/x-subrip")
        spoiled = replace(self, subtitles=self.subtitles.model_copy(update={"srt": srt}))
        return replace(spoiled, dub=spoiled._muxed(self.mix))

    def with_captions(self, lines: tuple[Cue, ...]) -> Made | None:
        """As if the source's picture had these drawn into it; None where the plan does not look for captions."""
        from tasks.find_captions import find_captions

        if self.reader is None:
            return None
        store = self.desk.open_store()
        with store.scratch() as folder:
            (folder / "lines.srt").write_text(to_srt(lines), "utf-8")
            drawn, film = folder / "drawn.mp4", store.path(self.source.original)
            graph = f"subtitles={folder / 'lines.srt'}"
            run_tool([ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", str(film), "-vf", graph, str(drawn)], 300)
            source = self.source.model_copy(update={"original": store.put(drawn, "video/mp4")})
        return replace(self, captions=find_captions(self.desk, source, self.script, self.reader))

    def with_mix(self, audio: Artifact) -> Made:
        """Muxed again with another finished sound, of which the mix stage knows nothing."""
        mixed = self.mix.model_copy(update={"audio": audio})
        return replace(self, mix=mixed, dub=self._muxed(mixed))

    def _muxed(self, mixed: Mix) -> Dub:
        from tasks.remux import remux

        return remux(self.desk, self.source, self.lips, mixed, self.subtitles, self.locale, self.script, self.cast)

    def with_file(self, *arguments: str, is_picture_new: bool = False) -> Made:
        """The finished file through ffmpeg. `arguments`: between input and output, `{film}` is the film's path."""
        store = self.desk.open_store()
        film = store.path(self.dub.video)
        with store.scratch() as folder:
            spoiled = folder / "spoiled.mp4"
            filled = [argument.replace("{film}", str(film)) for argument in arguments]
            run_tool(
                [ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", str(film), *filled, str(spoiled), "-y"], 300
            )
            dub = self.dub.model_copy(update={"video": store.put(spoiled, "video/mp4")})
        return replace(self, dub=dub, seen=() if is_picture_new else self.seen)

    def sound_of(self, artifact: Artifact) -> Samples:
        """A copy that may be changed: float32 (n_channels, n_samples)."""
        return np.array(open_wav(self.desk.open_store().path(artifact))[0])

    def put_sound(self, samples: Samples, rate_hz: int = 48_000) -> Artifact:
        store = self.desk.open_store()
        with store.scratch() as folder:
            write_wav(folder / "spoiled.wav", samples, rate_hz)
            return store.put(folder / "spoiled.wav", WAV)


def _gain(mixed: Samples, voice: Samples) -> float:
    """At which the voice stands in the mix: least squares."""
    return float(np.vdot(mixed, voice) / max(float(np.vdot(voice, voice)), 1e-12))


@contextmanager
def dubs_of(job: Job) -> Iterator[dict[Locale, Made]]:
    """Dub a title (from the memo, where it was done before); what each language is made of."""
    from flows.dub_title import OncePerLocale, dub_into, prepare_source
    from flows.preflight import check, find_way_back, find_ways

    prepared = check(job)
    judges = tuple(
        engine
        for family in ("asr", "speaker", "face", "speech_quality", "language_id")
        for engine in prepared.engines[family]
    )
    with prepared.desk.at_work():
        shared = prepare_source(prepared)
        spoken = shared.script.result().source_locale
        stories = [
            dub_into(locale, find_ways(prepared.job, prepared.plan, spoken, locale), prepared, shared)
            for locale in job.targets
        ]
        yield {
            story.locale: Made(
                desk=prepared.desk,
                source=shared.source.result(),
                stems=shared.stems.result(),
                script=shared.script.result(),
                translation=story.translation.result(),
                cast=story.cast.result(),
                takes=story.takes.result(),
                timeline=story.timeline.result(),
                mix=story.mix.result(),
                track=shared.faces.result(),
                on_screen=shared.on_screen.result(),
                lips=story.lips.result(),
                subtitles=story.subtitles.result(),
                dub=story.dub.result(),
                judges=judges,
                prosody=shared.prosody.result(),
                turns=shared.turns.result(),
                seen=tuple(part.result() for part in story.seen_parts.values()),
                captions=shared.captions.result() if shared.captions else None,
                voice=prepared.voices[story.locale],
                aligner=prepared.engine("aligner"),
                reader=next(iter(prepared.engines["screen_text"]), None),
                way_back=find_way_back(prepared.plan, story.locale, spoken),
            )
            for story in stories
            if isinstance(story, OncePerLocale)
        }
