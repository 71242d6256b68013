"""What is left out, lost or said twice is found; what a translator may do is not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dub.check_content import check_content
from dub.finding import Finding, Level
from dub.gates import Gates
from dub.script import DubScript, TranslatedLine, Translation, Utterance
from dub.timecode import Span
from lang.bcp47 import Locale

LINES = (
    ("Good morning, this is Zephyrine Moreau.", "Bom dia, aqui é Zephyrine Moreau."),
    ("On Monday we met in London. It rained. We stayed.", "Na segunda-feira nos vimos em Londres. Choveu. Ficamos."),
    ("She speaks English, as many do in Germany.", "Ela fala inglês, como muitos na Alemanha."),
    ("Then everybody went home to sleep.", "Depois todos foram para casa dormir."),
    ("We sold three hundred boxes of tea.", "Vendemos trezentas caixas de chá."),
)


def judged(lines: Sequence[tuple[str, str]], source: str = "en", target: str = "pt-BR") -> dict[str, list[Finding]]:
    utterances = tuple(
        Utterance(id=f"u000{n}", speaker="s1", span=Span.of_seconds(n, n + 1), text=said)
        for n, (said, _) in enumerate(lines)
    )
    script = DubScript(source_locale=Locale(source), duration=len(lines), utterances=utterances)
    made = tuple(TranslatedLine(utterance_id=f"u000{n}", text=text) for n, (_, text) in enumerate(lines))
    found: dict[str, list[Finding]] = {}
    for finding in check_content(script, Translation(locale=Locale(target), route=("x",), lines=made), Gates()):
        found.setdefault(finding.check, []).append(finding)
    return found


def instead(number: int, target: str, source: str = "") -> list[tuple[str, str]]:
    lines = list(LINES)
    lines[number] = (source or lines[number][0], target)
    return lines


def bad(found: dict[str, list[Finding]]) -> list[tuple[str, str]]:
    return [(each.check, each.utterance_id) for some in found.values() for each in some if each.level is not Level.OK]


def test_a_right_translation_is_let_pass() -> None:
    found = judged(LINES)
    assert bad(found) == []
    assert set(found) == {"names_kept", "sentences_kept", "said_twice"}
    assert found["names_kept"][0].message == "All 2 names of the source are in the translation.", "Zephyrine, London"


@pytest.mark.parametrize("said", ["Bom dia, aqui é a minha irmã.", "Bom dia, aqui é Teresa."])
def test_a_lost_name(said: str) -> None:
    found = judged(instead(0, said))
    assert bad(found) == [("names_kept", "u0000")]
    assert "Zephyrine Moreau" in found["names_kept"][0].message


def test_a_name_in_another_script_or_ending_is_kept() -> None:
    russian = [("I met Jordi Masferrer in Barcelona.", "Я встретила Жорди Масферрера в Барселоне.")]
    assert bad(judged(russian, target="ru")) == []
    assert bad(judged([(russian[0][0], "Я встретила друга в Барселоне.")], target="ru")) == [("names_kept", "u0000")]


def test_where_capitals_tell_no_names_it_says_so() -> None:
    for source, target in (("de", "es"), ("en", "ja")):
        [finding] = judged([("Der Hund von Herrn Meier bellt.", "x y z")], source, target)["names_kept"]
        assert finding.level is Level.OK
        assert finding.message.startswith("Not measured")


def test_a_sentence_left_out() -> None:
    assert bad(judged(instead(1, "Na segunda-feira vimos Londres."))) == [("sentences_kept", "u0001")]


def test_sentences_that_are_joined_are_no_loss() -> None:
    joined = "Na segunda-feira nos vimos em Londres, mas choveu e por isso ficamos."
    assert bad(judged(instead(1, joined))) == []


def test_a_line_that_says_the_line_before() -> None:
    assert bad(judged(instead(3, LINES[2][1]))) == [("said_twice", "u0003")]
    refrain = [*LINES, LINES[4]]
    assert bad(judged(refrain)) == [], "the source says it twice as well"


def test_a_passage_said_twice_on_end() -> None:
    twice = "Vendemos trezentas caixas vendemos trezentas caixas de chá."
    assert bad(judged(instead(4, twice))) == [("said_twice", "u0004")]
    assert bad(judged(instead(4, "Não, não, não.", "No, no, no."))) == []
