"""translate and read_translation: every line by the first way that does it, and nothing spoken that must not be."""

from __future__ import annotations

import shutil
from fractions import Fraction
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dub.check_translation import check_translation
from dub.errors import BadInput
from dub.finding import Level
from dub.gates import Gates
from dub.plan import GivenFile
from dub.script import DubScript, TranslatedLine, Translation, Utterance, WithheldLine
from dub.stage import Desk, EngineChoice
from dub.timecode import Span
from engines import registry
from engines.translation.routing import find_route
from lang.bcp47 import Locale
from lang.udhr import article_1
from tasks.read_script import read_translation
from tasks.translate import translate
from tests.tasks.phrasebooks import FAILS, Phrasebook, hop, installed

EN, ES = Locale("en"), Locale("es")
SAID = ("Good morning to all of you.", "I love the city and its people.", "The keys are in the car.")
SPANISH = ("Buenos días a todos ustedes.", "Amo la ciudad y a su gente.", "Las llaves están en el coche.")
RIGHT = dict(zip(SAID, SPANISH, strict=True))


def language_id() -> EngineChoice:
    spec = registry.spec("language_id", "py3langid")
    return EngineChoice(family="language_id", id=spec.id, fingerprint=spec.fingerprint())


def script_of(*lines: str, locale: Locale = EN) -> DubScript:
    return DubScript(
        source_locale=locale,
        duration=Fraction(3 * len(lines)),
        utterances=tuple(
            Utterance(id=f"u{number:04}", speaker="s1", span=Span.of_seconds(3 * number - 3, 3 * number - 1), text=text)
            for number, text in enumerate(lines, start=1)
        ),
    )


def by(desk: Desk, *ways: tuple[EngineChoice, ...], lines: tuple[str, ...] = SAID) -> Translation:
    return translate(desk, script_of(*lines), ES, ways, language_id())


def texts(translation: Translation) -> list[str]:
    return [line.text for line in translation.lines]


def levels(translation: Translation) -> dict[str, Level]:
    return {finding.utterance_id: finding.level for finding in translation.findings}


FAULTY = {
    "nothing": "",
    "no words": "…",
    "another script": "Я люблю этот город и его людей.",
    "another language": "Ich liebe diese Stadt und ihre Menschen sehr.",
    "the source": SAID[1],
    "a loop": "Amo la ciudad y la ciudad y la ciudad y la ciudad y la ciudad.",
    "a mark": "__es__ Amo la ciudad y a su gente.",
    "talk": "Sure, here is the translation: Amo la ciudad y a su gente.",
    "far too much": " ".join(f"Amo la calle número {number}, {'abcdefghijklmnop'[number]}." for number in range(16)),
    "a failure": FAILS,
}


@pytest.mark.parametrize("answer", FAULTY.values(), ids=FAULTY)
def test_a_line_that_one_engine_fails_at_is_given_to_the_next(desk: Desk, answer: str) -> None:
    first, second = Phrasebook(RIGHT | {SAID[1]: answer}), Phrasebook(RIGHT)
    with installed(first=first, second=second):
        translation = by(desk, (hop("first"),), (hop("second"),))
    assert texts(translation) == list(SPANISH)
    assert translation.withheld == ()
    assert second.asked == [SAID[1]], "only the line that needs it is translated again"
    assert translation.route == ("first en-es", "second en-es")
    [finding] = translation.findings
    assert (finding.level, finding.check, finding.utterance_id) == (Level.OK, "mended_lines", "u0002")
    assert "by second" in finding.message
    assert "first:" in finding.message


@pytest.mark.parametrize("answer", FAULTY.values(), ids=FAULTY)
def test_a_line_that_no_engine_can_do_is_withheld_and_failed(desk: Desk, answer: str) -> None:
    with installed(first=Phrasebook(RIGHT | {SAID[1]: answer}), second=Phrasebook({SAID[1]: FAILS})):
        translation = by(desk, (hop("first"),), (hop("second"),))
    assert texts(translation) == [SPANISH[0], SPANISH[2]]
    [line] = translation.withheld
    assert (line.utterance_id, levels(translation)) == ("u0002", {"u0002": Level.FAILED})
    assert "first:" in line.reason
    assert "second:" in line.reason
    assert translation.route == ("first en-es",), "an engine that gave no line had no part in it"


