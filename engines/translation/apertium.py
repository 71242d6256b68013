"""Apertium: rule-based translation between related languages, from Debian packages (GPL).

https://www.apertium.org, program 3.8. From Portuguese into Spanish, Catalan and Galician it is fair; the further
pairs stack a second set of faults on the first and are demo grade. Direct pairs from English are not used: their
Spanish is word salad where the way by Portuguese is fluent. Known faults: names that are words are translated
(`lang.names` masks them), Portuguese forms of place names stay ("Xangai").
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dub import progress
from dub.errors import EngineFailed, EngineUnavailable, LanguageNotSupported
from dub.tool import run_tool
from engines.spec import EngineSpec
from lang.bcp47 import Locale
from lang.text import capitalised_like, with_opening_marks

DATA = Path("/usr/share/apertium")
DEADLINE_S = 120.0
"""A call starts in 0.1-1 s and translates 150 lines a second."""
_LINES_PER_CALL = 500


@dataclass(frozen=True)
class Pair:
    """One direction: Apertium's mode, the Debian package that brings it, and how good it is."""

    mode: str
    package: str
    tier: str


def _pairs() -> dict[tuple[Locale, Locale], Pair]:
    rows = """
        pt pt-es        es     apertium-es-pt   fair
        pt por-cat      ca     apertium-por-cat fair
        pt pt-gl        gl     apertium-pt-gl   fair
        es es-pt_BR     pt-BR  apertium-es-pt   fair
        ca cat-por_BR   pt-BR  apertium-por-cat fair
        es spa-cat      ca     apertium-spa-cat fair
        ca cat-spa      es     apertium-spa-cat fair
        es spa-ita      it     apertium-spa-ita demo
        it ita-spa      es     apertium-spa-ita demo
        es spa-ast      ast    apertium-spa-ast demo
        es spa-arg      an     apertium-spa-arg demo
        es es-oc        oc     apertium-oc-es   demo
        ca cat-fra      fr     apertium-fra-cat demo
        fr fra-cat      ca     apertium-fra-cat demo
        ca cat-srd      sc     apertium-cat-srd demo
        en en-eo        eo     apertium-eo-en   demo
        """
    pairs = {}
    for source, mode, target, package, tier in (row.split() for row in rows.strip().splitlines()):
        pairs[Locale(source), Locale(target)] = Pair(mode, package, tier)
    return pairs


PAIRS = _pairs()

_FUTURE_SUBJUNCTIVE = {
    "for": "é", "tiver": "tem", "puder": "pode", "fizer": "faz", "quiser": "quer", "estiver": "está",
    "houver": "há", "vier": "vem", "souber": "sabe", "der": "dá", "trouxer": "traz", "disser": "diz", "vir": "vê",
}  # fmt: skip
_IF_CLAUSE = re.compile(r"((?:^|[.,;:!?] )se (?:não |ele |ela |você )?)(\w+)\b(?!-)", re.IGNORECASE)

_CATALAN_CONTRACTIONS = (
    (r"\b([Dd])e el(s?)\b", r"\1el\2"),
    (r"\b([Aa]) el(s?)\b", r"\1l\2"),
    (r"\b([Pp])er el(s?)\b", r"\1el\2"),
)
_POST_EDITS = {
    "pt-es": ((r"\b([Bb])uen día\b", r"\1uenos días"),),
    "por-cat": ((r"\bper a nusos\b", "per a nosaltres"), (r"\bnusos dos\b", "nosaltres dos"), *_CATALAN_CONTRACTIONS),
}
"""Standing faults of a pair's own dictionary, seen in its output."""


