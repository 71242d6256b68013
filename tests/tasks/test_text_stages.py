"""The stages between sound and lines: transcribe, read script, translate, subtitle."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dub import media
from dub.artifact import Artifact
from dub.errors import BadInput, NoSpeech
from dub.script import DubScript, PlacedTake, Timeline, Translation, Utterance
from dub.source import Source, Stems, VideoFacts
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from dub.timed_script import parse
from dub.turns import Turn, Turns
from engines import registry
from engines.translation.routing import find_route
from flows.preflight import choose
from lang.bcp47 import Locale
from tasks.ingest import ingest
from tasks.read_script import read_script, read_translation
from tasks.separate import separate
from tasks.subtitle import subtitle
from tasks.transcribe import transcribe
from tasks.translate import translate

needs_apertium = pytest.mark.skipif(
    shutil.which("apertium") is None, reason="needs Debian's apertium, apertium-es-pt and apertium-por-cat (make tools)"
)
EN, ES, PT = Locale("en"), Locale("es"), Locale("pt-BR")
RATE_HZ = 48_000
SPOKEN = [(0.5, 2.0, "Good morning, Jordi."), (3.5, 5.0, "I love the city.")]


def heard(locale: str = "en", english: tuple[str, ...] = ("", "")) -> dict[str, Any]:
    return {
        "locale": locale,
        "language_probability": 0.4,
        "segments": [
            {"text": text, "start_s": start, "end_s": end, "english": english[number]}
            for number, (start, end, text) in enumerate(SPOKEN)
        ],
    }


def scripted(options: dict[str, Any]) -> EngineChoice:
    spec = registry.spec("asr", "scripted")
    return EngineChoice(family="asr", id="scripted", fingerprint=spec.fingerprint(options), options=options)


def stem(desk: Desk, spans: list[tuple[float, float]], length_s: float = 6.0) -> Artifact:
    """Noise where somebody speaks, silence elsewhere."""
    samples = np.zeros(round(length_s * RATE_HZ), np.float32)
    random = np.random.default_rng(1)
    for start, end in spans:
        first, last = round(start * RATE_HZ), round(end * RATE_HZ)
        samples[first:last] = random.normal(0, 0.1, last - first)
    store = desk.open_store()
    with store.scratch() as folder:
        media.write_wav(folder / "stem.wav", samples, RATE_HZ)
        return store.put(folder / "stem.wav", "audio/wav")


def source_of(sound: Artifact, length_s: int = 6) -> Source:
    facts = VideoFacts(width_px=64, height_px=64, frame_rate=Fraction(25), n_frames=25 * length_s)
    return Source(title="talk", original=sound, video=facts, programme=sound, n_source_channels=1, mean_level_db=-20.0)


def script_of(*lines: tuple[float, float, str], locale: Locale = EN, pivot: dict[str, str] | None = None) -> DubScript:
    return DubScript(
        source_locale=locale,
        duration=Fraction(6),
        utterances=tuple(
            Utterance(id=f"u{number:04}", speaker="s1", span=Span.of_seconds(start, end), text=text)
            for number, (start, end, text) in enumerate(lines, start=1)
        ),
        pivot=pivot or {},
    )


def given(desk: Desk, content: str) -> Artifact:
    return desk.open_store().put_bytes(content.encode(), "text/plain")


def test_transcribe_puts_what_is_heard_where_it_sounds(desk: Desk) -> None:
    sound = stem(desk, [(0.62, 2.1), (3.4, 4.9)])
    script = transcribe(desk, source_of(sound), Stems(dialogue=sound, bed=sound), Turns(), None, scripted(heard()))
    assert [line.text for line in script.utterances] == ["Good morning, Jordi.", "I love the city."]
    assert (script.source_locale, script.language_probability, script.duration) == ("en", 0.4, 6)
    assert [(round(float(line.span.start), 1), round(float(line.span.end), 1)) for line in script.utterances] == [
        (0.6, 2.1),
        (3.4, 4.9),
    ]
    assert script.pivot == {}


def test_transcribe_gives_other_languages_their_english_line_by_line(desk: Desk) -> None:
    sound = stem(desk, [(0.5, 2.0), (3.5, 5.0)])
    engine = scripted(heard("ru", ("Morning.", "")))
    script = transcribe(desk, source_of(sound), Stems(dialogue=sound, bed=sound), Turns(), Locale("ru"), engine)
    assert script.source_locale == "ru"
    assert script.language_probability == 1.0
    assert script.pivot == {"u0001": "Morning."}, "a line that came to nothing is left out, not empty"


def spoken_by(*turns: tuple[str, float, float]) -> Turns:
    return Turns(turns=tuple(Turn(speaker=who, span=Span.of_seconds(start, end)) for who, start, end in turns))


def test_transcribe_gives_every_line_one_speaker(desk: Desk) -> None:
    sound = stem(desk, [(0.5, 2.0), (3.5, 5.0)])
    stems, turns = Stems(dialogue=sound, bed=sound), spoken_by(("s1", 0.5, 2.0), ("s2", 3.5, 4.3), ("s1", 4.3, 5.0))
    script = transcribe(desk, source_of(sound), stems, turns, None, scripted(heard()))
    assert [(line.speaker, line.text) for line in script.utterances] == [
        ("s1", "Good morning, Jordi."),
        ("s2", "I love"),
        ("s1", "the city."),
    ]


def test_transcribe_says_when_nobody_speaks(desk: Desk) -> None:
    silent = stem(desk, [])
    with pytest.raises(NoSpeech, match="--script"):
        transcribe(desk, source_of(silent), Stems(dialogue=silent, bed=silent), Turns(), EN, scripted(heard()))
    sound = stem(desk, [(0.5, 2.0)])
    with pytest.raises(NoSpeech):
        transcribe(desk, source_of(sound), Stems(dialogue=sound, bed=sound), Turns(), EN, scripted({"segments": []}))


def test_a_cue_without_a_speaker_is_said_by_whoever_is_heard(desk: Desk) -> None:
    sound = stem(desk, [(0.5, 2.0), (3.5, 5.0)])
    turns = spoken_by(("s1", 0.4, 2.1), ("s2", 3.4, 5.1))
    script = read_script(desk, given(desk, SRT), "talk.es.srt", ES, source_of(sound), turns)
    assert [line.speaker for line in script.utterances] == ["s1", "s2"]


SRT = "1\n00:00:00,500 --> 00:00:02,000\nBuenos días,\nJordi.\n\n2\n00:00:03,500 --> 00:00:06,200\nAmo la ciudad.\n"


def test_read_script_makes_one_utterance_per_cue(desk: Desk) -> None:
    sound = stem(desk, [])
    script = read_script(desk, given(desk, SRT), "talk.es.srt", ES, source_of(sound), Turns())
    assert [(line.id, line.text) for line in script.utterances] == [
        ("u0001", "Buenos días, Jordi."),
        ("u0002", "Amo la ciudad."),
    ]
    assert script.utterances[1].span.end == 6, "cut at the video's end"
    assert (script.source_locale, script.language_probability, script.recogniser) == ("es", 1.0, "given")


def test_read_script_takes_our_own_json(desk: Desk) -> None:
    own = script_of(*SPOKEN, pivot={"u0001": "x"})
    sound = stem(desk, [])
    back = read_script(desk, given(desk, own.model_dump_json()), "talk.json", EN, source_of(sound), Turns())
    assert back == own
    with pytest.raises(BadInput, match="is in en, not es"):
        read_script(desk, given(desk, own.model_dump_json()), "talk.json", ES, source_of(sound), Turns())


@pytest.mark.parametrize(
    ("content", "name", "fault"),
    [
        (
            SRT.replace("00:00:06,200", "00:00:09,000"),
            "a.srt",
            "line 7: it ends at 00:00:09.000, the video at 00:00:06.000",
        ),
        ("id,text\nu0001,Hi\n", "a.csv", "line 2: a script in the source's language needs times"),
        (json.dumps({"schema_version": 1, "utterances": []}), "a.json", "field 'source_locale'"),
    ],
)
def test_read_script_refuses_by_line(desk: Desk, content: str, name: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        read_script(desk, given(desk, content), name, ES, source_of(stem(desk, [])), Turns())


def texts(translation: Translation) -> list[str]:
    return [line.text for line in translation.lines]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (SRT, "a.srt"),
        ("id,text\nu0002,Amo la ciudad.\nu0001,\"Buenos días, Jordi.\"\n", "a.csv"),
        ('[{"id": "u0001", "text": "Buenos días, Jordi."}, {"id": "u0002", "text": "Amo la ciudad."}]', "a.json"),
        (  # three cues for two utterances
            "WEBVTT\n\n00:00.400 --> 00:01.200\nBuenos días,\n\n00:01.200 --> 00:02.100\nJordi.\n\n"
            "00:03.600 --> 00:05.500\nAmo la ciudad.\n",
            "a.vtt",
        ),
        ("start,end,text\n0.5,5.2,\"Buenos días, Jordi. Amo la ciudad.\"\n", "a.csv"),  # one cue for both
    ],
)  # fmt: skip
def test_read_translation_matches_by_id_or_time(desk: Desk, content: str, name: str) -> None:
    translation = read_translation(desk, given(desk, content), name, ES, script_of(*SPOKEN))
    assert texts(translation) == ["Buenos días, Jordi.", "Amo la ciudad."]
    assert (translation.locale, translation.route) == ("es", ("given",))


def test_read_translation_takes_our_own_json(desk: Desk) -> None:
    own = read_translation(desk, given(desk, SRT), "a.srt", ES, script_of(*SPOKEN))
    assert read_translation(desk, given(desk, own.model_dump_json()), "es.json", ES, script_of(*SPOKEN)) == own


def test_read_translation_lists_what_does_not_match(desk: Desk) -> None:
    content = SRT + "\n3\n00:00:20,000 --> 00:00:22,000\nAdiós.\n"
    script = script_of(*SPOKEN[:1], (2.6, 2.9, "Well,"), SPOKEN[1])
    with pytest.raises(BadInput) as refused:
        read_translation(desk, given(desk, content), "a.srt", ES, script)
    assert "line 11 (“Adiós.”) belongs to no utterance" in str(refused.value)
    assert "no line for u0002 at 00:00:02.600-00:00:02.900 (“Well,”)" in str(refused.value)


def test_translate_gives_every_utterance_its_line(desk: Desk) -> None:
    translation = translate(desk, script_of(*SPOKEN), ES, (find_route(EN, ES, ["pseudo"]),))
    assert [line.utterance_id for line in translation.lines] == ["u0001", "u0002"]
    assert texts(translation) == ["⟦es⟧ Good morning, Jordi.", "⟦es⟧ I love the city."]
    assert translation.route == ("pseudo en-es",)


def test_translate_takes_the_english_of_another_language_and_withholds_the_line_that_has_none(desk: Desk) -> None:
    route = find_route(Locale("ru"), ES, ["pseudo"], has_english=True)
    lines = ((0.5, 2.0, "Доброе утро"), (3.5, 5.0, "Люблю"))
    whole = script_of(*lines, locale=Locale("ru"), pivot={"u0001": "Good morning", "u0002": "I love it"})
    assert texts(translate(desk, whole, ES, (route,))) == ["⟦es⟧ Good morning", "⟦es⟧ I love it"]
    assert texts(translate(desk, whole, EN, ((),))) == ["Good morning", "I love it"]
    half = translate(desk, script_of(*lines, locale=Locale("ru"), pivot={"u0001": "Good morning"}), ES, (route,))
    assert texts(half) == ["⟦es⟧ Good morning"]
    assert [(line.utterance_id, line.reason) for line in half.withheld] == [
        ("u0002", "pseudo: there is no English for 'Люблю'")
    ]


def test_translate_refuses_the_language_that_is_spoken(desk: Desk) -> None:
    with pytest.raises(BadInput, match="the target en-GB is the language that is spoken"):
        translate(desk, script_of(*SPOKEN), Locale("en-GB"), ((),))


def test_translate_refuses_a_route_from_another_language(desk: Desk) -> None:
    hop = EngineChoice(family="translation", id="pseudo", fingerprint="x", options={"source": "es", "target": "pt-BR"})
    with pytest.raises(BadInput, match="the route starts in es, the script is in en"):
        translate(desk, script_of(*SPOKEN), PT, ((hop,),))


@pytest.mark.models
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("pt-BR", ["Bom dia, meu nome é Jordi Mas.", "Eu sou de Barcelona", "As chaves estão no carro."]),
        pytest.param(
            "es",
            ["Buenos días, mi nombre es Jordi Mas.", "Yo soy de Barcelona", "Las llaves están en el coche."],
            marks=needs_apertium,
        ),
        pytest.param(
            "ca",
            ["Bon dia, el meu nom és Jordi Mas.", "Jo soc de Barcelona", "Les claus estan en el cotxe."],
            marks=needs_apertium,
        ),
    ],
)
def test_translate_by_the_embedded_engines_keeps_names(desk: Desk, locale: str, said: list[str]) -> None:
    """The Spanish pair alone says "Jordi Pero": mas is Portuguese for but."""
    script = script_of(
        (0, 1, "Good morning, my name is Jordi Mas."), (1, 2, "I am from Barcelona"), (2, 3, "The keys are in the car.")
    )
    route = find_route(EN, Locale(locale), ["bergamot", "apertium"])
    translation = translate(desk, script, Locale(locale), (route,))
    assert texts(translation) == said
    assert all(len(other) < len(line.text) for line in translation.lines for other in line.alternatives)
    assert translation.lines[1].alternatives


def test_subtitle_writes_files_that_read_back(desk: Desk) -> None:
    sound = stem(desk, [])
    placed = tuple(
        PlacedTake(
            utterance_id=f"u{number:04}", speaker="s1", text=text, slot=Span.of_seconds(start, end), audio=sound,
            start_sample=round(start * RATE_HZ), n_samples=round((end - start) * RATE_HZ), stretch_ratio=1, speed=1,
            phonemes=(),
        )
        for number, (start, end, text) in enumerate([*SPOKEN, (5.1, 5.3, "This one is far too fast to read.")], start=1)
    )  # fmt: skip
    subtitles = subtitle(desk, source_of(sound), Timeline(locale=ES, placed=placed, overruns=(), dialogue=sound))
    store = desk.open_store()
    srt = parse(store.read_bytes(subtitles.srt), "a.srt")
    vtt = parse(store.read_bytes(subtitles.vtt), "a.vtt")
    assert [cue.text for cue in srt] == [cue.text for cue in vtt] == [take.text for take in placed]
    assert subtitles.n_cues == 3
    assert subtitles.too_fast == ("u0003",)
    assert subtitles.fastest_cps > 20


@pytest.mark.media
@pytest.mark.models
def test_the_english_clip_is_heard_word_for_word_at_the_right_times(desk: Desk, shared_media: Path) -> None:
    samples = media.read_audio(shared_media / "video" / "english_10s.mp4", RATE_HZ, 1)
    store = desk.open_store()
    with store.scratch() as folder:
        media.write_wav(folder / "stem.wav", samples, RATE_HZ)
        sound = store.put(folder / "stem.wav", "audio/wav")
    spec = registry.spec("asr", "faster-whisper")
    engine = EngineChoice(family="asr", id=spec.id, fingerprint=spec.fingerprint())
    script = transcribe(desk, source_of(sound, 10), Stems(dialogue=sound, bed=sound), Turns(), None, engine)
    assert script.source_locale == "en"
    said = " ".join(line.text for line in script.utterances)
    assert (
        said.replace("Mas.", "Mas,") == "Good morning, my name is Jordi Mas, I am from Barcelona and I love the city."
    )
    truth = [(1.263, 3.946), (5.245, 6.629), (7.608, 8.688)]
    for line, (start, end) in zip(script.utterances, truth, strict=True):
        assert abs(float(line.span.start) - start) < 0.15
        assert abs(float(line.span.end) - end) < 0.15


@pytest.mark.media
@pytest.mark.models
def test_accented_english_is_taken_for_english(desk: Desk, shared_media: Path) -> None:
    """A strong accent: English is only one of several candidates, and the one that reads best."""
    store = desk.open_store()
    original = store.put_copy(shared_media / "video" / "english_10s.mp4", "video/mp4")
    source = ingest(desk, original, "talk")
    stems = separate(desk, source, choose("separation", "deepfilternet3", {}))
    heard = registry.load("asr", "faster-whisper").recognise(store.path(stems.dialogue))
    assert heard.locale == "en"
    assert heard.language_probability < 0.5, "found, but the report must be able to doubt it"
