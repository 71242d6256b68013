"""Writing from right to left."""

from __future__ import annotations

RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa", "Nkoo", "Adlm", "Syrc", "Rohg", "Mand"})

RLM = "\u200f"
_RLE, _PDF = "\u202b", "\u202c"


def marked_rtl(line: str) -> str:
    """A line that is laid out from right to left by whatever shows it: punctuation at its left end, Latin words and
    numbers in their place.

    Neither SRT nor WebVTT can say the direction of a cue. libass (VLC, mpv) and most players take every line as left
    to right: there the embedding (RLE ... PDF) turns the whole line. Browsers go by the first letter of a WebVTT line,
    which may be Latin: for them a right-to-left mark comes first. One comes last as well, for players that know marks
    and no embeddings. The marks have no width and are not read (`reading_chars`).
    """
    return f"{_RLE}{RLM}{line}{RLM}{_PDF}"
