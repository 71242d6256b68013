"""XLIFF as translators' tools write it: read by id or by time, refused by line, and written to be worked on."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dub.errors import BadInput
from dub.script import WithheldLine
from dub.timed_script import parse
from dub.xliff import parse_xliff, to_xliff
from lang.bcp47 import Locale
from tests.dub import dubs

EN, ES, PT_BR = Locale("en"), Locale("es"), Locale("pt-BR")

V12 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xliff PUBLIC "-//XLIFF//DTD XLIFF//EN" "http://www.oasis-open.org/committees/xliff/xliff.dtd">
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
 <file original="talk.srt" source-language="en-US" target-language="es-MX" datatype="x-srt">
  <body>
   <group>
   <trans-unit id="1" resname="u0001">
    <source>Good <g id="1">morning</g>,<x id="2" ctype="lb"/>all.</source>
    <seg-source><mrk mtype="seg" mid="0">Good morning, all.</mrk></seg-source>
    <target state="translated">Buenos <g id="1">días</g>,<x id="2"/>a<ph id="3">&lt;i&gt;</ph> todos.</target>
    <alt-trans><target>Hola a todos.</target></alt-trans>
   </trans-unit>
   </group>
   <trans-unit id="2" resname="u0002">
    <source>This is a pump.</source>
    <target state="needs-translation">This is a pump.</target>
   </trans-unit>
   <trans-unit id="3" resname="u0003"><source>Bye.</source><target/></trans-unit>
   <trans-unit id="4" resname="u0004" translate="no"><source>OK</source></trans-unit>
  </body>
 </file>
</xliff>
"""

V20 = """<?xml version="1.0"?>
<xliff version="2.0" srcLang="en" trgLang="es" xmlns="urn:oasis:names:tc:xliff:document:2.0">
 <file id="f1">
  <unit id="a" name="u0001">
   <originalData><data id="d1">&lt;b&gt;</data></originalData>
   <segment state="final"><source>Good morning.</source><target>Buenos <pc id="1">días</pc>.</target></segment>
   <ignorable><source> </source></ignorable>
   <segment><source>Hello.</source><target>Hola.</target></segment>
  </unit>
  <group id="g1"><unit id="b" name="u0002">
   <segment state="initial"><source>This is a pump.</source><target>This is a pump.</target></segment>
  </unit></group>
  <unit id="c">
   <segment id="u0003"><source>Bye.</source><target>Adiós.</target></segment>
   <segment id="u0004"><source>OK</source></segment>
  </unit>
 </file>
</xliff>
"""


def test_1_2_gives_targets_by_id_without_markup_and_blanks_for_what_is_not_translated() -> None:
    cues = parse_xliff(V12.encode(), "talk.xlf", target=ES)
    assert [(cue.id, cue.text) for cue in cues] == [
        ("u0001", "Buenos días, a todos."),
        ("u0002", ""),
        ("u0003", ""),
        ("u0004", "OK"),
    ]
    assert cues[0].line == 7
    assert [cue.text for cue in parse_xliff(V12.encode(), "talk.xlf")][:2] == ["Good morning, all.", "This is a pump."]


def test_2_0_joins_the_segments_of_a_unit_and_knows_segments_by_their_id() -> None:
    cues = parse_xliff(V20.encode(), "talk.xlf", target=ES)
    assert [(cue.id, cue.text) for cue in cues] == [
        ("u0001", "Buenos días. Hola."),
        ("u0002", ""),
        ("u0003", "Adiós."),
        ("u0004", ""),
    ]


