"""How a dub was made, for the report's pages: the source, the engines with their licences, whose voices, who signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from dub.dubbed_locale import DubbedLocale
from dub.plan import Plan
from dub.script import DubScript
from dub.signer import Signer
from dub.source import Source
from engines.spec import Family
from lang.bcp47 import Locale

Facts = list[tuple[str, str]]


def name_of(locale: Locale) -> str:
    """In English: `Portuguese (Brazil)`."""
    import langcodes

    return langcodes.get(locale).display_name()


def title_facts(source: Source, script: DubScript) -> list[str]:
    video = source.video
    seconds = float(video.duration)
    length = f"{int(seconds) // 60}:{seconds % 60:04.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
    return [
        f"from {name_of(script.source_locale)}",
        length,
        f"{video.width_px}×{video.height_px}",
        f"{float(video.frame_rate):.5g} frames/s",
        f"{len(script.utterances)} lines",
    ]


def source_facts(source: Source, script: DubScript) -> Facts:
    speakers = sorted({utterance.speaker for utterance in script.utterances})
    return [
        ("Source", f"{source.video.codec or 'video'}, {source.original.n_bytes / 1e6:.1f} MB"),
        ("SHA-256", source.original.sha256),
        ("Words from", f"{script.recogniser}, language {100 * script.language_probability:.0f} % sure"),
        ("Speakers", ", ".join(speakers)),
    ]


def made_of(dub: DubbedLocale) -> Facts:
    """What one language's film is made of, whose voices it uses and by whose leave, and who vouches for that. Empty
    where no film came out."""
    if not dub.video:
        return []
    metrics = dub.review.metrics
    references = [
        (f"Sample of {name.removeprefix('reference of ')}", _sample(str(value)))
        for name, value in metrics.items()
        if name.startswith("reference of ")
    ]
    return [
        ("Translated by", ", then ".join(dub.translation.route) if dub.translation else "nobody: not translated"),
        ("Spoken by", dub.voice or "not recorded"),
        ("Voices", str(metrics.get("voices") or "not recorded")),
        *references,
        ("Consent", str(metrics.get("consent") or "no record was given")),
        ("SHA-256 of the film", dub.video_sha256 or "not recorded"),
        ("Content Credentials", _signed_by(dub.signer)),
    ]


def _sample(told: str) -> str:
    """Of `DIGEST N_BYTES`, as the review has it."""
    digest, _, n_bytes = told.partition(" ")
    return f"SHA-256 {digest}, {n_bytes} bytes" if n_bytes else told


def _signed_by(signer: Signer | None) -> str:
    if signer is None:
        return "none: the plan does not sign"
    who = "a test certificate that nobody vouches for" if signer.is_test else "the certificate"
    digest = signer.certificate_sha256
    return f"signed ({signer.algorithm}) with {who}, SHA-256 {digest}; check it with polydub verify"


def engine_rows(plan: Plan, dubs: Iterable[DubbedLocale], families: Sequence[str] = ()) -> list[dict[str, str]]:
    """Every engine that had a part in these languages, in the story's order; of these `families` only, if named."""
    from engines import registry

    all_dubs = tuple(dubs)
    is_portrait = any(dub.review.metrics.get("synthetic") == "portrait" for dub in all_dubs)
    # What moves the mouth is one or the other; a photo has no captions.
    idle = {"lipsync", "screen_text"} if is_portrait else {"portrait"}
    used = {
        "translation": {hop.split()[0] for dub in all_dubs if dub.translation for hop in dub.translation.route},
        "tts": {dub.voice for dub in all_dubs},
    }
    rows = []
    for family in get_args(Family):
        if family in idle or (families and family not in families):
            continue
        ids = list(plan.engines_of(family))
        ids = [engine for engine in ids if engine in used.get(family, ids)] or ids
        for engine_id in ids:
            spec = registry.spec(family, engine_id)
            rows.append(
                {
                    "family": family.replace("_", " "),
                    "id": spec.id,
                    "version": str(spec.version),
                    "summary": spec.summary,
                    "code_licence": spec.code_licence,
                    "weights_licence": spec.weights_licence,
                    "fingerprint": spec.fingerprint({**plan.options.get(family, {}), **plan.options.get(spec.id, {})}),
                }
            )
    return rows


def seconds_rows(seconds: Mapping[str, float]) -> Facts:
    return [(name.replace("_", " "), f"{value:.1f}") for name, value in seconds.items()]
