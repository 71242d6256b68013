"""Which way of speaking a locale wins: as like the speaker as is still understood, and no more tried than need be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engines.tts.kokoro_guard import Try, nearest_understood
from engines.tts.voice_polish import Polish

LIMIT = 0.05
NEAREST, HALF, NOTHING = 0.70, 0.66, 0.55


def tries(share: float, *error_rates: float, more: float = 0.0) -> Iterator[Try]:
    """One share's tries: its nearest polish, half of it, nothing."""
    for error_rate, similarity in zip(error_rates, (NEAREST, HALF, NOTHING), strict=False):
        yield Try(share, np.zeros(0, np.float32), Polish(None, None), error_rate, similarity + more)


@pytest.mark.parametrize(
    ("shares", "share", "similarity"),
    [
        ([tries(0.0, 0.05), tries(0.25, 0.0, more=0.2)], 0.0, NEAREST),
        # Its nearest polish is misheard: half of it is not, and the next share may be nearer or not.
        ([tries(0.0, 0.1, 0.0), tries(0.25, 0.0, more=0.02)], 0.25, NEAREST + 0.02),
        ([tries(0.0, 0.1, 0.0), tries(0.25, 0.0, more=-0.1)], 0.0, HALF),
        ([tries(0.0, 0.1, 0.0), tries(0.25, 0.1, 0.1, 0.1), tries(0.5, 0.0, more=0.2)], 0.0, HALF),
        ([tries(0.0, 0.1, 0.1, 0.1), tries(0.25, 0.0)], 0.25, NEAREST),
        ([tries(0.0, 0.1, 0.1, 0.1), tries(1.0, 0.2, 0.2, 0.2)], 1.0, NOTHING),
    ],
)
def test_the_nearest_that_is_understood_wins(shares: list[Iterator[Try]], share: float, similarity: float) -> None:
    chosen = nearest_understood(shares, LIMIT)
    assert (chosen.share, chosen.similarity) == (share, similarity)


def test_what_need_not_be_tried_is_not() -> None:
    first, second = tries(0.0, 0.0, 0.0, 0.0), tries(0.25, 0.0)
    nearest_understood([first, second], LIMIT)
    assert len(list(first)) == 2
    assert len(list(second)) == 1
