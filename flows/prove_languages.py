"""The proof: the first article of human rights, in every language that has it, through the whole pipeline.

One English source script, one given translation per language, the embedded profile. A language that no voice of the
profile reads goes through text, timing, mix, subtitles and mux with a tone in the voice's place (profile `stand-in`);
its row names the reason and it is not counted as spoken. Everything is memoised, so a killed run goes on where it was.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from dub.artifact import Record
from dub.errors import BadInput, EngineUnavailable, LanguageNotSupported
from dub.finding import Level
from dub.plan import Job, Plan
from dub.report_rows import label_of
from dub.subtitles import Cue, to_srt
from dub.timecode import Span
from flows.dub_title import dub_title
from flows.outcome import LocaleOutcome
from flows.preflight import find_voice, read_plan
from flows.publish import publish_text
from lang.bcp47 import Locale
from lang.line_breaks import even_pieces
from lang.registry import language, name_of
from lang.sentences import join_sentences, split_sentences
from lang.udhr import article_1

ENGLISH = Locale("en")
STAND_IN = "stand-in"
SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "hello.mp4"
SPOKEN_S = (Fraction(52, 100), Fraction(430, 100), Fraction(1075, 100))
"""Where the sample's speaker talks: the article's first sentence has the time up to the second figure, the rest up to
the third, shared as the English text's characters are."""
TITLE = "article-1"


class ProvedLanguage(Record):
    """One language's row. `voice`: "" where no voice reads it, `why_silent` then says why. `is_rendered`: a finished
    video is there, whatever its verdict. Shares are 0..1, times in
    seconds; None where nothing could be measured."""

    locale: Locale
    name: str
    script: str
    tier: str
    voice: str
    why_silent: str = ""
    is_rendered: bool
    verdict: Level
    why: str = ""
    overrun_s: float | None = None
    widest_stretch: float | None = None
    speech_rate: float | None = None
    closure_recall: float | None = None
    n_bilabials: int = 0
    heard: str = ""
    word_error: float | None = None
    seconds: float = 0.0


class Proof(Record):
    """A whole run: what was attempted, and a row each."""

    date: str
    profile: str
    rows: tuple[ProvedLanguage, ...]

    @property
    def counts(self) -> dict[str, int]:
        spoken = [row for row in self.rows if row.voice]
        verdicts = Counter(row.verdict for row in spoken)
        return {
            "attempted": len(self.rows),
            "spoken": sum(row.is_rendered for row in spoken),
            **{level.value: verdicts[level] for level in Level},
            "without a voice": len(self.rows) - len(spoken),
            "without a voice, all stages done": sum(row.is_rendered for row in self.rows if not row.voice),
        }


def prove_languages(out: Path, *, profile: str, only: Collection[Locale] = (), store: Path | None = None) -> Proof:
    """Run it and write `proof.json`, `proof.csv` and `proof.md` into `out`, beside every language's own files.

    `only`: these languages (default: all that have the text). Raises BadInput for one that has no text.
    """
    texts = {locale: text for locale, text in article_1().items() if locale != ENGLISH}
    if strangers := set(only) - set(texts):
        raise BadInput(f"there is no text for {', '.join(sorted(strangers))}", mend="see lang/data/udhr_article1.csv")
    wanted = [locale for locale in texts if not only or locale in only]
    plan = read_plan(profile)
    silent = {locale: why for locale in wanted if (why := _why_silent(plan, locale))}
    scripts = {locale: _write_script(out, locale, text) for locale, text in article_1().items()}
    rows: list[ProvedLanguage] = []
    for profile_name, locales in ((profile, [each for each in wanted if each not in silent]), (STAND_IN, list(silent))):
        if not locales:
            continue
        folder = out / profile_name
        job = Job(
            source=SAMPLE,
            targets=tuple(locales),
            out=folder,
            profile=profile_name,
            source_locale=ENGLISH,
            scripts={locale: scripts[locale] for locale in (ENGLISH, *locales)},
            store=store,
            title=TITLE,
        )
        rows += [_row(outcome, folder, silent.get(outcome.locale, "")) for outcome in dub_title(job).outcomes]
    proof = Proof(
        date=datetime.date.today().isoformat(), profile=profile, rows=tuple(sorted(rows, key=lambda row: row.locale))
    )
    publish_text(proof.model_dump_json(indent=1), out / "proof.json")
    publish_text(as_csv(proof), out / "proof.csv")
    publish_text(as_markdown(proof), out / "proof.md")
    return proof