def test_when_every_line_is_withheld_there_is_a_translation_of_none(desk: Desk) -> None:
    with installed(first=Phrasebook({})):
        translation = by(desk, (hop("first"),))
    assert translation.lines == ()
    assert len(translation.withheld) == 3
    findings = check_translation(script_of(*SAID), translation, Gates())
    assert [finding.utterance_id for finding in findings if finding.level is Level.FAILED] == [
        "u0001",
        "u0002",
        "u0003",
    ], "each line is failed once"


def test_a_withheld_line_of_which_nothing_was_said_is_failed_all_the_same() -> None:
    withheld = (WithheldLine(utterance_id="u0002", text="", reason="it has no words"),)
    lines = tuple(
        TranslatedLine(utterance_id=id_, text=text) for id_, text in zip(("u0001", "u0003"), SPANISH[::2], strict=True)
    )
    translation = Translation(locale=ES, route=("given",), lines=lines, withheld=withheld)
    failed = [each for each in check_translation(script_of(*SAID), translation, Gates()) if each.level is Level.FAILED]
    assert [(each.check, each.utterance_id) for each in failed] == [("lines_translated", "u0002")]


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.sampled_from([*FAULTY.values(), SPANISH[0]])] * 2), min_size=1, max_size=5))
def test_every_line_is_either_spoken_or_withheld_and_what_is_spoken_is_right(answers: list[tuple[str, str]]) -> None:
    lines = [f"{SAID[1]} Number {number}." for number in range(len(answers))]
    books = [Phrasebook(dict(zip(lines, column, strict=True))) for column in zip(*answers, strict=True)]
    with TemporaryDirectory() as store, installed(first=books[0], second=books[1]):
        ways = ((hop("first"),), (hop("second"),))
        translation = translate(Desk(store=store), script_of(*lines), ES, ways, language_id())
    spoken = [line.utterance_id for line in translation.lines]
    withheld = [line.utterance_id for line in translation.withheld]
    assert sorted(spoken + withheld) == [f"u{number:04}" for number in range(1, len(lines) + 1)]
    assert spoken == sorted(spoken)
    assert set(texts(translation)) <= {SPANISH[0]}
    assert withheld == [f"u{n:04}" for n, both in enumerate(answers, start=1) if SPANISH[0] not in both]


def test_lines_too_short_to_tell_are_judged_by_the_company_they_keep(desk: Desk) -> None:
    """Three French lines given as Spanish, the last too short to be read alone."""
    lines = (*SAID[:2], "See you!")
    french = {SAID[0]: "Bonjour à vous toutes et à tous.", SAID[1]: "J'aime cette ville.", "See you!": "À bientôt !"}
    with installed(first=Phrasebook(french)):
        translation = by(desk, (hop("first"),), lines=lines)
    assert translation.lines == ()
    assert "all lines together read like French" in translation.withheld[-1].reason


def test_a_middle_hop_that_loses_a_line_loses_only_that_line(desk: Desk) -> None:
    to_french = Phrasebook({SAID[0]: "Bonjour.", SAID[1]: "", SAID[2]: "Les clés sont dans la voiture."})
    to_spanish = Phrasebook({"Bonjour.": SPANISH[0], "Les clés sont dans la voiture.": SPANISH[2]})
    with installed(a=to_french, b=to_spanish):
        translation = by(desk, (hop("a", "en", "fr"), hop("b", "fr", "es")))
    assert texts(translation) == [SPANISH[0], SPANISH[2]]
    assert translation.withheld[0].reason == "a and b: a gave no words"
    assert translation.route == ("a en-fr", "b fr-es")


