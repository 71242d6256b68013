"""The glossary finds its terms as words, whatever their ending, and refuses a table it does not understand."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.errors import BadInput
from dub.glossary import Glossary, Term, read_glossary
from lang.bcp47 import Locale

EN, ES, JA = Locale("en"), Locale("es"), Locale("ja")
TABLE = """en,es,ja,do_not_translate,case,note
pump,bomba,ポンプ,,,the machine
heat pump,bomba de calor,ヒートポンプ,no,ignore,
Polydub,,,yes,match,our name
IT,TI,,,match,
crane,,クレーン,,,
"""


def glossary(target: Locale = ES) -> Glossary:
    return read_glossary(TABLE.encode(), "terms.csv", EN, target)


def sources(terms: tuple[Term, ...]) -> list[str]:
    return [term.source for term in terms]


def test_terms_are_whole_words_and_longer_ones_come_first() -> None:
    assert sources(glossary().terms_in("A Heat  Pump is no pump; it pumps.")) == ["heat pump", "pump"]
    assert sources(glossary().terms_in("This heat pump is by Polydub.")) == ["heat pump", "Polydub"]
    assert sources(glossary().terms_in("It is in IT, polydub is not.")) == ["IT"]
    assert glossary().terms_in("The crane is there.") == (), "no Spanish is given for it"
    assert sources(glossary(JA).terms_in("The crane is there.")) == ["crane"]


@pytest.mark.parametrize(
    ("source", "target", "missing"),
    [
        ("The pump runs.", "La bomba funciona.", []),
        ("Two pumps, one pump.", "Dos bombas.", []),
        ("The pump runs.", "La máquina funciona.", ["pump"]),
        ("The pump runs.", "El bombardeo funciona.", ["pump"]),
        ("A heat pump.", "Una bomba de calor.", []),
        ("A heat pump.", "Una bomba térmica.", ["heat pump"]),
        ("Try Polydub.", "Prueba Polydub.", []),
        ("Try Polydub.", "Prueba polydub.", ["Polydub"]),
        ("Try Polydub.", "Prueba Polydubs.", ["Polydub"]),
        ("Hello.", "Hola.", []),
    ],
)
def test_what_a_translation_lacks_is_named(source: str, target: str, missing: list[str]) -> None:
    assert sources(glossary().missing(source, target)) == missing


def test_scripts_without_spaces_have_no_word_ends() -> None:
    assert glossary(JA).missing("The heat pump runs.", "このヒートポンプは動いています。") == ()
    assert sources(glossary(JA).missing("The crane runs.", "このポンプは動いています。")) == ["crane"]


def test_targets_take_the_terms_places_and_are_not_taken_for_terms() -> None:
    terms = Glossary([Term("pump", "bank"), Term("bank", "banco")], EN, ES)
    assert terms.with_targets("A pump in a bank") == ("A bank in a banco", ("bank", "banco"))
    assert glossary().with_targets("A heat pump.") == ("A bomba de calor.", ("bomba de calor",))


def test_another_language_pair_has_no_terms() -> None:
    assert read_glossary(TABLE.encode(), "terms.csv", Locale("de"), ES).terms == ()
    assert sources(read_glossary(TABLE.encode(), "terms.csv", EN, Locale("fr")).terms) == ["Polydub"]
    assert len(read_glossary(TABLE.encode(), "terms.csv", Locale("en-GB"), Locale("es-MX")).terms) == 4


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("en,es,ja", "en,spansh,ja", "line 1: the column 'spansh' is no language"),
        ("en,es,ja,do_not_translate,case,note", "note,do_not_translate,case,,,", "line 1"),
        ("yes,match", "perhaps,match", "line 4, field do_not_translate: 'perhaps'"),
        ("yes,match", "yes,upper", "line 4, field case: 'upper'"),
        ("crane,,クレーン,,,", "crane,,クレーン,,,,", "line 6: 7 cells for 6 columns"),
        ("crane,,", ",,", "line 6, field en: the term is empty"),
    ],
)
def test_faults_are_named_by_line_and_field(old: str, new: str, fault: str) -> None:
    with pytest.raises(BadInput, match=fault) as refused:
        read_glossary(TABLE.replace(old, new).encode(), "terms.csv", EN, ES)
    assert refused.value.mend
    with pytest.raises(BadInput, match=r"\.docx extension"):
        read_glossary(b"", "terms.docx", EN, ES)


@given(st.lists(st.tuples(st.text("abc ", min_size=1), st.text("xyz ", min_size=1)), max_size=5), st.text("abc xyz"))
def test_a_line_in_its_targets_words_lacks_nothing(pairs: list[tuple[str, str]], line: str) -> None:
    terms = [
        Term(" ".join(one.split()), " ".join(other.split())) for one, other in pairs if one.strip() and other.strip()
    ]
    glossary = Glossary(terms, EN, ES)
    written, targets = glossary.with_targets(line)
    assert all(target in written for target in targets)
    assert glossary.missing(line, written) == ()


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    for name in ("a.csv", "a.tsv"):
        with suppress(BadInput):
            read_glossary(content, name, EN, ES)
