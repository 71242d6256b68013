"""XML from outside (XLIFF, TMX): read without entities and external files, every element with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from dub.errors import BadInput

NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML file may hold."""

DEEPEST = 100
"""Elements inside one another: more is an attack on the reader, not a document."""


class GivenXml:
    """A parsed file. Tags are compared without their namespace: tools disagree on it more than on the names."""

    def __init__(self, content: bytes, file_name: str) -> None:
        """Raises BadInput for what is not XML, and for XML that declares entities."""
        self.file_name = file_name
        builder = _LinedBuilder(file_name)
        parser = DefusedXMLParser(target=builder, forbid_dtd=False, forbid_entities=True, forbid_external=True)
        builder.expat = parser.parser
        try:
            parser.feed(content)
            self.root: Element = parser.close()
        except DefusedXmlException as error:
            raise BadInput(
                f"{file_name}: it declares entities or reaches for other files, which is refused",
                mend="write it without <!ENTITY ...>",
            ) from error
        except (ParseError, LookupError, ValueError) as error:
            raise BadInput(f"{file_name} is no well-formed XML: {error}", mend="export it again") from error
        self._lines = builder.lines

    def line_of(self, element: Element) -> int:
        return self._lines[element]

    def fault(self, element: Element, what: str, mend: str) -> BadInput:
        return BadInput(f"{self.file_name}, line {self.line_of(element)}: {what}", mend=mend)


class _LinedBuilder(TreeBuilder):
    """Notes the line that each element starts on."""

    def __init__(self, file_name: str) -> None:
        super().__init__()
        self.lines: dict[Element, int] = {}
        self.expat: Any = None
        self._file_name = file_name
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadInput(f"{self._file_name}: over {DEEPEST} elements inside one another", mend="export it again")
        element = super().start(tag, attrs)
        self.lines[element] = self.expat.CurrentLineNumber
        return element

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def local(name: str) -> str:
    """A tag's or attribute's name without its namespace."""
    return name.rsplit("}", 1)[-1]


def children(element: Element, *tags: str) -> Iterator[Element]:
    """Direct children of these local names, in order."""
    return (child for child in element if local(child.tag) in tags)


def child(element: Element, tag: str) -> Element | None:
    return next(children(element, tag), None)


def attribute(element: Element, name: str) -> str:
    """By local name, "" where it is missing."""
    return next((value.strip() for key, value in element.attrib.items() if local(key) == name), "")


def text_of(element: Element | None, *, without: frozenset[str] = frozenset()) -> str:
    """The words of an element and of those inside it but for `without`, on one line: an element that was empty or
    left out leaves a space, where it may have been a line break."""
    return "" if element is None else " ".join("".join(_pieces(element, without)).split())


def _pieces(element: Element, without: frozenset[str]) -> Iterator[str]:
    yield element.text or ""
    for inside in element:
        if local(inside.tag) in without:
            yield " "
        else:
            yield from _pieces(inside, without)
        yield inside.tail or ""
