"""The guard refuses what may not be spoken and nothing else: held to 219 languages and to planted faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.repetition import Loop, compressibility, longest_loop, most_times
from dub.translation_guard import Line, ReadAs, fault_of
from engines import registry
from engines.language_id.contract import LanguageIdentifier
from lang.bcp47 import Locale
from lang.language import are_close
from lang.registry import language
from lang.udhr import article_1

EN, ES, DE = Locale("en"), Locale("es"), Locale("de")
ARTICLES = article_1()


@pytest.fixture(scope="module")
def identifier() -> LanguageIdentifier:
    loaded: LanguageIdentifier = registry.load("language_id", "py3langid")
    return loaded


def read_as(identifier: LanguageIdentifier, text: str, locale: Locale) -> ReadAs | None:
    read = identifier.identify(text) if identifier.knows(locale) else None
    return ReadAs(read.locale, read.probability) if read else None


def fault(source: str, target: str, locale: Locale = ES, read: ReadAs | None = None, spoken: Locale = EN) -> str:
    found = fault_of(Line(source, spoken, target, locale, read))
    return found.name if found else ""


# --- what must pass ------------------------------------------------------------------------------------------------


def test_every_true_translation_passes(identifier: LanguageIdentifier) -> None:
    refused = {
        locale: found.message
        for locale, text in ARTICLES.items()
        if locale != EN and (found := fault_of(Line(ARTICLES[EN], EN, text, locale, read_as(identifier, text, locale))))
    }
    assert refused == {}


@pytest.mark.parametrize(
    ("source", "target", "locale"),
    [
        ("No, no, no, no!", "¡No, no, no, no!", "es"),
        ("Hahahahaha!", "哈哈哈哈哈！", "zh"),
        ("Never, never, never give up.", "Niemals, niemals, niemals aufgeben.", "de"),
        ("Yes.", "Да.", "ru"),
        ("Yes.", "Claro que sí, por supuesto.", "es"),
        ("IBM", "IBM", "ar"),
        ("Thanks, Jordi Mas!", "شكرا لك يا Jordi Mas!", "ar"),
        ("OK.", "OK.", "ja"),
        ("I met Jordi Mas in New York City.", "Conocí a Jordi Mas en New York City.", "es"),
        ("1, 2, 3, 4, 5", "1, 2, 3, 4, 5", "es"),
        ("Sure, here we go.", "Claro, vamos.", "es"),
        ("In Spanish: hello.", "En español: hola.", "es"),
        ("…", "…", "es"),
        ("Press <tab> & go.", "Pulsa <tab> & sigue.", "es"),
        ("The translation is ready.", "La traducción está lista.", "es"),
        ("Sure, we will translate it.", "Claro, lo vamos a traducir.", "es"),
        ("Sure, here it is.", "Claro, aquí está.", "es"),
        ("Languages: Spanish, French.", "Español: sí; francés: también.", "es"),
        ("I love the city.", "我爱这座城市。", "zh"),
        ("I love the city.", "我愛這座城市。", "zh"),
        ("a very very very very long day", "un día muy muy muy muy largo", "es"),
    ],
)
def test_true_short_lines_pass(identifier: LanguageIdentifier, source: str, target: str, locale: str) -> None:
    assert fault(source, target, Locale(locale), read_as(identifier, target, Locale(locale))) == ""


def test_the_same_or_a_close_language_may_keep_every_word() -> None:
    said = "All human beings are born free and equal."
    assert fault(said, said, Locale("en-GB")) == ""
    assert fault(ARTICLES[Locale("bs")], ARTICLES[Locale("hr")], Locale("hr"), spoken=Locale("bs")) == ""


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Nós vendemos 300 caixas na primeira semana.", "Nós vendemos 300 caixas a primeira semana."),
        ("Eu amo a cidade e o mar.", "Eu amo a cidade e o mar."),
    ],
)
def test_kindred_languages_may_share_most_words_of_a_line(source: str, target: str) -> None:
    """Apertium's Galician for Portuguese. A long line that is the same word for word is still a copy."""
    portuguese, galician = Locale("pt-BR"), Locale("gl")
    assert fault(source, target, galician, spoken=portuguese) == ""
    assert fault(source, target, Locale("fi"), spoken=portuguese) == "copy"
    long = "A reunião foi transferida para o segundo andar do prédio."
    assert fault(long, long, galician, spoken=portuguese) == "copy"


def test_a_right_translation_into_english_may_sound_like_an_assistant() -> None:
    for source, target in (("Claro, aquí estamos.", "Of course, here we are."), ("Vale, voy.", "OK, I'm coming.")):
        assert fault(source, target, EN, spoken=ES) == ""
        assert fault(source, target, DE, spoken=ES) == "chat"


