"""Find captions: whether what is said stands written in the source's picture. Once per source."""

from __future__ import annotations

from collections.abc import Sequence

from dub import progress
from dub.captions import Caption, Captions
from dub.check_captions import changing, is_where_captions_are, says_what_is_said
from dub.media import read_frames
from dub.script import DubScript, Utterance
from dub.source import Source
from dub.stage import Desk, EngineChoice, stage
from engines import registry
from engines.screen_text.contract import TextReader

MOST_LOOKED_AT = 24
"""Moments: enough to tell captions from a sign that somebody walks by, and some seconds of work."""
LONG_SIDE_PX = 1280


@stage(version=1, n_cpu=2)
def find_captions(desk: Desk, source: Source, script: DubScript, engine: EngineChoice) -> Captions:
    """Read the picture in the middle of up to 24 lines, spread over the title. A caption says what is being said; or it
    stands where captions stand, and is another text each time: it may be in any language."""
    lines = _spread([line for line in script.utterances if line.text.strip()])
    facts = source.video
    frame_of = {
        line.id: min(facts.n_frames - 1, int((line.span.start + line.span.end) / 2 * facts.frame_rate))
        for line in lines
    }
    reader: TextReader = registry.load("screen_text", engine.id, **engine.options)
    path = desk.open_store().path(source.original)
    shrunk = min(1.0, LONG_SIDE_PX / max(facts.width_px, facts.height_px))
    scale = (2 * round(facts.width_px * shrunk / 2), 2 * round(facts.height_px * shrunk / 2))
    wanted = sorted(set(frame_of.values()))
    written = {}
    for number, picture in enumerate(read_frames(path, facts, "rgb24", only=wanted, scale=scale)):
        written[wanted[number]] = reader.read(picture)
        progress.report(number + 1, len(wanted))
    spoken, placed = [], []
    for line in lines:
        frame = frame_of[line.id]
        whole = " ".join(text.text for text in written[frame])
        second = float(frame / facts.frame_rate)
        in_place = " ".join(
            text.text for text in written[frame] if is_where_captions_are(text.left, text.top, text.right, text.bottom)
        )
        if says_what_is_said(in_place or whole, line.text):
            caption = Caption(utterance_id=line.id, second=second, text=in_place or whole, says_it=True)
            spoken.append(caption)
        elif in_place:
            placed.append(Caption(utterance_id=line.id, second=second, text=in_place, says_it=False))
    found = spoken + (placed if changing([caption.text for caption in placed]) else [])
    return Captions(
        engine=engine.id, n_looked=len(lines), found=tuple(sorted(found, key=lambda caption: caption.second))
    )


def _spread(lines: Sequence[Utterance]) -> list[Utterance]:
    """At most MOST_LOOKED_AT of them, evenly."""
    n = min(len(lines), MOST_LOOKED_AT)
    return [lines[(2 * place + 1) * len(lines) // (2 * n)] for place in range(n)]
