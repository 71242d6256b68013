"""Writes the table of all limits in docs/gates.md from dub/gates.py: `python infra/build_gate_table.py`.

`--check` writes nothing and fails when the page has not what this would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dub.gates import DEFAULT_GATES, Gates  # noqa: E402 (found by the path above)
from dub.limit import Limit  # noqa: E402 (found by the path above)

PAGE = ROOT / "docs" / "gates.md"
BEGIN = "<!-- written by infra/build_gate_table.py -->"
END = "<!-- end of what is written -->"


def table() -> str:
    """A row per check, in the order of dub/gates.py."""
    rows = [_row(check, DEFAULT_GATES[check]) for check in Gates.model_fields]
    head = "| check | what it measures | ok | failed | where the limits come from |\n|---|---|---|---|---|\n"
    return head + "".join(rows)


def with_table(page: str) -> str:
    """The page with today's table between its marks. Raises ValueError where a mark is missing."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or not after:
        raise ValueError(f"{PAGE.name} needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def main(arguments: list[str]) -> int:
    page = PAGE.read_text("utf-8")
    wanted = with_table(page)
    if "--check" in arguments:
        if page != wanted:
            print(f"{PAGE} is stale: run python infra/build_gate_table.py", file=sys.stderr)
        return int(page != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


def _row(check: str, limit: Limit) -> str:
    most, least = ("at most", "over") if limit.better == "low" else ("at least", "under")
    unit = f" {limit.unit}" if limit.unit else ""
    failed = "never" if limit.failed is None else f"{least} {limit.failed:g}{unit}"
    cells = (f"`{check}`", limit.what, f"{most} {limit.ok:g}{unit}", failed, limit.source)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