@pytest.mark.parametrize(
    ("locale", "answer", "spoken"),
    [
        ("sr-Latn", "Волим овај град и његове људе.", "Volim ovaj grad i njegove ljude."),
        ("sr", "Volim ovaj grad i njegove ljude.", "Волим овај град и његове људе."),
        ("zh-Hant", "我爱这座城市和这里的人们。", "我愛這座城市和這裡的人們。"),
        ("sr", SAID[1], None),
        ("sr", "Ich liebe diese Stadt und ihre Menschen sehr.", None),
        ("zh-Hant", "Ich liebe diese Stadt und ihre Menschen sehr.", None),
    ],
)
def test_the_language_in_its_other_script_is_converted_and_another_language_is_not(
    desk: Desk, locale: str, answer: str, spoken: str | None
) -> None:
    with installed(first=Phrasebook({SAID[1]: answer})):
        translation = translate(desk, script_of(SAID[1]), Locale(locale), ((hop("first"),),), language_id())
    assert texts(translation) == ([spoken] if spoken else [])
    assert len(translation.withheld) == (spoken is None)


def test_the_same_answer_twice_is_the_memo(desk: Desk) -> None:
    with installed(first=Phrasebook(RIGHT)):
        assert by(desk, (hop("first"),)) == by(desk, (hop("first"),))


# --- memory and glossary -------------------------------------------------------------------------------------------


def given_file(desk: Desk, name: str, *rows: str) -> GivenFile:
    content = "\n".join(rows).encode()
    return GivenFile(artifact=desk.open_store().put_bytes(content, "text/plain"), name=name)


def with_aids(
    desk: Desk, *ways: tuple[EngineChoice, ...], memory: GivenFile | None = None, glossary: GivenFile | None = None
) -> Translation:
    return translate(desk, script_of(*SAID), ES, ways, language_id(), memory, glossary)


def checks(translation: Translation) -> list[tuple[str, Level, str]]:
    return [(finding.check, finding.level, finding.utterance_id) for finding in translation.findings]


def test_what_the_memory_has_no_engine_is_asked_for(desk: Desk) -> None:
    memory = given_file(desk, "talk.csv", "en,es", f"{SAID[0].lower()},¡Muy buenos días a todos!")
    book = Phrasebook(RIGHT)
    with installed(first=book):
        translation = with_aids(desk, (hop("first"),), memory=memory)
    assert texts(translation) == ["¡Muy buenos días a todos!", *SPANISH[1:]]
    assert SAID[0] not in book.asked
    assert translation.route == ("memory", "first en-es")
    assert translation.findings == ()


def test_a_line_of_the_memory_that_is_nearly_the_same_is_spoken_only_if_very_like_and_named(desk: Desk) -> None:
    memory = given_file(
        desk,
        "talk.csv",
        "en,es",
        "I love the city and its peoples.,Amo la ciudad y a sus pueblos.",
        "The keys are in the blue car.,Las llaves están en el coche azul.",
    )
    with installed(first=Phrasebook(RIGHT)):
        translation = with_aids(desk, (hop("first"),), memory=memory)
    assert texts(translation) == [SPANISH[0], "Amo la ciudad y a sus pueblos.", SPANISH[2]]
    assert checks(translation) == [
        ("memory_match", Level.DEGRADED, "u0002"),
        ("memory_suggestion", Level.OK, "u0003"),
    ]
    assert "98% alike" in translation.findings[0].message
    assert "Las llaves están en el coche azul." in translation.findings[1].message


def test_a_memory_is_guarded_as_an_engine_is(desk: Desk) -> None:
    memory = given_file(desk, "talk.csv", "en,es", f"{SAID[0]},Доброе утро вам всем.")
    with installed(first=Phrasebook(RIGHT)):
        translation = with_aids(desk, (hop("first"),), memory=memory)
    assert texts(translation) == list(SPANISH)
    assert checks(translation) == [("mended_lines", Level.OK, "u0001")]
    assert "memory: it is written in Cyrl" in translation.findings[0].message


