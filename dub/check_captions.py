"""Is the source captioned in its own picture? Whoever watches the dub reads another language than they hear."""

from __future__ import annotations

from collections.abc import Sequence

from dub.captions import Captions
from dub.finding import Finding
from dub.gates import Gates, not_measured
from dub.timecode import Span
from dub.word_error import comparable_words

SAME_WORD = 80.0
"""rapidfuzz ratio: a letter of five may have been misread."""
SPOKEN_SHARE = 0.5
LEAST_WORDS = 2
MIDDLE = (0.25, 0.75)
WIDE = 0.2
"""Shares of the picture: a caption stands in its middle third or reaches over it, and is no small mark."""
LOW, HIGH = 0.6, 0.2
"""Captions lie below the one or above the other, as shares of the picture's height."""


def says_what_is_said(read: str, said: str) -> bool:
    """Whether at least half of the words read are among those said."""
    import rapidfuzz

    words, spoken = comparable_words(read), comparable_words(said)
    if len(words) < LEAST_WORDS or not spoken:
        return False
    alike = [max(rapidfuzz.fuzz.ratio(word, other) for other in spoken) >= SAME_WORD for word in words]
    return sum(alike) >= SPOKEN_SHARE * len(words)


def is_where_captions_are(left: float, top: float, right: float, bottom: float) -> bool:
    """Of a line's box, in shares of the picture."""
    middle = (left + right) / 2
    return right - left >= WIDE and MIDDLE[0] <= middle <= MIDDLE[1] and (top >= LOW or bottom <= HIGH)


def changing(texts: Sequence[str]) -> bool:
    """Whether writing in the place of captions is another every time, as captions are and a title or a mark is not."""
    return len(texts) >= 2 and len({" ".join(comparable_words(text)) for text in texts}) > len(texts) / 2


def check_captions(captions: Captions | None, gates: Gates) -> tuple[Finding, ...]:
    """Of a source, said in each language's report."""
    if captions is None:
        return (not_measured("burned_in_captions", "the plan names no engine that reads the picture", matters=False),)
    if not captions.n_looked:
        return (not_measured("burned_in_captions", "the source says nothing", matters=False),)
    share = len(captions.found) / captions.n_looked
    if not captions.found:
        message = f"No captions are seen in the picture at {captions.n_looked} moments of speech."
        return (gates.finding("burned_in_captions", share, message),)
    first = next((caption for caption in captions.found if caption.says_it), captions.found[0])
    is_spoken = "what is said" if first.says_it else "words that change"
    return (
        gates.finding(
            "burned_in_captions",
            share,
            f"The source's picture shows {is_spoken} at {len(captions.found)} of {captions.n_looked} moments: "
            f"“{first.text}”.",
            todo="The dub keeps these captions: ask for a clean picture, or crop or cover them.",
            span=Span.of_seconds(first.second, first.second),
        ),
    )
