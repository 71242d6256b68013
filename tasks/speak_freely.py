"""Speak freely: every line at the voice's own pace: nobody's slots have to be met."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dub.cast import Cast
from dub.progress import report
from dub.script import Take, Takes, TranslatedLine, Translation
from dub.stage import Desk, EngineChoice, stage
from tasks.speak import speak_line, tells_phoneme_times


@stage(version=1, n_cpu=2)
def speak_freely(
    desk: Desk,
    translation: Translation,
    cast: Cast,
    engine: EngineChoice,
    aligner: EngineChoice | None = None,
) -> Takes:
    """One take per line, in order, at tempo 1. Lines are remembered one by one. `aligner`: see speak_line."""
    finder = None if tells_phoneme_times(engine) else aligner
    style = cast.voices[0].style

    def say(line: TranslatedLine) -> Take:
        return speak_line(desk, line.utterance_id, line.text, translation.locale, style, 1.0, engine, finder)

    takes: list[Take] = []
    with ThreadPoolExecutor(max_workers=desk.n_threads) as threads:
        for take in threads.map(say, translation.lines):
            takes.append(take)
            report(len(takes), len(translation.lines))
    return Takes(locale=translation.locale, voice_engine=engine.id, takes=tuple(takes))
