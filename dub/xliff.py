"""XLIFF 1.2 and 2.0, the translators' exchange format: read into cues, and written for a translator to work on.

https://docs.oasis-open.org/xliff/v1.2/os/xliff-core.html, https://docs.oasis-open.org/xliff/xliff-core/v2.0/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dub.cue_fields import UNTIMED, plain, seconds_of, span_between
from dub.given_xml import NOT_XML, GivenXml, attribute, child, children, local, text_of
from dub.script import DubScript, Translation, Utterance
from dub.subtitles import Cue
from dub.timecode import Span, timecode
from lang.bcp47 import Locale

_UNTRANSLATED = frozenset({"new", "needs-translation", "initial"})
"""States in which a target, if there is one, is the source's copy or a guess (1.2 section 3.2.5, 2.0 section 4.3)."""
_APPROVED = frozenset({"final", "signed-off"})
_APPROVED_BY = "approved-by"
_CODE = frozenset({"bpt", "ept", "ph", "it", "x", "bx", "ex", "sc", "ec", "sm", "em", "cp"})
"""Inline elements that stand for markup of the original file: never spoken."""
_UTTERANCE_ID = re.compile(r"u\d{4}")
_TIMING = re.compile(r"(\d[\d:.,]*)\s*--+>\s*(\d[\d:.,]*)")
_STARTS, _ENDS = ("start", "begin", "in", "from", "starttime"), ("end", "out", "to", "endtime")
_NAMESPACE = "urn:oasis:names:tc:xliff:document:2.0"


@dataclass(frozen=True)
class _Segment:
    """A source and its target, "" where it has none that may be used."""

    element: Element
    source: str
    target: str


def parse_xliff(
    content: bytes, file_name: str, *, source: Locale | None = None, target: Locale | None = None
) -> list[Cue]:
    """One cue per unit, in order: its target with `target`, else its source.

    A unit is known by an utterance's id (`u0001` as id, resname or name of a unit or segment), or by its time, as
    attributes (`start`, `end`) or as `00:00:01.000 --> 00:00:02.500` in a note, a context or a name. A target that is
    empty, or whose state says that it is yet to be translated, is a cue without text. Raises BadInput for another
    language than the one asked for, naming the file, the line and what to write.
    """
    given = GivenXml(content, file_name)
    if local(given.root.tag) != "xliff":
        what = f"the root element is <{local(given.root.tag)}>, not <xliff>"
        raise given.fault(given.root, what, "give XLIFF 1.2 or 2.0")
    _check_languages(given, source, target)
    return [cue for unit in _units(given.root) for cue in _cues_of(given, unit, is_target=target is not None)]


def _check_languages(given: GivenXml, source: Locale | None, target: Locale | None) -> None:
    for element in (given.root, *children(given.root, "file")):
        for wanted, names in ((source, ("source-language", "srcLang")), (target, ("target-language", "trgLang"))):
            name = next((name for name in names if attribute(element, name)), "")
            if wanted is None or not name:
                continue
            tag = attribute(element, name)
            try:
                found = Locale(tag)
            except ValueError as error:
                raise given.fault(element, f"{name} is {tag!r}: {error}", f'write {name}="{wanted}"') from error
            if found.language != wanted.language:
                mend = f"--script {found}={given.file_name}, or give the {wanted} file"
                raise given.fault(element, f"{name} is {found}, not {wanted}", mend)


def _units(element: Element) -> Iterator[Element]:
    for inside in element:
        if local(inside.tag) in ("trans-unit", "unit"):
            yield inside
        elif local(inside.tag) in ("file", "body", "group"):
            yield from _units(inside)


def _cues_of(given: GivenXml, unit: Element, *, is_target: bool) -> Iterator[Cue]:
    """One of the whole unit, or one of each segment where these bear the utterances' ids."""
    segments = _segments(unit)
    own_ids = [attribute(segment.element, "id") for segment in segments]
    if len(segments) > 1 and all(map(_UTTERANCE_ID.fullmatch, own_ids)):
        for segment, id_ in zip(segments, own_ids, strict=True):
            yield _cue(given, segment.element, [segment], id_, is_target=is_target)
    elif segments:
        names = [attribute(unit, name) for name in ("id", "resname", "name")] + own_ids
        id_ = next((name for name in names if _UTTERANCE_ID.fullmatch(name)), names[0])
        yield _cue(given, unit, segments, id_, is_target=is_target)


def _segments(unit: Element) -> list[_Segment]:
    parts = [unit] if local(unit.tag) == "trans-unit" else list(children(unit, "segment", "ignorable"))
    keeps_source = attribute(unit, "translate") == "no"
    segments = []
    for part in parts:
        source, target = child(part, "source"), child(part, "target")
        state = attribute(part if local(part.tag) == "segment" else target, "state") if target is not None else ""
        said = text_of(source, without=_CODE)
        wording = said if keeps_source and target is None else text_of(target, without=_CODE)
        segments.append(_Segment(part, said, "" if state in _UNTRANSLATED else wording))
    return segments


def _cue(given: GivenXml, element: Element, segments: Sequence[_Segment], id_: str, *, is_target: bool) -> Cue:
    texts = [segment.target if is_target else segment.source for segment in segments]
    is_whole = all(text or not segment.source for text, segment in zip(texts, segments, strict=True))
    span = _span(given, element)
    if span == UNTIMED and not id_:
        raise given.fault(element, "neither an id nor times", '<unit id="u0001">')
    return Cue(
        span=span,
        text=plain(" ".join(filter(None, texts))) if is_whole else "",
        id=id_,
        line=given.line_of(element),
        speaker="",
    )