def test_a_file_without_the_pair_of_languages_is_said_to_be_of_no_use(desk: Desk) -> None:
    memory = given_file(desk, "talk.csv", "en,fr", "Hi,Salut")
    with installed(first=Phrasebook(RIGHT)):
        translation = with_aids(desk, (hop("first"),), memory=memory)
    [finding] = translation.findings
    assert (finding.level, finding.message) == (
        Level.OK,
        "talk.csv has nothing from English into Spanish: it was not used.",
    )


def test_a_line_without_its_term_is_given_to_the_next_engine(desk: Desk) -> None:
    glossary = given_file(desk, "terms.csv", "en,es", "car,automóvil")
    second = Phrasebook({SAID[2]: "Las llaves están en el automóvil."})
    with installed(first=Phrasebook(RIGHT), second=second):
        translation = with_aids(desk, (hop("first"),), (hop("second"),), glossary=glossary)
    assert texts(translation)[2] == "Las llaves están en el automóvil."
    assert second.asked == [SAID[2]]
    assert checks(translation) == [("mended_lines", Level.OK, "u0003")]
    assert "first: it lacks “automóvil” for “car”" in translation.findings[0].message


def test_a_term_that_no_engine_uses_is_named_with_its_line(desk: Desk) -> None:
    glossary = given_file(desk, "terms.csv", "en,es,do_not_translate", "car,automóvil,", "city,,yes")
    with installed(first=Phrasebook(RIGHT), second=Phrasebook({SAID[2]: FAILS, SAID[1]: ""})):
        translation = with_aids(desk, (hop("first"),), (hop("second"),), glossary=glossary)
    assert texts(translation) == list(SPANISH)
    assert checks(translation) == [
        ("glossary_terms", Level.DEGRADED, "u0002"),
        ("glossary_terms", Level.DEGRADED, "u0003"),
    ]
    assert "“city”, which must not be translated" in translation.findings[0].message
    assert "“automóvil” for “car”" in translation.findings[1].message


def test_an_engine_that_keeps_words_is_given_the_term_in_the_targets_words(desk: Desk) -> None:
    glossary = given_file(desk, "terms.csv", "en,es", "car,automóvil")
    masked = {"The keys are in the Qxaqa.": "Las llaves están en el Qxaqa."}
    book = Phrasebook(RIGHT | masked, keeps_words=True)
    with installed(first=book):
        translation = with_aids(desk, (hop("first"),), glossary=glossary)
    assert texts(translation) == [*SPANISH[:2], "Las llaves están en el automóvil."]
    assert translation.findings == ()


def test_a_shorter_wording_never_loses_a_term(desk: Desk) -> None:
    said, spanish = "I am really from the city.", "Yo soy realmente de la ciudad."
    with installed(first=Phrasebook({said: spanish})):
        free = translate(desk, script_of(said), ES, ((hop("first"),),))
        bound = translate(
            desk, script_of(said), ES, ((hop("first"),),), glossary=given_file(desk, "t.csv", "en,es", "am,soy")
        )
        pronoun = given_file(desk, "t.csv", "en,es", "I,Yo")
        kept = translate(desk, script_of(said), ES, ((hop("first"),),), glossary=pronoun)
    assert any("Yo" not in wording for wording in free.lines[0].alternatives)
    assert bound.lines[0].alternatives == free.lines[0].alternatives
    assert all("Yo" in wording for wording in kept.lines[0].alternatives)


def test_a_file_that_cannot_be_read_is_refused_by_line(desk: Desk) -> None:
    with installed(first=Phrasebook(RIGHT)), pytest.raises(BadInput, match=r"terms\.csv, line 1: the column 'spansh'"):
        with_aids(desk, (hop("first"),), glossary=given_file(desk, "terms.csv", "en,spansh", "car,automóvil"))
    with installed(first=Phrasebook(RIGHT)), pytest.raises(BadInput, match=r"talk\.tmx is no well-formed XML"):
        with_aids(desk, (hop("first"),), memory=given_file(desk, "talk.tmx", "<tmx>"))