@pytest.mark.parametrize(
    "unit",
    [
        '<trans-unit id="7" start="00:00:01.500" end="00:00:02.250">{}</trans-unit>',
        '<trans-unit id="7" xmlns:s="urn:s" s:begin="1.5" s:end="2.25">{}</trans-unit>',
        '<trans-unit id="7" resname="00:00:01,500 --&gt; 00:00:02,250">{}</trans-unit>',
        '<trans-unit id="7">{}<note>00:00:01.500-->00:00:02.250</note></trans-unit>',
        '<trans-unit id="7">{}<context-group purpose="location"><context context-type="sourcefile">'
        "talk.srt 00:00:01,500 --&gt; 00:00:02,250</context></context-group></trans-unit>",
    ],
)
def test_times_are_found_where_subtitle_tools_write_them(unit: str) -> None:
    inside = "<source>Hi</source><target>Hola</target>"
    content = f'<xliff version="1.2"><file><body>{unit.format(inside)}</body></file></xliff>'
    [cue] = parse(content.encode(), "talk.xliff", target=ES)
    assert (float(cue.span.start), float(cue.span.end), cue.text) == (1.5, 2.25, "Hola")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<xliff", "<tmx", "line 2: the root element is <tmx>"),
        ('trgLang="es"', 'trgLang="fr"', "line 2: trgLang is fr, not es"),
        ('trgLang="es"', 'trgLang="klingon language"', "line 2: trgLang is 'klingon language'"),
        ("</unit>", "</units>", "no well-formed XML"),
        ('<file id="f1">', '<file id="f1">&nbsp;', "no well-formed XML"),
        ('id="a" name="u0001"', 'id="a" start="5" end="4"', r"line 4: it ends \(4\)"),
        ('id="a" name="u0001"', "", "line 4: neither an id nor times"),
        ('<?xml version="1.0"?>', '<!DOCTYPE x [<!ENTITY a "b">]>', "declares entities"),
        ('<?xml version="1.0"?>', '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "declares entities"),
        ('<?xml version="1.0"?>', '<?xml version="1.0" encoding="klingon"?>', "no well-formed XML"),
        ('<file id="f1">', '<file id="f1">' + "<group>" * 200 + "</group>" * 200, "inside one another"),
    ],
)
def test_faults_are_named_with_the_mend(old: str, new: str, fault: str) -> None:
    content = V20.replace(old, new)
    if new == "<tmx":
        content = content.replace("</xliff", "</tmx")
    with pytest.raises(BadInput, match=fault) as refused:
        parse_xliff(content.encode(), "talk.xlf", target=ES)
    assert refused.value.mend
    assert "talk.xlf" in str(refused.value)


def test_a_billion_laughs_are_refused_at_once() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {here} "{f"&{before};" * 10}">' for before, here in zip("abcdefghi", "bcdefghij", strict=True)
    )
    with pytest.raises(BadInput, match="declares entities"):
        parse_xliff(f"{bomb}]><xliff>&j;</xliff>".encode(), "talk.xlf", target=ES)


def test_what_a_translator_is_given_says_what_is_there_and_what_is_missing() -> None:
    whole = dubs.translation()
    withheld = (WithheldLine(utterance_id="u0004", text="Bye", reason="it has no words"),)
    translation = whole.model_copy(update={"lines": whole.lines[:3], "withheld": withheld})
    written = to_xliff(dubs.script(), translation)
    assert '<note category="time">00:00:00.500 --&gt; 00:00:01.700</note>' in written
    assert '<note category="withheld">it has no words</note>' in written
    cues = parse(written.encode(), "talk.pt-BR.xlf", target=PT_BR)
    assert [cue.text for cue in cues] == [*dubs.TARGET_TEXT[:3], ""]
    assert [cue.span for cue in cues] == [utterance.span for utterance in dubs.script().utterances]
    assert [cue.id for cue in cues] == ["u0001", "u0002", "u0003", "u0004"]
    source = parse(written.encode(), "talk.pt-BR.xlf", source=EN)
    assert [cue.text for cue in source] == list(dubs.SOURCE_TEXT)


@given(st.lists(st.text(min_size=1, max_size=30).map(lambda text: f"x {text}"), min_size=4, max_size=4))
def test_any_wording_comes_back_with_its_words(texts: list[str]) -> None:
    written = to_xliff(dubs.script(), dubs.translation(texts))
    cues = parse_xliff(written.encode("utf-8", "surrogatepass"), "a.xlf", target=PT_BR)
    assert [cue.id for cue in cues] == [f"u{number:04}" for number in range(1, 5)]
    assert all(cue.text.startswith("x") for cue in cues)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(content: bytes) -> None:
    for name in ("a.xlf", "a.srt", "a.vtt", "a.csv", "a.tsv", "a.json"):
        with suppress(BadInput):
            parse(content, name, target=ES)


@given(st.data())
def test_a_file_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([V12, V20])).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadInput):
        parse(bytes(content), "a.xlf", target=ES)
