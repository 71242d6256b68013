"""Every translator: as many lines out as in, nothing lost, nothing that must not be spoken."""

from __future__ import annotations

import re
import shutil

import pytest

from dub.errors import EngineFailed, LanguageNotSupported
from engines import registry
from engines.translation import apertium
from engines.translation.contract import Translator
from lang.bcp47 import Locale

EN, PT, PT_BR, ES, CA, GL = map(Locale, ("en", "pt", "pt-BR", "es", "ca", "gl"))

NEEDED = [apertium.PAIRS[PT, target].mode for target in (ES, CA, GL)]
HAS_APERTIUM = bool(shutil.which("apertium")) and all((apertium.DATA / "modes" / f"{m}.mode").is_file() for m in NEEDED)
needs_apertium = pytest.mark.skipif(
    not HAS_APERTIUM, reason="needs Debian's apertium, apertium-es-pt, apertium-por-cat, apertium-pt-gl (make tools)"
)
bergamot = pytest.param("bergamot", EN, PT_BR, marks=pytest.mark.models)
pairs = [pytest.param("apertium", PT, target, marks=needs_apertium) for target in (ES, CA, GL)]

LINES = {
    EN: ["Good morning.", "", "I am from Barcelona", "and I love the city.", "What is\nyour name?", "1969!"],
    PT: ["Bom dia.", "", "Eu sou de Barcelona", "e eu amo a cidade.", "Qual é\no seu nome?", "1969!"],
}


def translator(engine_id: str) -> Translator:
    loaded: Translator = registry.load("translation", engine_id)
    return loaded


@pytest.mark.parametrize(("engine_id", "source", "target"), [bergamot, *pairs, ("pseudo", EN, ES)])
def test_as_many_lines_come_out_in_order(engine_id: str, source: Locale, target: Locale) -> None:
    engine, lines = translator(engine_id), LINES[source]
    answers = engine.translate(lines, source, target)
    assert [bool(answer) for answer in answers] == [bool(line) for line in lines]
    assert not any("\n" in answer for answer in answers)
    assert "Barcelona" in answers[2]
    assert "1969" in answers[5]
    assert answers == engine.translate(lines, source, target)
    assert engine.translate(lines[2:3], source, target) == answers[2:3], "a line's neighbours do not change it"
    assert engine.translate([], source, target) == []


@pytest.mark.parametrize(("engine_id", "source", "target"), [bergamot, *pairs])
def test_punctuation_and_case_at_the_ends_survive(engine_id: str, source: Locale, target: Locale) -> None:
    answers = translator(engine_id).translate(LINES[source], source, target)
    assert answers[0].endswith(".")
    assert answers[0][0].isupper()
    assert answers[2][-1].isalpha()
    assert answers[3][0].islower()
    assert answers[3].endswith(".")
    assert answers[4].endswith("?")


@pytest.mark.parametrize("engine_id", ["bergamot", "apertium", "pseudo"])
@pytest.mark.parametrize("locale", ["de", "ja"])
def test_a_pair_that_it_cannot_do_is_refused(engine_id: str, locale: str) -> None:
    if engine_id == "apertium" and not HAS_APERTIUM:
        pytest.skip("needs Debian's apertium")
    with pytest.raises(LanguageNotSupported):
        translator(engine_id).translate(["Hi"], Locale("ko"), Locale(locale))


@pytest.mark.models
@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("The keys are in the car.", "As chaves estão no carro."),  # the package's own postprocess says "não carro"
        ("Please close the window before you leave the house.", "Por favor, feche a janela antes de sair de casa."),
        ("He paid $3.50, i.e. 20% less.", "Ele pagou US$ 3,50, ou seja, 20% menos."),
        ("I am from Barcelona", "Eu sou de Barcelona"),
    ],
)
def test_bergamot_says(english: str, portuguese: str) -> None:
    assert translator("bergamot").translate([english], EN, PT_BR) == [portuguese]


@pytest.mark.models
def test_bergamot_loses_no_sentence_of_a_line_and_goes_back_to_english() -> None:
    engine = translator("bergamot")
    [line] = engine.translate(["We waited for a long time. Also, this was the first time."], EN, PT_BR)
    assert len(re.findall(r"\.", line)) == 2
    assert engine.translate(["As chaves estão no carro."], PT, EN) == ["The keys are in the car."]


@needs_apertium
@pytest.mark.parametrize(
    ("target", "portuguese", "said"),
    [
        (ES, "As chaves estão no carro.", "Las llaves están en el coche."),
        (ES, "Bom dia. Qual é o seu nome?", "Buenos días. ¿Cuál es su nombre?"),
        (ES, "Se chover amanhã, vamos sair.", "Si llueve mañana, vamos a salir."),
        (CA, "As chaves estão no carro.", "Les claus estan en el cotxe."),
        (CA, "Se chover amanhã.", "Si plou demà."),
        (GL, "Eu sou de Barcelona", "Eu son de Barcelona"),
    ],
)
def test_apertium_says(target: Locale, portuguese: str, said: str) -> None:
    [answer] = translator("apertium").translate([portuguese], PT, target)
    assert answer == said


@needs_apertium
def test_apertium_leaves_no_marks_and_passes_unknown_words_and_symbols() -> None:
    lines = ["O Zyxquo fala brzztwq e xpto.", "Isto é 5 * 3 = 15, e-mail: a@b.com #tag [x] {y} ^z$ \\ / <b>"]
    answers = translator("apertium").translate(lines, PT, ES)
    assert not re.search(r"[*#@](?=\w*(?:Zyx|brz|xpto))", answers[0])
    assert "Zyxquo" in answers[0]
    for kept in ("5 * 3 = 15", "a@b.com", "#tag", "[x]", "{y}", "^z$", "\\", "<b>"):
        assert kept in answers[1]


@needs_apertium
def test_a_batch_that_comes_back_in_another_number_goes_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = apertium.Apertium()
    run = engine._run

    def merging(text: str, mode: str) -> str:
        answer = run(text, mode)
        return answer.replace("\n\n", " ", 1) if text.count("\n\n") > 1 else answer

    monkeypatch.setattr(engine, "_run", merging)
    lines = ["Bom dia.", "Eu sou de Lisboa.", "Boa noite."]
    assert engine.translate(lines, PT, CA) == ["Bon dia.", "Jo soc de Lisboa.", "Bona nit."]


@needs_apertium
def test_a_batch_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = apertium.Apertium()
    run, texts = engine._run, []
    monkeypatch.setattr(engine, "_run", lambda text, mode: texts.append(text) or run(text, mode))
    assert len(engine.translate(["Eu sou de Lisboa", "e eu amo a cidade."] * 20, PT, ES)) == 40
    assert len(texts) == 1


@needs_apertium
def test_a_line_that_comes_back_empty_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = apertium.Apertium()
    monkeypatch.setattr(engine, "_run", lambda text, mode: "\n\n")
    with pytest.raises(EngineFailed, match="Bom dia"):
        engine.translate(["Bom dia."], PT, CA)


def test_pseudo_has_the_length_it_was_asked_for() -> None:
    engine = registry.load("translation", "pseudo", length_ratio=2.0)
    assert engine.translate(["one two three"], EN, ES) == ["⟦es⟧ one two three one two three"]