class Options(BaseModel):
    """`source`, `target`: the hop of a route, as the plan names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Locale | None = None
    target: Locale | None = None


class Apertium:
    """Meets `contract.Translator`. `routes` are the pairs whose packages are installed."""

    def __init__(self) -> None:
        self._program = _program()

    def routes(self) -> frozenset[tuple[Locale, Locale]]:
        return frozenset(route for route, pair in PAIRS.items() if _mode_file(pair).is_file())

    def translate(self, lines: Sequence[str], source: Locale, target: Locale) -> list[str]:
        require(source, target)
        mode = PAIRS[source, target].mode
        given = [(number, _prepared(line, mode)) for number, line in enumerate(lines) if line.strip()]
        answers = [""] * len(lines)
        for first in range(0, len(given), _LINES_PER_CALL):
            batch = given[first : first + _LINES_PER_CALL]
            for (number, line), answer in zip(batch, self._batch([line for _, line in batch], mode), strict=True):
                answers[number] = _tidied(answer, line, mode, target)
            progress.report(first + len(batch), len(given))
        return answers

    def _batch(self, lines: list[str], mode: str) -> list[str]:
        """One process for all lines. An empty line between two ends the sentence before it, whatever its
        punctuation, so that no rule reaches over it; a batch that comes back in another number goes line by line."""
        answers = [answer.strip() for answer in self._run("\n\n".join(lines) + "\n\n", mode).split("\n\n")]
        while answers and not answers[-1]:
            answers.pop()
        if len(answers) != len(lines) or not all(answers):
            if len(lines) == 1:
                raise EngineFailed(f"apertium {mode} gave {len(answers)} lines for one: {lines[0]!r}")
            return [self._batch([line], mode)[0] for line in lines]
        return answers

    def _run(self, text: str, mode: str) -> str:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
            file.write(text)
            file.flush()
            # -u: no mark before a word that the dictionary lacks; it passes through as it is.
            command = [self._program, "-d", str(DATA), "-u", "-f", "txt", mode, file.name]
            return run_tool(command, DEADLINE_S).decode()


def require(source: Locale, target: Locale) -> None:
    """Raises LanguageNotSupported for a pair that is none of ours, EngineUnavailable naming the Debian package that
    is missing."""
    pair = PAIRS.get((source, target))
    if pair is None:
        known = ", ".join(f"{one} to {other}" for one, other in PAIRS)
        raise LanguageNotSupported(f"apertium does not translate {source} to {target}", mend=f"it does {known}")
    _program()
    if not _mode_file(pair).is_file():
        raise EngineUnavailable(
            f"apertium lacks its data for {source} to {target}",
            mend=f"apt-get install --no-install-recommends {pair.package}",
        )


def data_digest(source: Locale, target: Locale) -> str:
    """Stands for the installed version of a pair's data: another version answers differently."""
    mode = _mode_file(PAIRS[source, target]).read_text()
    sizes = [f"{Path(path).name} {Path(path).stat().st_size}" for path in re.findall(r"'([^']+)'", mode)]
    return hashlib.sha256("\n".join([mode, *sizes]).encode()).hexdigest()[:16]


def _program() -> str:
    program = shutil.which("apertium")
    if program is None:
        raise EngineUnavailable(
            "apertium is not installed",
            mend="apt-get install --no-install-recommends apertium apertium-es-pt apertium-por-cat apertium-pt-gl",
        )
    return program


def _mode_file(pair: Pair) -> Path:
    return DATA / "modes" / f"{pair.mode}.mode"


def _prepared(line: str, mode: str) -> str:
    """One line, without the Portuguese future subjunctive after "if", which the Spanish and Catalan pairs take for an
    infinitive: "se chover" is given as "se chove"."""
    text = " ".join(line.split())
    return _IF_CLAUSE.sub(_in_the_present, text) if mode in ("pt-es", "por-cat") else text


def _in_the_present(found: re.Match[str]) -> str:
    verb = found.group(2)
    if verb in _FUTURE_SUBJUNCTIVE:
        return found.group(1) + _FUTURE_SUBJUNCTIVE[verb]
    if len(verb) >= 5 and verb[-2:] in ("ar", "er", "ir"):
        return found.group(1) + verb[:-2] + ("a" if verb.endswith("ar") else "e")
    return found.group(0)


def _tidied(answer: str, line: str, mode: str, target: Locale) -> str:
    """Apertium's leftovers mended: marks before words, a space before a stop, the first letter's case, ¿ and ¡."""
    text = " ".join(answer.split())
    text = re.sub(r"(?<!\S)[*#@](?=\w)", "", text) if not re.search(r"(?<!\S)[*#@]\w", line) else text
    if not re.search(r"\s[,.;:!?]", line):
        text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    for fault, mended in _POST_EDITS.get(mode, ()):
        text = re.sub(fault, mended, text)
    return with_opening_marks(capitalised_like(text, line), target)


def load(**options: Any) -> Apertium:
    Options(**{name: value for name, value in options.items() if name != "data"})
    return Apertium()


ENGINE = EngineSpec(
    id="apertium",
    family="translation",
    version=1,
    summary="rule-based translation between related languages (Debian packages apertium-*)",
    load=load,
    locales=frozenset(target for _, target in PAIRS),
    code_licence="GPL-2.0-or-later",
    weights_licence="GPL-2.0-or-later",
    licence_class="copyleft",
    capabilities={
        "tiers": {route: pair.tier for route, pair in PAIRS.items()},
        "require": require,
        "data_digest": data_digest,
        "keeps_unknown_words": True,
    },
)
