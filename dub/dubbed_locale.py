"""One language's end, as the flow hands it to the report."""

from __future__ import annotations

from dub.artifact import Record
from dub.effort import Effort
from dub.finding import Review
from dub.heat_map import Before
from dub.script import Timeline, Translation
from dub.signer import Signer
from lang.bcp47 import Locale


class DubbedLocale(Record):
    """One language's end, good or bad. File names are relative to the report; `` for what was never made. `before`:
    how it ended in the last run that came out otherwise, None where there was none. `voice`: the engine that spoke;
    `video_sha256`: of the film; `signer`: of its Content Credentials, None where it has none."""

    locale: Locale
    review: Review
    video: str = ""
    vtt: str = ""
    srt: str = ""
    translation: Translation | None = None
    timeline: Timeline | None = None
    seconds: dict[str, float] = {}
    effort: Effort = Effort()
    mouths: str = ""
    before: Before | None = None
    voice: str = ""
    video_sha256: str = ""
    signer: Signer | None = None
