"""What every page of ours is built from: templates that escape, one style, the scripts, a policy that lets in nothing
else. For the report of a title and the summary of a batch."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import quote

from dub.finding import AWAITING_APPROVAL
from dub.report_rows import WORDS_OF_LEVEL

if TYPE_CHECKING:
    from jinja2 import Environment

_MACROS = ("chip", "sign", "checks", "worst_list", "engine_table", "facts_list")


def page_environment(*packages: tuple[str, str]) -> Environment:
    """Templates of tasks/report_page, and of other (package, folder)s."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(*place) for place in (*packages, ("tasks", "report_page"))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words_of_level = {str(level): words for level, words in WORDS_OF_LEVEL.items()}
    environment.globals["words_of_level"] = words_of_level | {"awaiting": AWAITING_APPROVAL}
    environment.globals["signs"] = {"ok": "✓", "degraded": "!", "failed": "✕", "awaiting": "…"}
    macros = environment.get_template("macros.html").module
    for name in _MACROS:
        environment.globals[name] = getattr(macros, name)
    return environment


def style_and_code(*scripts: str) -> tuple[str, str]:
    """The style, and these scripts as one, each in a scope of its own; the last thing they do is to mark the page as
    ready."""
    files = resources.files("tasks") / "report_page"
    parts = [f"{{\n{files.joinpath(name).read_text('utf-8')}}}" for name in scripts]
    code = "\n".join(['"use strict";', *parts, 'document.documentElement.dataset.ready = "yes";'])
    return files.joinpath("page.css").read_text("utf-8"), code


def policy_of(code: str) -> str:
    """Nothing is fetched but the videos beside the page; no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        "default-src 'none'; media-src 'self' file:; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def href(name: str) -> str:
    """A file beside the page: `./` keeps a name with a colon from being taken for another protocol."""
    return f"./{quote(name)}" if name else ""


def language_page(title: str, locale: str) -> str:
    """The name of a language's own page."""
    return f"{title}.{locale}.html"
