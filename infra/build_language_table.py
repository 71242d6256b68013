"""Writes lang/data/languages.csv from infra/language_source/coverage.csv: `python infra/build_language_table.py`.

The source lists, per language, its script, tier and the code that each engine's own list gives it. Names come from
CLDR by langcodes. A test holds that the checked-in table is what this writes.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import langcodes

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "infra" / "language_source" / "coverage.csv"
TABLE = ROOT / "lang" / "data" / "languages.csv"

COLUMNS = (
    "locale",
    "iso639_3",
    "script",
    "direction",
    "name",
    "autonym",
    "tier",
    "default_locale",
    "espeak_voice",
    "whisper_code",
    "char_ratio",
    "speech_time_ratio",
)

DEFAULT_LOCALES = {"pt": "pt-BR"}
"""Where a bare language means a regional one in everything we ship (CLDR's likely region)."""

INVALID_SPEECH_TIME = {"ja", "hak", "chr"}
"""espeak-ng reads kanji, Han and Cherokee letter by letter: its time says nothing."""


def build() -> str:
    """The table as CSV text."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    with SOURCE.open(encoding="utf-8", newline="") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: row["bcp47"]):
            tag = row["bcp47"]
            voices = (row["espeak_ng_1.51"] or row["espeak_ng_1.52"]).split()
            autonym = langcodes.get(tag).autonym()
            table.writerow(
                {
                    "locale": tag,
                    "iso639_3": row["iso639_3"],
                    "script": row["script"],
                    "direction": row["direction"],
                    "name": row["language_name"].split("/")[0],
                    "autonym": "" if autonym == tag else autonym,
                    "tier": row["tier"],
                    "default_locale": DEFAULT_LOCALES.get(tag, tag),
                    "espeak_voice": voices[0] if voices else "",
                    "whisper_code": row["whisper"],
                    "char_ratio": row["char_ratio_vs_en"],
                    "speech_time_ratio": "" if tag in INVALID_SPEECH_TIME else row["espeak_dur_ratio_vs_en"],
                }
            )
    return out.getvalue()


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(build(), encoding="utf-8")
    print(f"{TABLE.relative_to(ROOT)}: {len(build().splitlines()) - 1} languages")
