"""The faults that are planted, each at a size that a viewer would complain of, with the checks that must catch it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from dub.check_voice_steady import LEAST_LINES
from dub.script import PlacedTake, Timeline, Translation
from dub.subtitles import Cue
from dub.timecode import Span
from infra.planted.made import Made, Samples
from lang.bcp47 import Locale
from lang.names import names
from tasks.review_steadiness import SHORTEST_S

RATE_HZ = 48_000
Others = Mapping[Locale, Made]


@dataclass(frozen=True)
class Fault:
    """`size`: how much of it, in words. `caught_by`: checks of which one at least must not be ok. `plant`: the dub with
    the fault, None where it has nothing to spoil; the second argument holds the title's other languages."""

    name: str
    size: str
    caught_by: tuple[str, ...]
    plant: Callable[[Made, Others], Made | None]


def _longest(made: Made) -> PlacedTake:
    return max(made.timeline.placed, key=lambda take: take.n_samples)


def _with_dialogue(made: Made, change: Callable[[Samples], None]) -> Made:
    """`change` spoils the mono dialogue, float32 (n_samples,), in place."""
    dialogue = made.sound_of(made.timeline.dialogue)
    change(dialogue[0])
    return made.with_dialogue(dialogue)


def _with_lines(made: Made, change: Callable[[list[str]], None]) -> Made:
    """`change` spoils the translated lines' texts in place; what is spoken stays."""
    lines = list(made.translation.lines)
    texts = [line.text for line in lines]
    change(texts)
    changed = tuple(line.model_copy(update={"text": text}) for line, text in zip(lines, texts, strict=True))
    return replace(made, translation=made.translation.model_copy(update={"lines": changed}))


def _wrong_language(made: Made, others: Others) -> Made | None:
    other = next((each for locale, each in others.items() if locale.language != made.locale.language), None)
    if other is None:
        return None
    text_of = {take.utterance_id: take.text for take in made.timeline.placed}
    placed = tuple(
        take.model_copy(update={"text": text_of.get(take.utterance_id, take.text)}) for take in other.timeline.placed
    )
    return made.with_timeline(other.timeline.model_copy(update={"locale": made.locale, "placed": placed}))


def _last_word_cut(made: Made, _: Others) -> Made:
    take = _longest(made)

    def cut(dialogue: Samples) -> None:
        dialogue[take.end_sample - round(0.4 * RATE_HZ) : take.end_sample] = 0

    return _with_dialogue(made, cut)


def _line_silent(made: Made, _: Others) -> Made:
    take = _longest(made)

    def silence(dialogue: Samples) -> None:
        dialogue[take.start_sample : take.end_sample] = 0

    return _with_dialogue(made, silence)


def _another_voice(made: Made, _: Others) -> Made:
    """Five semitones up at the same speed: as another person."""
    return _revoiced(made, made.timeline.placed)


def _one_line_in_another_voice(made: Made, _: Others) -> Made | None:
    n_long = sum(take.n_samples >= SHORTEST_S * RATE_HZ for take in made.timeline.placed)
    return _revoiced(made, (_longest(made),)) if n_long >= LEAST_LINES else None


def _revoiced(made: Made, takes: tuple[PlacedTake, ...]) -> Made:
    from dub.time_stretch import stretched

    dialogue = made.sound_of(made.timeline.dialogue)
    changed = {}
    for take in takes:
        sound = made.sound_of(take.audio)[0]
        faster = np.interp(np.arange(0, len(sound) - 1, 2 ** (5 / 12)), np.arange(len(sound)), sound).astype(np.float32)
        with made.desk.open_store().scratch() as folder:
            raised = stretched(faster[None], Fraction(len(sound), len(faster)), folder)[0, : len(sound)]
        raised = np.pad(raised, (0, len(sound) - len(raised)))
        end = min(take.end_sample, dialogue.shape[1])
        dialogue[0, take.start_sample : end] = raised[: end - take.start_sample]
        changed[take.utterance_id] = take.model_copy(update={"audio": made.put_sound(raised[None])})
    placed = tuple(changed.get(take.utterance_id, take) for take in made.timeline.placed)
    return made.with_timeline(made.timeline.model_copy(update={"placed": placed, "dialogue": made.put_sound(dialogue)}))