@pytest.mark.skipif(shutil.which("apertium") is None, reason="needs Debian's apertium and apertium-es-pt (make tools)")
def test_apertium_carries_a_term_over(desk: Desk) -> None:
    """Left to itself it says "coche"."""
    script = script_of("As chaves estão no carro.", "Eu amo a cidade.", locale=Locale("pt"))
    way = find_route(Locale("pt"), ES, ["apertium"])
    glossary = given_file(desk, "terms.csv", "pt;es", "carro;automóvil")
    translation = translate(desk, script, ES, (way,), language_id(), None, glossary)
    assert texts(translation)[0] == "Las llaves están en el automóvil."
    assert "automóvil" not in texts(translate(desk, script, ES, (way,), language_id()))[0]
    assert translation.findings == ()


# --- given translations --------------------------------------------------------------------------------------------


def read(desk: Desk, *rows: str, locale: Locale = ES, said: tuple[str, ...] = SAID) -> Translation:
    content = "\n".join(["id,text", *(f'u{number:04},"{text}"' for number, text in enumerate(rows, start=1))])
    artifact = desk.open_store().put_bytes(content.encode(), "text/plain")
    return read_translation(desk, artifact, "talk.es.csv", locale, script_of(*said), language_id())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no words"),
        ("Я люблю этот город и его людей.", "it is written in Cyrl"),
        ("Ich liebe diese Stadt und ihre Menschen sehr.", "it reads like German"),
        (SAID[1], "of its words are the English line's own"),
        ("Amo la ciudad y la ciudad y la ciudad y la ciudad.", "times on end"),
    ],
)
def test_a_given_line_that_may_not_be_spoken_is_withheld(desk: Desk, text: str, why: str) -> None:
    translation = read(desk, SPANISH[0], text, SPANISH[2])
    assert texts(translation) == [SPANISH[0], SPANISH[2]]
    assert levels(translation) == {"u0002": Level.FAILED}
    assert "talk.es.csv" in translation.withheld[0].reason
    assert why in translation.withheld[0].reason


def test_a_given_line_of_odd_length_is_spoken_and_named(desk: Desk) -> None:
    long = (
        "Amo la ciudad donde nací, el puerto con sus barcos azules, las plazas que huelen a pan, los tranvías viejos, "
        "y hasta esa lluvia fina de noviembre que nadie más quiere ver caer."
    )
    translation = read(desk, SPANISH[0], long, SPANISH[2])
    assert len(translation.lines) == 3
    assert levels(translation) == {"u0002": Level.DEGRADED}


def test_a_script_in_the_language_that_is_spoken_may_say_the_same(desk: Desk) -> None:
    assert texts(read(desk, *SAID, locale=Locale("en-GB"))) == list(SAID)


def test_a_whole_script_in_the_wrong_language_is_withheld_whole(desk: Desk) -> None:
    german = article_1()[Locale("de")]
    assert read(desk, german, "Ja, genau.", german[:90], locale=ES).lines == ()


def test_a_blank_cue_withholds_the_line_it_stands_for_and_no_other(desk: Desk) -> None:
    srt = (
        f"1\n00:00:00,000 --> 00:00:02,000\n{SPANISH[0]}\n\n2\n00:00:02,000 --> 00:00:02,900\n\n"
        f"3\n00:00:03,000 --> 00:00:05,000\n\n4\n00:00:06,000 --> 00:00:08,000\n{SPANISH[2]}\n"
    )
    artifact = desk.open_store().put_bytes(srt.encode(), "text/plain")
    translation = read_translation(desk, artifact, "a.srt", ES, script_of(*SAID))
    assert texts(translation) == [SPANISH[0], SPANISH[2]]
    assert [line.utterance_id for line in translation.withheld] == ["u0002"]
