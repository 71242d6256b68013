"""Words that a user gives without times, laid over the lines that were heard."""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher

from dub.errors import BadInput
from dub.script import DubScript


def with_words(script: DubScript, text: str) -> DubScript:
    """The script's lines in the words of `text`: each given word goes to the line whose heard word it matches, a word
    that matches none to where its neighbours went. Times stay; a line that gets no word is left out.

    Raises BadInput where not a third of what was heard is in the text: then it is of another video.
    """
    given = text.split()
    heard = [(word, number) for number, line in enumerate(script.utterances) for word in line.text.split()]
    matcher = SequenceMatcher(
        None, [_plain(word) for word, _ in heard], [_plain(word) for word in given], autojunk=False
    )
    home: dict[int, int] = {}
    for block in matcher.get_matching_blocks():
        for k in range(block.size):
            home[block.b + k] = heard[block.a + k][1]
    if len(home) < max(1, len(heard) / 3):
        raise BadInput(
            f"of {len(heard)} words heard only {len(home)} are in the given text",
            mend="give the words that this video speaks, or none",
        )
    lines: list[list[str]] = [[] for _ in script.utterances]
    number = min(home.values())
    for k, word in enumerate(given):
        number = home.get(k, number)
        lines[number].append(word)
    kept = [
        line.model_copy(update={"text": " ".join(words), "words": ()})
        for line, words in zip(script.utterances, lines, strict=True)
        if words
    ]
    return script.model_copy(update={"utterances": tuple(kept)})


def _plain(word: str) -> str:
    """Lower case, letters and digits alone."""
    return "".join(char for char in unicodedata.normalize("NFC", word.casefold()) if char.isalnum()) or word