def _said_over_the_next(made: Made, _: Others) -> Made | None:
    """The longest take comes two seconds late."""
    return _moved(made, _longest(made), 2.0)


def _moved(made: Made, take: PlacedTake, by_s: float) -> Made | None:
    shift = round(by_s * RATE_HZ)
    dialogue = made.sound_of(made.timeline.dialogue)
    if take.end_sample + shift > dialogue.shape[1]:
        return None
    sound = made.sound_of(take.audio)[0][: take.n_samples]
    dialogue[0, take.start_sample : take.start_sample + len(sound)] -= sound
    dialogue[0, take.start_sample + shift : take.start_sample + shift + len(sound)] += sound
    phonemes = tuple(
        phoneme.model_copy(
            update={"start_sample": phoneme.start_sample + shift, "end_sample": phoneme.end_sample + shift}
        )
        for phoneme in take.phonemes
    )
    late = take.model_copy(update={"start_sample": take.start_sample + shift, "phonemes": phonemes})
    placed = tuple(late if each is take else each for each in made.timeline.placed)
    timeline: Timeline = made.timeline.model_copy(update={"placed": placed, "dialogue": made.put_sound(dialogue)})
    return made.with_timeline(timeline)


def _music_too_loud(made: Made, _: Others) -> Made:
    """A chord as loud as the voice, less 3 dB, over the whole title."""
    seconds = np.arange(made.sound_of(made.mix.audio).shape[1]) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * note_hz * seconds) for note_hz in (220.0, 277.2, 329.6, 440.0, 554.4))
    return _under_the_voice(made, np.asarray(chord, np.float32)[None], 3.0)


def _source_voice_left(made: Made, _: Others) -> Made:
    return _under_the_voice(made, made.sound_of(made.stems.dialogue), 12.0)


def _under_the_voice(made: Made, other: Samples, by_db: float) -> Made:
    """Another sound in the finished mix, `by_db` under the dub's voice, both where they sound."""
    mixed = made.sound_of(made.mix.audio)
    voice = np.concatenate([mixed[0, take.start_sample : take.end_sample] for take in made.timeline.placed])
    level = np.sqrt(np.mean(np.square(other[np.abs(other) > 1e-3 * np.abs(other).max()])))
    gain = np.sqrt(np.mean(np.square(voice))) / level * 10 ** (-by_db / 20)
    n = min(mixed.shape[1], other.shape[1])
    mixed[:, :n] += np.float32(gain) * other[:, :n]
    return made.with_mix(made.put_sound(mixed))


