"""A check of the voice: did it read the line's words, or name its letters, or swallow a part."""

from __future__ import annotations

from statistics import median

from dub.check_timing import worst_or_all
from dub.finding import Finding
from dub.gates import Gates
from dub.script import Take, Takes
from lang.bcp47 import Locale
from lang.speech_rate import expected_seconds

_MORE_S = 0.3
_LESS_S = 0.15
"""Final lengthening that a very short line may have more, and trimming that it may have less, than its text says."""
_ENOUGH_TAKES = 4
_NATURAL = (0.7, 1.5)
"""A voice's own tempo against the expected, within which it excuses no missing words."""


def check_speech_rate(takes: Takes, gates: Gates) -> tuple[Finding, ...]:
    """Lines that took much longer than their text (read letter by letter, most often because the voice does not know
    the script) or much shorter (words swallowed, or the take cut off), at tempo 1 and before any time-stretch.

    A line is held too long against what its text needs, too short against this voice's own tempo as well.
    """
    ratios = {take.utterance_id: seconds_at_tempo_1(take) / _expected(take, takes.locale) for take in takes.takes}
    if not ratios:
        return ()
    tempo = _tempo(list(ratios.values()))
    findings = [_of_take(take, takes.locale, tempo, gates) for take in takes.takes]
    most = max(max(ratio, 1 / ratio) for ratio in ratios.values())
    said = f"Every line took the time its text needs (at most {most:.1f} times more or less)."
    return tuple(worst_or_all(findings, gates.finding("speech_rate", 1.0, said)))


def spoken_to_expected(takes: Takes) -> float | None:
    """Seconds of the line that is furthest from what its text needs, to those; None without lines."""
    ratios = [seconds_at_tempo_1(take) / _expected(take, takes.locale) for take in takes.takes]
    return max(ratios, key=lambda ratio: max(ratio, 1 / ratio), default=None)


def seconds_at_tempo_1(take: Take) -> float:
    """What a take would last had no speed been asked of the voice, and no pause been put in."""
    return float(take.spoken_duration) * take.speed


def _expected(take: Take, locale: Locale) -> float:
    return max(expected_seconds(take.text, locale), 0.1)


def _tempo(ratios: list[float]) -> float:
    """The voice's own tempo, where enough lines tell it."""
    if len(ratios) < _ENOUGH_TAKES:
        return 1.0
    slowest, fastest = _NATURAL
    return min(max(median(ratios), slowest), fastest)


def _of_take(take: Take, locale: Locale, tempo: float, gates: Gates) -> Finding:
    lasted, expected = seconds_at_tempo_1(take), _expected(take, locale)
    too_long = lasted / (expected + _MORE_S)
    too_short = max(expected * tempo - _LESS_S, 0.0) / max(lasted, 0.01)
    times = f"The line was said in {lasted:.1f} s, where its text needs about {expected:.1f} s."
    if too_long >= too_short:
        todo = "The voice may have named its letters: listen, and choose another voice for this language."
    else:
        todo = "A part of it may be missing: listen, and dub it again."
    return gates.finding("speech_rate", max(too_long, too_short), times, todo=todo, utterance_id=take.utterance_id)
