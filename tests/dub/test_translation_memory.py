"""The memory finds a line again, exactly or nearly, and never passes off another number or another language."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.errors import BadInput
from dub.locale_table import serving
from dub.translation_memory import TranslationMemory, read_memory
from lang.bcp47 import Locale

EN, ES, PT_BR = Locale("en"), Locale("es"), Locale("pt-BR")

TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4">
 <header creationtool="x" creationtoolversion="1" segtype="sentence" o-tmf="x" adminlang="en" srclang="EN-US"
  datatype="plaintext"/>
 <body>
  <tu tuid="1">
   <tuv xml:lang="EN-US"><seg>Good <bpt i="1">&lt;b&gt;</bpt>morning<ept i="1">&lt;/b&gt;</ept>, all.</seg></tuv>
   <tuv xml:lang="pt"><seg>Bom dia a todos.</seg></tuv>
   <tuv xml:lang="pt-BR"><seg>Bom dia, gente.</seg></tuv>
   <tuv xml:lang="pt-PT"><seg>Bom dia a todos vós.</seg></tuv>
  </tu>
  <tu>
   <tuv xml:lang="en"><seg>We sold 300 boxes of it in the first week.</seg></tuv>
   <tuv xml:lang="es_MX"><seg>Vendimos 300 cajas en la primera semana.</seg></tuv>
   <tuv lang="pt"><seg>Vendemos 300 caixas na primeira semana.</seg></tuv>
  </tu>
  <tu><tuv xml:lang="en"><seg>Untranslated.</seg></tuv><tuv xml:lang="pt"><seg/></tuv></tu>
 </body>
</tmx>
"""
TABLE = 'en,pt,note\n"Good morning, all.",Bom dia a todos.,old\nThe keys are in the car.,As chaves estão no carro.,\n'


def test_a_line_is_found_whatever_its_case_spaces_and_quotation_marks() -> None:
    memory = TranslationMemory([("“Good  morning,” she said.", "«Buenos días», dijo.")])
    found = memory.lookup('"good morning," SHE said.')
    assert found is not None
    assert found.is_exact
    assert found.target == "«Buenos días», dijo."
    assert memory.lookup("Where is my umbrella?") is None
    assert memory.lookup("") is None


def test_tmx_gives_the_very_locale_before_the_bare_language_and_never_another_region() -> None:
    brazilian = read_memory(TMX.encode(), "a.tmx", EN, PT_BR)
    assert len(brazilian) == 2
    assert brazilian.lookup("Good morning, all.").target == "Bom dia, gente."  # type: ignore[union-attr]
    week = "We sold 300 boxes of it in the first week."
    assert brazilian.lookup(week).target == "Vendemos 300 caixas na primeira semana."  # type: ignore[union-attr]
    angolan = read_memory(TMX.encode(), "a.tmx", Locale("en-GB"), Locale("pt-AO"))
    assert angolan.lookup("Good morning, all.").target == "Bom dia a todos."  # type: ignore[union-attr]
    assert len(read_memory(TMX.encode(), "a.tmx", EN, Locale("es-ES"))) == 0, "Mexican is not Castilian"
    assert len(read_memory(TMX.encode(), "a.tmx", EN, ES)) == 1
    assert len(read_memory(TMX.encode(), "a.tmx", EN, Locale("fr"))) == 0


def test_tables_have_a_column_per_locale() -> None:
    memory = read_memory(TABLE.encode(), "a.csv", EN, PT_BR)
    assert memory.lookup("the keys are in the car.").target == "As chaves estão no carro."  # type: ignore[union-attr]
    assert len(read_memory(TABLE.replace(",", "\t").encode(), "a.tsv", EN, PT_BR)) == 2


@pytest.mark.parametrize(
    ("said", "is_found", "is_usable"),
    [
        ("We sold 300 boxes of it in the first weeks.", True, True),
        ("We sold 400 boxes of it in the first week.", True, False),
        ("We sold 300 boxes of it in the second week.", True, False),
        ("We never sold any boxes of tea last year.", False, False),
    ],
)
def test_what_is_nearly_the_same_is_used_or_suggested(said: str, is_found: bool, is_usable: bool) -> None:
    found = read_memory(TMX.encode(), "a.tmx", EN, PT_BR).lookup(said)
    assert (found is not None) is is_found
    if found:
        assert found.is_usable is is_usable
        assert not found.is_exact


def test_of_several_translations_the_last_counts() -> None:
    assert TranslationMemory([("Hi", "Hola"), ("hi", "Buenas")]).lookup("Hi").target == "Buenas"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.tmx", TMX.replace("<tmx", "<xliff").replace("</tmx", "</xliff"), "line 3: the root element is <xliff>"),
        ("a.tmx", TMX.replace('xml:lang="pt"', 'xml:lang="brazil"', 1), "line 9: xml:lang='brazil' is no language"),
        ("a.tmx", TMX.replace(' xml:lang="pt"', "", 1), "line 9: <tuv> without xml:lang"),
        ("a.tmx", TMX.replace("</tu>", "", 1), "no well-formed XML"),
        ("a.tmx", '<!DOCTYPE x [<!ENTITY a "b">]><tmx>&a;</tmx>', "declares entities"),
        ("a.csv", "one,two\nx,y\n", "line 1: the columns are one, two"),
        ("a.csv", "en,es\na,b,c\n", "line 2: 3 cells for 2 columns"),
        ("a.csv", b"en,es\nS\xf3c,b\n", "line 2: the text is not UTF-8"),
        ("a.xlsx", "PK", "xlsx"),
    ],
)
def test_faults_are_named_with_the_mend(name: str, content: str | bytes, fault: str) -> None:
    with pytest.raises(BadInput, match=fault) as refused:
        read_memory(content if isinstance(content, bytes) else content.encode(), name, EN, PT_BR)
    assert refused.value.mend
    assert name in str(refused.value)


def test_scripts_are_not_taken_for_one_another() -> None:
    assert serving(Locale("zh-Hant"), [Locale("zh")]) is None
    assert serving(Locale("zh"), [Locale("zh-Hant")]) is None
    assert serving(Locale("sr-Latn"), [Locale("sr")]) is None


@given(st.lists(st.tuples(st.text(max_size=20), st.text(min_size=1, max_size=20)), max_size=8), st.text(max_size=20))
def test_what_is_put_in_is_found_and_what_is_found_was_put_in(pairs: list[tuple[str, str]], asked: str) -> None:
    memory = TranslationMemory(pairs)
    for source, _ in pairs:
        found = memory.lookup(source)
        assert found is None or found.is_exact
    found = memory.lookup(asked)
    assert found is None or (found.source, found.target) in pairs


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    for name in ("a.tmx", "a.csv", "a.tsv"):
        with suppress(BadInput):
            read_memory(content, name, EN, ES)


@given(st.data())
def test_a_file_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(TMX.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadInput):
        read_memory(bytes(content), "a.tmx", EN, PT_BR)