def _half_left_out(made: Made, _: Others) -> Made:
    def leave_out(texts: list[str]) -> None:
        place = max(range(len(texts)), key=lambda number: len(texts[number]))
        words = texts[place].split(" ")
        texts[place] = " ".join(words[: len(words) // 2])

    return _with_lines(made, leave_out)


def _copied(made: Made, _: Others) -> Made:
    source = {line.id: line.text for line in made.script.utterances}
    ids = [line.utterance_id for line in made.translation.lines]

    def copy(texts: list[str]) -> None:
        place = max(range(len(texts)), key=lambda number: len(source[ids[number]]))
        texts[place] = source[ids[place]]

    return _with_lines(made, copy)


def _swapped_texts(made: Made, _: Others) -> Made | None:
    """Two lines in each other's place, the most alike in length, so that only their meaning tells."""
    texts = [line.text for line in made.translation.lines]
    pairs = [(one, other) for one in range(len(texts)) for other in range(one) if min(_n_words(texts, one, other)) > 3]
    if not pairs:
        return None
    first, second = min(pairs, key=lambda pair: abs(len(texts[pair[0]]) - len(texts[pair[1]])))

    def swap(lines: list[str]) -> None:
        lines[first], lines[second] = lines[second], lines[first]

    return _with_lines(made, swap)


def _n_words(texts: list[str], *numbers: int) -> list[int]:
    return [len(texts[number].split()) for number in numbers]


def _name_lost(made: Made, _: Others) -> Made | None:
    found = [(number, name) for number, line in enumerate(made.translation.lines) for name in names(line.text)]
    if not found:
        return None
    place, name = found[0]

    def lose(texts: list[str]) -> None:
        texts[place] = texts[place].replace(name, "...")

    return _with_lines(made, lose)


def _spoken_twice(made: Made, _: Others) -> Made | None:
    """The shortest line once more, where nobody speaks."""
    take = min(made.timeline.placed, key=lambda each: each.n_samples)
    sound = made.sound_of(take.audio)[0, : take.n_samples]
    ends = [0, *sorted(each.end_sample for each in made.timeline.placed)]
    starts = [*sorted(each.start_sample for each in made.timeline.placed), made.n_samples]
    end, start = max(zip(ends, starts, strict=True), key=lambda gap: gap[1] - gap[0])
    if start - end < len(sound):
        return None

    def again(dialogue: Samples) -> None:
        dialogue[end : end + len(sound)] = sound

    return _with_dialogue(made, again)


def _speakers_swapped(made: Made, _: Others) -> Made | None:
    """Two people, each in the other's voice."""
    voices = made.cast.voices
    if len({voice.speaker for voice in voices}) != 2:
        return None
    names_swapped = zip(voices, reversed(voices), strict=True)
    swapped = tuple(voice.model_copy(update={"speaker": other.speaker}) for voice, other in names_swapped)
    return made.spoken_by(made.cast.model_copy(update={"voices": swapped}))


def _said_twice(made: Made, _: Others) -> Made | None:
    if len(made.translation.lines) < 2:
        return None

    def double(texts: list[str]) -> None:
        place = max(range(len(texts) - 1), key=lambda number: len(texts[number]))
        texts[place + 1] = texts[place]

    return _with_lines(made, double)


def _number_changed(made: Made, _: Others) -> Made | None:
    lines: Translation = made.translation
    if not any(char.isdigit() for line in lines.lines for char in line.text):
        return None

    def change(texts: list[str]) -> None:
        place = next(number for number, text in enumerate(texts) if any(map(str.isdigit, text)))
        texts[place] = "".join(str((int(char) + 1) % 10) if char.isdecimal() else char for char in texts[place])

    return _with_lines(made, change)


def _sound(name: str, size: str, caught_by: tuple[str, ...], graph: str) -> Fault:
    """The dub's sound through an ffmpeg filter; the rest of the file is copied."""
    arguments = ("-map", "0", "-c", "copy", "-filter:a:0", graph, "-c:a:0", "aac", "-b:a:0", "192k")
    return Fault(name, size, caught_by, lambda made, _: made.with_file(*arguments))


def _late(made: Made, _: Others) -> Made:
    end_s = float(made.source.video.duration)
    graph = f"adelay=300:all=1,atrim=end={end_s:.6f}"
    return made.with_file("-map", "0", "-c", "copy", "-filter:a:0", graph, "-c:a:0", "aac", "-b:a:0", "192k")


def _subtitles_too_fast(made: Made, _: Others) -> Made:
    def hurry(cue: Cue) -> Cue:
        return cue.model_copy(update={"span": Span(start=cue.span.start, end=cue.span.start + cue.span.duration / 3)})

    return made.with_cues(hurry)


def _subtitles_on_one_line(made: Made, _: Others) -> Made | None:
    if all("\n" not in cue.text for cue in made.cues()):
        return None
    return made.with_cues(lambda cue: cue.model_copy(update={"text": cue.text.replace("\n", " ")}))


def _captioned(made: Made, _: Others) -> Made | None:
    """The source's own lines, drawn into its picture."""
    lines = [(line.span, line.text) for line in made.script.utterances]
    return made.with_captions(tuple(Cue(span=span, text=text) for span, text in lines))


def _no_subtitles(made: Made, _: Others) -> Made:
    return made.with_file("-map", "0:v", "-map", "0:a", "-c", "copy")


def _frozen(made: Made, _: Others) -> Made:
    """From the first take's start on, the picture stands still."""
    first = min(take.start_sample for take in made.timeline.placed) / RATE_HZ
    frame = max(1, round(first * float(made.source.video.frame_rate)))
    last = made.source.video.n_frames - 1
    graph = f"[0:v]split[film][still];[film][still]freezeframes=first={frame}:last={last}:replace={frame}[v]"
    return made.with_file(
        "-filter_complex", graph, "-map", "[v]", "-map", "0:a", "-map", "0:s?", "-c", "copy",
        "-c:v", "libx264", "-crf", "18", "-preset", "veryfast",
        is_picture_new=True,
    )  # fmt: skip


def _sources_mouth(made: Made, _: Others) -> Made:
    """The source's own picture under the dub, as if lip-sync had not been put in."""
    original = str(made.desk.open_store().path(made.source.original))
    streams = ("-map", "1:v:0", "-map", "0:a", "-map", "0:s?")
    return made.with_file("-i", original, *streams, "-c", "copy", is_picture_new=True)


def _cut_short(made: Made, _: Others) -> Made:
    seconds = float(made.source.video.duration) - 1
    return made.with_file("-map", "0", "-c", "copy", "-t", f"{seconds:.3f}", is_picture_new=True)


FAULTS: tuple[Fault, ...] = (
    Fault("wrong language spoken", "all lines", ("language_heard", "word_error"), _wrong_language),
    Fault("last word cut off", "0.4 s of one line", ("words_lost", "line_word_error", "word_error"), _last_word_cut),
    Fault("a line not spoken", "one line", ("words_lost", "line_level"), _line_silent),
    Fault("another voice", "5 semitones up", ("voice_as_cast", "speaker_similarity"), _another_voice),
    Fault("one line in another voice", "5 semitones up", ("voice_steady",), _one_line_in_another_voice),
    Fault("speakers swapped", "two people", ("voice_as_cast", "speaker_similarity"), _speakers_swapped),
    Fault("a line spoken twice", "the shortest one", ("speech_outside_slot", "word_error"), _spoken_twice),
    Fault("a line late", "2 s", ("piled_speech", "overrun", "closure_recall"), _said_over_the_next),
    Fault("music too loud", "3 dB under the voice", ("speech_over_rest",), _music_too_loud),
    Fault("source's voice left in", "12 dB under the dub's", ("source_voice_left",), _source_voice_left),
    Fault("half a line left out", "of the longest", ("line_meaning_kept", "sentences_kept"), _half_left_out),
    Fault("a line left untranslated", "the longest", ("copied_lines",), _copied),
    Fault("a line said twice", "the next one's place", ("said_twice",), _said_twice),
    Fault("two lines exchanged", "those most alike in length", ("line_meaning_kept", "meaning_kept"), _swapped_texts),
    Fault("a name lost", "one name", ("names_kept",), _name_lost),
    Fault("a number changed", "one line", ("numbers_kept",), _number_changed),
    Fault("sound late", "300 ms", ("sound_late",), _late),
    _sound("sound early", "150 ms", ("sound_early",), "atrim=start=0.15,asetpts=PTS-STARTPTS,apad=pad_dur=0.15"),
    _sound("clipped", "12 dB over full scale", ("clipping",), "volume=18dB,aformat=s16,aformat=fltp,volume=-18dB"),
    _sound("too quiet", "8 dB", ("loudness_error",), "volume=-8dB"),
    _sound("peaks over full scale", "6 dB up", ("true_peak",), "volume=6dB"),
    _sound("a hole", "2 s", ("sound_holes",), "volume=0:enable='between(t,2,4)'"),
    Fault("subtitles too fast", "a third of their time", ("subtitle_speed",), _subtitles_too_fast),
    Fault("subtitles on one line", "those of two lines", ("subtitle_layout",), _subtitles_on_one_line),
    Fault("captions in the picture", "every line", ("burned_in_captions",), _captioned),
    Fault("no subtitles", "none", ("subtitles_there",), _no_subtitles),
    Fault("cut short", "1 s", ("duration_error",), _cut_short),
    Fault("frozen picture", "while the dub speaks", ("closure_recall", "false_closures"), _frozen),
    Fault("source's mouth", "every frame", ("source_lips_left", "closure_recall"), _sources_mouth),
)