def _span(given: GivenXml, element: Element) -> Span:
    start, end = (_first_time(element, names) for names in (_STARTS, _ENDS))
    if start and end:
        return span_between(start, end, given.file_name, given.line_of(element))
    notes = (text_of(inside) for inside in element.iter() if local(inside.tag) in ("note", "context", "meta"))
    for text in (*element.attrib.values(), *notes):
        if found := _TIMING.search(text):
            return span_between(found[1], found[2], given.file_name, given.line_of(element))
    return UNTIMED


def _first_time(element: Element, names: Sequence[str]) -> str:
    for key, value in element.attrib.items():
        if local(key).casefold() in names and seconds_of(value) is not None:
            return value
    return ""


@dataclass(frozen=True)
class ReviewedUnit:
    """A unit as a translator gave it back. `target`: "" where there is none. `is_untranslated`: its state says so of
    all or a part of it. `line`: where it stands in the file."""

    id: str
    source: str
    target: str
    is_approved: bool
    is_untranslated: bool
    approved_by: str
    line: int


def parse_reviewed(content: bytes, file_name: str) -> tuple[Locale, list[ReviewedUnit]]:
    """The target locale and every unit that `to_xliff` wrote, as it is now. Approved: `state="final"` on all segments
    (2.0), `approved="yes"` or a target's state `final` or `signed-off` (1.2). Raises BadInput naming the line."""
    given = GivenXml(content, file_name)
    if local(given.root.tag) != "xliff":
        raise given.fault(given.root, f"the root element is <{local(given.root.tag)}>, not <xliff>", "give XLIFF")
    named = [given.root, *children(given.root, "file")]
    tags = [tag for element in named for name in ("trgLang", "target-language") if (tag := attribute(element, name))]
    try:
        locale = Locale(tags[0] if tags else "")
    except ValueError as error:
        raise given.fault(given.root, "it names no target language", 'write trgLang="es"') from error
    return locale, [_reviewed(given, unit) for unit in _units(given.root)]


def _reviewed(given: GivenXml, unit: Element) -> ReviewedUnit:
    parts = [segment.element for segment in _segments(unit)]
    names = [attribute(unit, name) for name in ("id", "resname", "name")]
    states = [_state(part) for part in parts]
    by = (note for note in unit.iter() if local(note.tag) == "note" and attribute(note, "category") == _APPROVED_BY)
    source, target = (
        " ".join(filter(None, (text_of(child(part, tag), without=_CODE) for part in parts)))
        for tag in ("source", "target")
    )
    return ReviewedUnit(
        id=next((name for name in names if _UTTERANCE_ID.fullmatch(name)), names[0]),
        source=source,
        target=target,
        is_approved=bool(states) and (attribute(unit, "approved") == "yes" or all(s in _APPROVED for s in states)),
        is_untranslated=any(state in _UNTRANSLATED for state in states),
        approved_by=text_of(next(by, None)),
        line=given.line_of(unit),
    )


def _state(element: Element) -> str:
    target = child(element, "target")
    return attribute(element if local(element.tag) != "trans-unit" or target is None else target, "state")


def to_xliff(script: DubScript, translation: Translation, approved: Mapping[str, str] = {}) -> str:
    """XLIFF 2.0 of a translation, one unit per utterance with its time and speaker as notes: for a translator to
    correct, and to be given back with `polydub import` or `--script`. A line that was withheld has no target, and a
    note that says why. `approved`: who approved a line as it stands, by utterance id; its state is `final`."""
    ElementTree.register_namespace("", _NAMESPACE)
    root = Element(_tag("xliff"), version="2.0", srcLang=str(script.source_locale), trgLang=str(translation.locale))
    file = ElementTree.SubElement(root, _tag("file"), id="f1")
    lines = {line.utterance_id: line.text for line in translation.lines}
    reasons = {line.utterance_id: line.reason for line in translation.withheld}
    for utterance in script.utterances:
        text = lines.get(utterance.id, "")
        state = "initial" if not text else "final" if utterance.id in approved else "translated"
        notes = {"withheld": reasons.get(utterance.id, ""), _APPROVED_BY: approved.get(utterance.id, "")}
        _write_unit(file, utterance, text, state, notes)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


def _write_unit(file: Element, utterance: Utterance, text: str, state: str, more: Mapping[str, str]) -> None:
    unit = ElementTree.SubElement(file, _tag("unit"), id=utterance.id)
    notes = ElementTree.SubElement(unit, _tag("notes"))
    times = f"{timecode(utterance.span.start)} --> {timecode(utterance.span.end)}"
    for category, note in {"time": times, "speaker": utterance.speaker, **more}.items():
        if note:
            ElementTree.SubElement(notes, _tag("note"), category=category).text = NOT_XML.sub(" ", note)
    segment = ElementTree.SubElement(unit, _tag("segment"), id="s1", state=state)
    ElementTree.SubElement(segment, _tag("source")).text = NOT_XML.sub(" ", utterance.text)
    if text:
        ElementTree.SubElement(segment, _tag("target")).text = NOT_XML.sub(" ", text)


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"