def _why_silent(plan: Plan, locale: Locale) -> str:
    """ "" where a voice of the plan reads the language."""
    try:
        find_voice(plan, locale)
    except LanguageNotSupported:
        return f"no voice of {', '.join(plan.voices_for(locale))} reads {name_of(locale)}"
    except EngineUnavailable as error:
        return str(error).splitlines()[0]
    return ""


def _write_script(out: Path, locale: Locale, text: str) -> Path:
    start, middle, end = SPOKEN_S
    pieces = in_two(text, locale, float((middle - start) / (end - start)))
    spans = (Span(start=start, end=middle), Span(start=middle, end=end))
    path = out / "scripts" / f"{TITLE}.{locale}.srt"
    path.parent.mkdir(parents=True, exist_ok=True)
    publish_text(to_srt(Cue(span=span, text=piece) for span, piece in zip(spans, pieces, strict=True)), path)
    return path


def in_two(text: str, locale: Locale, share: float) -> tuple[str, str]:
    """A text cut at the sentence end nearest to `share` of its characters; where it is one sentence, at the clause or
    word that halves it best."""
    sentences = split_sentences(text)
    if len(sentences) < 2:
        first, *rest = even_pieces(text, 2)
        return first, " ".join(rest)
    cut = min(range(1, len(sentences)), key=lambda k: abs(sum(map(len, sentences[:k])) / len(text) - share))
    return join_sentences(sentences[:cut]), join_sentences(sentences[cut:])


def _row(outcome: LocaleOutcome, folder: Path, why_silent: str) -> ProvedLanguage:
    tongue = language(outcome.locale)
    report = json.loads((folder / f"{TITLE}.{outcome.locale}.report.json").read_text("utf-8"))
    metrics: Mapping[str, Any] = report["metrics"]
    is_silent = bool(why_silent)
    return ProvedLanguage(
        locale=outcome.locale,
        name=tongue.name,
        script=tongue.script,
        tier=tongue.tier,
        voice="" if is_silent else outcome.voice,
        why_silent=why_silent,
        is_rendered=bool(outcome.files),
        verdict=outcome.verdict,
        why=", ".join(_doubts(report["findings"])),
        overrun_s=metrics.get("longest_overrun_s"),
        widest_stretch=metrics.get("widest_stretch"),
        seconds=round(outcome.seconds, 1),
        **({} if is_silent else _heard(metrics)),
    )


def _heard(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What only a voice makes measurable."""
    return {
        "speech_rate": metrics.get("speech_rate"),
        "closure_recall": metrics.get("closure_recall"),
        "n_bilabials": metrics.get("n_bilabials") or 0,
        "heard": metrics.get("language_heard") or "",
        "word_error": metrics.get("word_error"),
    }


def _doubts(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The checks that were not ok, each once, the failed first; what ended the pipeline in its own words."""
    bad = sorted((f for f in findings if f["level"] != Level.OK), key=lambda f: f["level"] != Level.FAILED)
    return list(dict.fromkeys(f["message"] if f["check"] == "pipeline" else label_of(f["check"]) for f in bad))


def as_csv(proof: Proof) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, list(ProvedLanguage.model_fields), lineterminator="\n")
    table.writeheader()
    table.writerows(row.model_dump(mode="json") for row in proof.rows)
    return out.getvalue()


def as_markdown(proof: Proof) -> str:
    """The table for docs/: counts first, then the spoken languages, then those without a voice."""
    counts = ", ".join(f"{number} {what}" for what, number in proof.counts.items())
    spoken = [row for row in proof.rows if row.voice]
    silent = [row for row in proof.rows if not row.voice]
    lines = [
        f"`polydub prove-languages --profile {proof.profile}`, {proof.date}: {counts}.",
        "",
        *_table(
            ("locale", "language", "tier", "voice", "verdict", "overrun s", "stretch", "tempo", "lips shut", "heard",
             "words misheard", "s", "why"),
            [
                (
                    row.locale, row.name, row.tier or "-", row.voice, row.verdict.value, _number(row.overrun_s),
                    _number(row.widest_stretch), _number(row.speech_rate), _closures(row), row.heard or "-",
                    _percent(row.word_error), f"{row.seconds:.0f}", row.why,
                )
                for row in spoken
            ],
        ),
        "",
        *_table(
            ("locale", "language", "script", "tier", "stages", "overrun s", "stretch", "s", "why no voice"),
            [
                (
                    row.locale, row.name, row.script, row.tier or "-", "done" if row.is_rendered else row.why,
                    _number(row.overrun_s), _number(row.widest_stretch), f"{row.seconds:.0f}", row.why_silent,
                )
                for row in silent
            ],
        ),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _closures(row: ProvedLanguage) -> str:
    return "-" if row.closure_recall is None else f"{_percent(row.closure_recall)} of {row.n_bilabials}"
