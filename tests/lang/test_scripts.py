"""Scripts told by their letters, over every language of the Declaration and over what a translator may get wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lang.registry import language
from lang.scripts import dominant_script, is_in_script
from lang.udhr import article_1


def test_every_text_of_the_declaration_is_in_its_languages_script() -> None:
    """All but the Cantonese one, which its source writes with simplified signs."""
    wrong = {
        str(locale): (language(locale).script, dominant_script(text))
        for locale, text in article_1().items()
        if not is_in_script(text, language(locale).script)
    }
    assert wrong == {"yue": ("Hant", "Hans")}


def test_no_text_of_the_declaration_is_in_another_languages_script() -> None:
    """Simplified Cantonese, again, is the one exception."""
    scripts = {language(locale).script for locale in article_1()}
    mistaken = {
        (str(locale), script)
        for locale, text in article_1().items()
        for script in scripts - {language(locale).script}
        if is_in_script(text, script)
    }
    assert mistaken == {("yue", "Hans")}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello", "Latn"),
        ("Привет, Jordi!", "Cyrl"),
        ("这个国家的经济发展很快", "Hans"),
        ("這個國家的經濟發展很快", "Hant"),
        ("皇后在里面", "Hani"),
        ("東京に行きます", "Jpan"),
        ("서울大學校에 갑니다", "Kore"),
        ("สวัสดี", "Thai"),
        ("123, 45 %!", "Zyyy"),
        ("", "Zyyy"),
    ],
)
def test_the_dominant_script(text: str, script: str) -> None:
    assert dominant_script(text) == script


@pytest.mark.parametrize(
    ("text", "script", "is_in"),
    [
        ("Меня зовут Jordi Mas, и я из Barcelona.", "Cyrl", True),
        ("My name is Jordi Mas, I am from Barcelona.", "Cyrl", False),
        ("Hello, my name is Anna и", "Cyrl", False),
        ("我用 PlayStation 5 玩游戏", "Hans", True),
        ("我用 PlayStation 5 玩遊戲嗎", "Hans", False),
        ("这个国家的经济", "Hant", False),
        ("皇后", "Hant", True),
        ("東京都", "Jpan", True),
        ("这个国家的经济发展得很快", "Jpan", False),
        ("12:30", "Arab", True),
        ("Dobar dan", "Cyrl", False),
        ("بڕۆ", "Aran", True),
    ],
)
def test_a_text_in_a_script(text: str, script: str, is_in: bool) -> None:
    assert is_in_script(text, script) is is_in


def test_the_rooms_of_text_start_without_icu() -> None:
    """It takes a while to load, and `polydub --help` needs none of it."""
    rooms = "direction line_breaks names script_conversion scripts sentences shorter speech_rate spoken syllables text"
    code = f"import sys; {'; '.join(f'import lang.{room}' for room in rooms.split())}; assert 'icu' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
