"""Sentences in every script: split where they end, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lang.sentences import ends_sentence, join_sentences, sentences_with_spaces, split_sentences, terminators
from lang.udhr import article_1

TWO_SENTENCES = {
    "Arab": "هل أنت هنا؟ نعم۔",
    "Armn": "Այո։ Ոչ։",
    "Beng": "হ্যাঁ। না।",
    "Cher": "ᎥᎥ. ᎾᎠ.",
    "Deva": "यह घर है। वह पेड़ है॥",
    "Ethi": "አዎ። አይደለም።",
    "Grek": "Τι κάνεις; Καλά.",
    "Hans": "今天好吗？很好。",
    "Hebr": "מה שלומך? טוב.",
    "Jpan": "元気ですか?はい。",
    "Khmr": "បាទ។ ទេ៕",
    "Latn": "¿Qué? ¡No!",
    "Mtei": "ꯍꯣꯌ꯫ ꯅꯠꯇꯦ꯫",
    "Mymr": "ဟုတ်ကဲ့။မဟုတ်ဘူး။",
    "Olck": "ᱦᱮᱸ᱾ ᱵᱟᱝ᱾",
    "Tibt": "ཡིན། མིན།",
    "Cans": "ᐃ᙮ ᐋ᙮",
}


@pytest.mark.parametrize("script", TWO_SENTENCES)
def test_two_sentences_in_each_script(script: str) -> None:
    text = TWO_SENTENCES[script]
    sentences = split_sentences(text)
    assert len(sentences) == 2
    assert all(ends_sentence(sentence) for sentence in sentences)
    assert join_sentences(sentences) == text.replace("။မ", "။ မ")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello Mr. Smith. I paid 3.50 today! Really?", ["Hello Mr. Smith.", "I paid 3.50 today!", "Really?"]),
        ('"Yes." he said… See example.org.', ['"Yes."', "he said…", "See example.org."]),
        ("Am 3. Oktober war es so. Ja.", ["Am 3. Oktober war es so.", "Ja."]),
        ("It was in 1984. It is over.", ["It was in 1984.", "It is over."]),
        ("one; two. Three", ["one; two.", "Three"]),
        ("今日は。元気？はい", ["今日は。", "元気？", "はい"]),
        ("「行く！」と言った。", ["「行く！」", "と言った。"]),
        ("ያለው፡ነው።፡የተፈጥሮ።", ["ያለው፡ነው።፡", "የተፈጥሮ።"]),
        ("ነፃን እዮም፡፡ ብምዃኖም እዮም፡፡", ["ነፃን እዮም፡፡", "ብምዃኖም እዮም፡፡"]),
        ("no end", ["no end"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_sentence_ends() -> None:
    assert ends_sentence("city.")
    assert ends_sentence('done."')
    assert ends_sentence("no.")
    assert not ends_sentence("Mr.")
    assert not ends_sentence("J.")
    assert not ends_sentence("3.")
    assert not ends_sentence("Mas,")
    assert not ends_sentence("")


def test_every_text_of_the_declaration_comes_back_whole() -> None:
    for locale, text in article_1().items():
        assert "".join(sentences_with_spaces(text)) == text, locale
        joined = join_sentences(split_sentences(text))
        assert "".join(joined.split()) == "".join(text.split()), locale
        assert split_sentences(joined) == split_sentences(text), locale


def test_most_languages_tell_the_two_sentences_of_the_article_apart() -> None:
    """Thai and Lao mark no sentence ends; a few translations make one sentence of the article."""
    whole = [str(locale) for locale, text in article_1().items() if len(split_sentences(text)) < 2]
    assert len(whole) <= 0.15 * len(article_1()), whole
    assert {"th", "lo"} <= set(whole)
    assert not {"hi", "bn", "my", "km", "bo", "am", "zh", "ja", "hy", "el", "ur"} & set(whole)


@given(st.text(alphabet=[*"aA1 .。?፡;»\n।።၊ーあ漢ก\u00a0", *sorted(terminators())[:20]], max_size=60))
def test_splitting_and_joining_loses_nothing(text: str) -> None:
    pieces = sentences_with_spaces(text)
    assert "".join(pieces) == text
    assert "".join(join_sentences(split_sentences(text)).split()) == "".join(text.split())
