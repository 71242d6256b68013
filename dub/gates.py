"""Gates: what a dub must measure up to, each limit with the source of its default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from dub.artifact import Record
from dub.errors import BadInput
from dub.finding import Finding, Level
from dub.limit import Limit, LimitChange
from dub.timecode import Span


class Gates(Record):
    """One limit per check. The field's name is the check's name in every Finding."""

    word_error: Limit = Limit(
        what="Words misheard when a recogniser listens to the dub",
        better="low",
        ok=0.25,
        failed=0.5,
        source="project limit; the recogniser alone mishears 5-15 % of native speech in its better languages",
    )
    line_word_error: Limit = Limit(
        what="Words of one line misheard",
        better="low",
        ok=0.5,
        source="project limit: twice the overall one, because a line has few words",
    )
    speech_outside_slot: Limit = Limit(
        what="Speech heard where no line is placed",
        better="low",
        ok=0.3,
        unit="s",
        source="project limit: the overrun limit",
    )
    line_level: Limit = Limit(
        what="Loudest 50 ms of a line",
        better="high",
        ok=-50.0,
        failed=-60.0,
        unit="dBFS",
        source="project limit: -60 dBFS is the usual floor of a silence detector",
    )
    speech_rate: Limit = Limit(
        what="Time a line took to say against what its text needs, the longer by the shorter",
        better="low",
        ok=2.0,
        failed=2.5,
        unit="x",
        source="measured: 576 clauses of espeak-ng in 97 locales lie within 0.73-1.58; letters named, 2.2-5",
    )
    stretch_high: Limit = Limit(
        what="Slowing down by time-stretch",
        better="low",
        ok=1.23,
        failed=1.36,
        unit="x",
        source="speech slowed to less than 0.82 of its speed drags (peers' floor); 1.35 is the most ever asked for",
    )
    stretch_low: Limit = Limit(
        what="Speeding up by time-stretch",
        better="high",
        ok=0.79,
        failed=0.73,
        unit="x",
        source="up to 1.25 times the speed peers call safe (0.8 of the length); 1.35 is the most ever asked for",
    )
    overrun: Limit = Limit(
        what="Speech beyond its slot",
        better="low",
        ok=0.3,
        failed=2.0,
        unit="s",
        source="project limit: the gap that peers keep between lines is 0.1-0.3 s",
    )
    piled_speech: Limit = Limit(
        what="Two lines of the dub at once",
        better="low",
        ok=0.05,
        failed=0.5,
        unit="s",
        source="project limit: longer than one plosive is heard as an interruption",
    )
    closure_recall: Limit = Limit(
        what="Lips closed on p, b and m",
        better="high",
        ok=0.90,
        failed=0.50,
        source="real speech closes 28 of 28 (7 clips); after the Bilabial Closure Score, arXiv 2606.13630",
    )
    false_closures: Limit = Limit(
        what="Lips shut inside open vowels",
        better="low",
        ok=0.60,
        source="real speech reaches 0.17-0.60 where closures of neighbours count too (measured on 7 clips)",
    )
    silence_stability: Limit = Limit(
        what="Lip movement while nobody speaks",
        better="low",
        ok=0.03,
        unit="eye distances",
        source="Silent Lip Stability of THEval, arXiv 2511.04520; limit: a third of speech's median aperture",
    )
    source_lips_left: Limit = Limit(
        what="Lips that still speak the source's words",
        better="low",
        ok=0.3,
        unit="s",
        source="project limit: the shortest silence in which a mouth is expected at rest (THEval)",
    )
    rendered_share: Limit = Limit(
        what="Speech frames with a frontal face that were re-rendered",
        better="high",
        ok=0.95,
        failed=0.5,
        source="project goal",
    )
    wrong_mouth: Limit = Limit(
        what="Mouths moved of faces that have nothing to say",
        better="low",
        ok=0.2,
        failed=2.0,
        unit="s",
        source="project limit: five frames are hardly seen, two seconds are a sentence in the wrong mouth",
    )
    unclear_speaker: Limit = Limit(
        what="Speech over a face that nobody could be told to say",
        better="low",
        ok=0.1,
        source="project limit; dialogues made of real clips leave 0-4 % in doubt (docs/on-screen.md)",
    )
    sharpness_ratio: Limit = Limit(
        what="Sharpness of the dub's mouth against the source's",
        better="high",
        ok=0.7,
        failed=0.3,
        unit="x",
        source="project limit on the ratio of Laplacian energies; 1.0 is as sharp as the source",
    )
    flicker_ratio: Limit = Limit(
        what="Flicker of the dub's mouth against the source's",
        better="low",
        ok=2.0,
        failed=4.0,
        unit="x",
        source="project limit on the ratio of second differences in time; 1.0 is as steady as the source",
    )
    speech_quality: Limit = Limit(
        what="Quality of the speech (DNSMOS overall, 1-5)",
        better="high",
        ok=2.6,
        failed=2.0,
        source="measured: robotic formant speech 2.81, read human speech 3.11; 2 is 'poor' in ITU-T P.835",
    )
    loudness_error: Limit = Limit(
        what="Distance from the loudness target",
        better="low",
        ok=1.0,
        failed=4.0,
        unit="LU",
        source="EBU R 128 s1 allows +-1.0 LU where a programme cannot be normalised exactly",
    )
    true_peak: Limit = Limit(
        what="True peak",
        better="low",
        ok=-1.0,
        failed=0.0,
        unit="dBTP",
        source="EBU R 128: maximum permitted true peak -1 dBTP; above 0 it clips",
    )
    clipping: Limit = Limit(
        what="Waves with their tops cut off at one height",
        better="low",
        ok=1.5,
        failed=4.0,
        unit="x",
        source="measured: 0.8-1.3 in clean recordings, 1.3-3.8 cut off 6 dB under the peak, 3-8 at 12 dB",
    )
    sound_holes: Limit = Limit(
        what="Sound of the source that is dead silence in the dub",
        better="low",
        ok=0.7,
        failed=5.0,
        unit="s",
        source="project limit: a longer hole sounds like a broken file",
    )
    words_lost: Limit = Limit(
        what="Words of a line that are not in the finished sound",
        better="low",
        ok=0.15,
        failed=1.0,
        unit="s",
        source="project promise: nobody's sentence is cut; up to two windows of 0.1 s may be drowned by other sound",
    )
    speech_over_rest: Limit = Limit(
        what="The dub's voice over all other sound while it speaks",
        better="high",
        ok=9.0,
        failed=0.0,
        unit="dB",
        source="speech is followed without effort from about 10 dB over its background on; at 0 words are lost",
    )
    source_voice_left: Limit = Limit(
        what="The source's own voice against the dub's",
        better="low",
        ok=-20.0,
        failed=-8.0,
        unit="dB",
        source="project limit; WCAG 2.1, 1.4.7 calls sound 20 dB under the voice no background at all",
    )
    voice_as_cast: Limit = Limit(
        what="How much less like the speaker the lines sound than the voice did that was made for them",
        better="low",
        ok=0.15,
        unit="cosine",
        source="measured: 0.03 and less in 3 dubs; with the same voice 5 semitones higher 0.29 and more",
    )
    voice_steady: Limit = Limit(
        what="How much less like its speaker's other lines one line sounds than they do among themselves",
        better="low",
        ok=0.2,
        unit="cosine",
        source="measured in 3 languages: 48 right lines lie within 0.13, a voice 5 semitones higher 0.38 away",
    )
    duration_error: Limit = Limit(
        what="Length of the dub against the source",
        better="low",
        ok=1.0,
        failed=1.0,
        unit="frames",
        source="project promise: the source's duration to within a frame",
    )
    upload_limits: Limit = Limit(
        what="Size or length of the file against what a place takes that it is uploaded to",
        better="low",
        ok=1.0,
        unit="x",
        source="the places' own help pages (dub/upload_limits.py), or the plan",
    )
    sound_early: Limit = Limit(
        what="Sound ahead of the picture",
        better="low",
        ok=40.0,
        failed=90.0,
        unit="ms",
        source="EBU R 37 (+40 ms) and ITU-R BT.1359 acceptability (+90 ms)",
    )
    sound_late: Limit = Limit(
        what="Sound behind the picture",
        better="low",
        ok=60.0,
        failed=185.0,
        unit="ms",
        source="EBU R 37 (-60 ms) and ITU-R BT.1359 acceptability (-185 ms)",
    )
    pauses_kept: Limit = Limit(
        what="Pauses inside the source's lines that the dub keeps",
        better="high",
        ok=0.5,
        source="project limit: word order leaves many translations no clause to pause at",
    )
    line_level_error: Limit = Limit(
        what="Loudness of a line against its speaker's others, dub against source",
        better="low",
        ok=3.0,
        unit="dB",
        source="project limit: 3 dB is clearly heard, 1 dB hardly",
    )
    speaker_level_error: Limit = Limit(
        what="Loudness of speakers against one another, dub against source",
        better="low",
        ok=1.0,
        failed=6.0,
        unit="dB",
        source="project limit: 1 dB is about the smallest difference that is heard",
    )
    questions_rise: Limit = Limit(
        what="Rise of the pitch at a question's end",
        better="high",
        ok=1.0,
        unit="semitones",
        source="project limit: statements fall by 1.5 to 10 (measured in 10 languages), a plain rise is 3 and more",
    )
    names_kept: Limit = Limit(
        what="Names of the source that the translation lacks",
        better="low",
        ok=0.0,
        source="project limit: a name is a fact",
    )
    sentences_kept: Limit = Limit(
        what="Sentences of a line that the translation lacks",
        better="low",
        ok=0.0,
        source="project limit: by count and by length, for translators join sentences",
    )
    meaning_kept: Limit = Limit(
        what="Likeness of the source and the translation put back into its language, median of the lines",
        better="high",
        ok=0.5,
        failed=0.25,
        source="chrF; measured: 0.66-0.89 where the engines are good, another line's translation reaches 0.24",
    )
    line_meaning_kept: Limit = Limit(
        what="The same of one line",
        better="high",
        ok=0.4,
        source="chrF; measured: 104 of 105 round trips lie over 0.42, one at 0.15 is wrong",
    )
    said_twice: Limit = Limit(
        what="Said twice where the source says it once",
        better="low",
        ok=0.0,
        source="project limit: the mark of a line that was placed, or translated, twice",
    )
    copied_lines: Limit = Limit(
        what="Lines left in the source's language",
        better="low",
        ok=0.0,
        failed=0.2,
        source="project limit: one untranslated line is an error, a fifth of them a failed translation",
    )
    length_ratio_high: Limit = Limit(
        what="Translation longer than the source line",
        better="low",
        ok=2.2,
        unit="x",
        source="project limit; published expansion from English reaches +25 %, +40 % from Japanese",
    )
    length_ratio_low: Limit = Limit(
        what="Translation shorter than the source line",
        better="high",
        ok=0.35,
        unit="x",
        source="project limit; published contraction from English reaches -35 %; half of that is suspicious",
    )
    burned_in_captions: Limit = Limit(
        what="Lines over which the source's picture shows captions",
        better="low",
        ok=0.1,
        source="project limit: one sign in ten lines is no caption; a person decides, no dub fails by it",
    )
    subtitle_speed: Limit = Limit(
        what="Reading speed of the fastest subtitle, against what can be read",
        better="low",
        ok=1.0,
        unit="x",
        source="Netflix Timed Text Style Guides: 20 characters a second for adults; Chinese 11, Korean 14, Japanese 7",
    )
    subtitle_layout: Limit = Limit(
        what="Subtitles with too many lines, or too long ones",
        better="low",
        ok=0.0,
        source="Netflix Timed Text Style Guides: two lines of 42 characters; Chinese and Korean 16, Japanese 13",
    )
    reading_order: Limit = Limit(
        what="Subtitles that run from the wrong side",
        better="low",
        ok=0.0,
        failed=0.0,
        source="Unicode Bidirectional Algorithm (UAX #9), rules P2 and P3",
    )
    source_language: Limit = Limit(
        what="Certainty of the source's language",
        better="high",
        ok=0.5,
        source="project limit: under one half, another language is as likely",
    )

    def finding(
        self,
        check: str,
        value: float,
        message: str,
        *,
        todo: str = "",
        utterance_id: str = "",
        span: Span | None = None,
    ) -> Finding:
        """A value judged by the limit of this name; `todo` is said only when it is not ok."""
        limit = self[check]
        level = limit.level(value)
        shown = limit.failed if level is Level.FAILED and limit.failed is not None else limit.ok
        return Finding(
            level=level,
            check=check,
            message=message if level is Level.OK or not todo else f"{message} {todo}",
            value=float(value) if value == value else None,
            limit=shown,
            unit=limit.unit,
            utterance_id=utterance_id,
            span=span,
        )

    def changed(self, changes: Mapping[str, LimitChange]) -> Gates:
        """With a plan's own limits. Raises BadInput for a check that has none, and for limits out of order."""
        limits = {}
        for check, change in changes.items():
            if check not in Gates.model_fields:
                near = difflib.get_close_matches(check, Gates.model_fields, n=3)
                raise BadInput(
                    f"the plan's gates: no check is called {check!r}", mend=f"one of: {', '.join(near) or '...'}"
                )
            limits[check] = self[check].changed(change, check)
        return self.model_copy(update=limits)

    def __getitem__(self, check: str) -> Limit:
        limit = getattr(self, check)
        assert isinstance(limit, Limit)
        return limit


DEFAULT_GATES = Gates()


def not_measured(check: str, why: str, *, matters: bool) -> Finding:
    """A check that gave no number. `matters`: degraded, because a human has to look instead; else there was
    nothing to measure (no face in the picture) and the dub is no worse for it."""
    return Finding(level=Level.DEGRADED if matters else Level.OK, check=check, message=f"Not measured: {why}")