# --- what must not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source", "target", "locale"),
    [
        ("empty", "Good morning.", "", "es"),
        ("empty", "Good morning.", " … ", "es"),
        ("leaked_tags", "Good morning.", "<2es> Buenos días.", "es"),
        ("leaked_tags", "Good morning.", "__es__ Buenos días.", "es"),
        ("leaked_tags", "Good morning.", ">>spa<< Buenos días.", "es"),
        ("leaked_tags", "Good morning.", "spa_Latn Buenos días.", "es"),
        ("leaked_tags", "Good morning.", "Buenos días.</s>", "es"),
        ("leaked_tags", "Good morning.", "Buenos ⁇ días.", "es"),
        ("leaked_tags", "He said “hi”.", "Dijo &quot;hola&quot;.", "es"),
        ("chat", "Good morning.", "Sure, here is the translation: Buenos días.", "es"),
        ("chat", "Good morning.", "Here's the Spanish translation:\nBuenos días.", "es"),
        ("chat", "Good morning.", "Spanish: Buenos días.", "es"),
        ("chat", "Good morning.", "Español: Buenos días.", "es"),
        ("chat", "Good morning.", "As an AI language model, I cannot do that.", "es"),
        ("chat", "Good morning.", "Claro, aquí tienes la traducción: Buenos días.", "es"),
        ("chat", "Good morning.", "翻译：早上好。", "zh"),
        ("wrong_script", "Good morning to you.", "Buenos días.", "ru"),
        ("wrong_script", "Good morning to you.", "Доброе утро.", "es"),
        ("wrong_script", "I love the city and its people.", "我爱这座城市和它的所有人民。", "ja"),
        ("copy", "I love the city and the sea.", "I love the city and the sea.", "es"),
        ("copy", "I love the city and the sea.", "i love the city, and the sea", "fi"),
        ("repetition", "I love the city and the sea.", "Amo la ciudad, amo la ciudad, amo la ciudad", "es"),
        ("repetition", "I love the city and the sea very much.", "Amo la la la la la la la ciudad", "es"),
        ("repetition", "I love the city and the sea.", "我爱这座城市我爱这座城市我爱这座城市", "zh"),
        ("repetition", "No, no!", "¡No, no, no, no, no, no, no, no, no, no, no, no!", "es"),
        ("too_long", "Hi!", "Buenos días a todos los que hoy han venido hasta aquí para vernos. Gracias.", "es"),
        ("too_short", "I love the city, its people, and above all its old harbour.", "Amo.", "es"),
    ],
)
def test_planted_faults_are_named(name: str, source: str, target: str, locale: str) -> None:
    assert fault(source, target, Locale(locale)) == name


def test_a_text_said_three_times_is_a_loop_in_every_language() -> None:
    found = {
        locale: fault(ARTICLES[EN], " ".join([text] * 3), locale) for locale, text in ARTICLES.items() if locale != EN
    }
    assert {locale: name for locale, name in found.items() if name != "repetition"} == {}


def test_a_loop_that_is_never_quite_the_same_is_found_by_packing_it() -> None:
    loop = " ".join(f"el hombre de la casa {number} y la casa del hombre," for number in "abcdefghijkl")
    looping_source = " ".join(f"the man of the house {number} and the house of the man," for number in "abcdefghijkl")
    assert fault(looping_source, loop) == ""
    long_source = (
        "He spoke of the man in the house, then of his sister, who had gone abroad with nothing but a coat, a book "
        "and a letter; of the winter when the river froze over; and of what the neighbours had seen, heard and told."
    )
    assert fault(long_source, loop) == "repetition"


def test_every_text_in_another_script_is_caught_whoever_reads_it() -> None:
    """Every article as a translation into one language of every other script; both kinds of Chinese are one."""
    one_of_script = {language(locale).script.replace("Hant", "Hans"): locale for locale in ARTICLES}
    missed = [
        (str(locale), str(other))
        for locale, text in ARTICLES.items()
        for script, other in one_of_script.items()
        if language(locale).script.replace("Hant", "Hans") != script and not fault(ARTICLES[EN], text, other)
    ]
    assert len(one_of_script) > 25
    assert missed == []


def test_languages_of_one_script_are_told_apart_where_the_identifier_knows_both(
    identifier: LanguageIdentifier,
) -> None:
    """All of these pairs are told apart; and no text is refused in its own language (the first test)."""
    known = [locale for locale in ARTICLES if identifier.knows(locale)]
    n_pairs, missed = 0, []
    for locale in known:
        read = read_as(identifier, ARTICLES[locale], locale)
        for other in known[::2]:
            is_judged = locale.language != other.language and not are_close(locale, other)
            if is_judged and language(locale).script == language(other).script:
                n_pairs += 1
                missed += [] if fault(ARTICLES[EN], ARTICLES[locale], other, read) else [(str(locale), str(other))]
    assert n_pairs > 2000
    assert missed == []


def test_what_an_identifier_says_of_a_few_letters_or_without_being_sure_counts_for_nothing() -> None:
    french = ReadAs(Locale("fr"), 0.95)
    assert fault("Good morning!", "Bonjour!", ES, french) == ""
    assert fault("Good morning to all of you!", "Bonjour à vous toutes et à tous!", ES, french) == "wrong_language"
    unsure = ReadAs(Locale("fr"), 0.85)
    assert fault("Good morning to all of you!", "Bonjour à vous toutes et à tous!", ES, unsure) == ""
    close = ReadAs(Locale("gl"), 0.99)
    assert fault("Good morning to all of you!", "Bonjour à vous toutes et à tous!", ES, close) == ""


# --- repetition ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("one two three", Loop(1, 1)),
        ("", Loop(1, 1)),
        ("so so good", Loop(1, 2)),
        ("la la la la", Loop(1, 4)),
        ("The man and the man and the man and so on", Loop(3, 3)),
        ("我们我们我们", Loop(2, 3)),
    ],
)
def test_loops_are_counted_in_words(text: str, loop: Loop) -> None:
    assert longest_loop(text) == loop


def test_laughter_is_counted_in_letters() -> None:
    assert most_times("hahahaha") == 4


@given(st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "ij", "kl"]), min_size=1, max_size=6), st.integers(2, 5))
def test_what_is_said_n_times_is_at_least_n_times_repeated(words: list[str], times: int) -> None:
    said = " ".join(words * times)
    assert most_times(said) >= times
    loop = longest_loop(said)
    assert loop.times * loop.n_words >= times


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(sorted(ARTICLES)))
def test_any_text_is_judged(source: str, target: str, locale: Locale) -> None:
    found = fault_of(Line(source, EN, target, locale))
    assert found is None or found.message
    assert compressibility(target) >= 0
