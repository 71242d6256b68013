"""Content Credentials (C2PA): what of a film was generated, by what, from which source, signed into its MP4.

Actions and digital source types are those of the C2PA specification 2.2, section 18.15, and of IPTC; what they have no
word for stands in an assertion of ours, `org.polydub.dub`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from dub.artifact import Record
from dub.errors import BadInput, EngineUnavailable, ToolFailed
from dub.signer import TIMESTAMPS_VARIABLE, Signer, secrets_of
from lang.bcp47 import Locale

OUR_ASSERTION = "org.polydub.dub"
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = f"{IPTC}trainedAlgorithmicMedia"
PARTLY_GENERATED = f"{IPTC}compositeWithTrainedAlgorithmicMedia"
BY_RULES = f"{IPTC}algorithmicMedia"

_INGREDIENT = "source"
_SIGNATURES = (
    (4, b"ftyp", "video/mp4"),
    (8, b"AVI ", "video/avi"),
    (8, b"WEBP", "image/webp"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG", "image/png"),
)
"""(position, bytes, media type): files in which a source's own credentials are looked for."""


class Maker(Record):
    """An engine that had a part in it. `does`: its family; `fingerprint`: "" where it is not known; `is_trained`: it
    has weights, so it is no plain formula."""

    does: str
    id: str
    version: int
    fingerprint: str = ""
    is_trained: bool


class Provenance(Record):
    """What the credentials of one dub say. `source_sha256`: of the user's own file. `n_rendered`: frames whose mouth
    was made anew. `consent`: in words. `disclosure`: what the picture itself says of it, "" for nothing."""

    schema_version: Literal[1] = 1
    title: str
    locale: Locale
    source_locale: Locale
    source_sha256: str
    is_portrait: bool = False
    n_frames: int
    n_rendered: int
    makers: tuple[Maker, ...]
    consent: str = ""
    disclosure: str = ""

    def makers_of(self, *families: str) -> tuple[Maker, ...]:
        return tuple(maker for maker in self.makers if maker.does in families)


class Credentials(Record):
    """What a file's credentials say and whether they hold. `state`: `trusted` (signed by somebody whom the given
    anchors vouch for), `valid` (untouched since it was signed, by whomever), `invalid`. `problems`: the codes of what
    failed. `provenance`: None where another program signed last."""

    state: Literal["trusted", "valid", "invalid"]
    problems: tuple[str, ...]
    signed_by: str
    signed_at: str
    generator: str
    actions: tuple[str, ...]
    ingredients: tuple[str, ...]
    provenance: Provenance | None


def sign_file(film: Path, signed: Path, provenance: Provenance, signer: Signer, source: Path) -> None:
    """Write `film` with credentials to `signed`. `source`: the ingredient, whose own credentials are carried along
    where it has any. Takes 20 ms for 2 MB. Raises BadInput, EngineUnavailable, ToolFailed."""
    c2pa = _library()
    chain, key = secrets_of(signer)
    media_type = _media_type(source)
    ingredient = {
        "title": f"{provenance.title} (source)",
        "relationship": "componentOf" if provenance.is_portrait else "parentOf",
        "label": _INGREDIENT,
        "instance_id": f"sha256:{provenance.source_sha256}",
    }
    manifest = manifest_of(provenance)
    if not media_type:
        manifest["ingredients"] = [ingredient]
    timestamps = os.environ.get(TIMESTAMPS_VARIABLE)
    with _said_plainly(f"cannot sign {film.name}"):
        info = c2pa.C2paSignerInfo(signer.algorithm.encode(), chain, key, timestamps.encode() if timestamps else None)
        with c2pa.Signer.from_info(info) as hand, c2pa.Builder(manifest) as builder:
            if media_type:
                with source.open("rb") as file:
                    builder.add_ingredient(ingredient, media_type, file)
            with film.open("rb") as unsigned, signed.open("wb+") as out:
                builder.sign(hand, "video/mp4", unsigned, out)


def manifest_of(provenance: Provenance) -> dict[str, Any]:
    """The definition of a C2PA manifest: opened, translated, dubbed, and edited where mouths were moved."""
    from importlib.metadata import version

    used = {"ingredientIds": [_INGREDIENT]}
    actions: list[dict[str, Any]] = [{"action": "c2pa.opened", "parameters": used}]
    if provenance.is_portrait:
        actions = [
            {"action": "c2pa.created", "digitalSourceType": PARTLY_GENERATED},
            {"action": "c2pa.placed", "parameters": used},
        ]
    languages = {"sourceLanguage": str(provenance.source_locale), "targetLanguage": str(provenance.locale)}
    if provenance.locale != provenance.source_locale:
        translator = _agent(provenance.makers_of("translation"))
        actions.append({"action": "c2pa.translated", "parameters": languages} | translator)
    voices = provenance.makers_of("tts")
    kind = GENERATED if any(voice.is_trained for voice in voices) else BY_RULES
    actions.append(
        {"action": "c2pa.dubbed", "digitalSourceType": kind, "description": "The speech is synthetic."} | _agent(voices)
    )
    if provenance.n_rendered:
        told = f"The mouth is synthetic in {provenance.n_rendered} of {provenance.n_frames} frames."
        lips = _agent(provenance.makers_of("portrait" if provenance.is_portrait else "lipsync"))
        actions.append({"action": "c2pa.edited", "digitalSourceType": PARTLY_GENERATED, "description": told} | lips)
    if provenance.disclosure:
        told = f"The picture says that it was made by AI: {provenance.disclosure}"
        actions.append({"action": "c2pa.addedText", "description": told})
    return {
        "claim_generator_info": [{"name": "polydub", "version": version("polydub")}],
        "title": f"{provenance.title}.{provenance.locale}.mp4",
        "format": "video/mp4",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": OUR_ASSERTION, "data": provenance.model_dump(mode="json")},
        ],
    }


def read_credentials(film: Path, anchors: bytes = b"") -> Credentials | None:
    """What a file's credentials say; None where it has none. `anchors`: PEM certificates that are trusted. Nothing is
    fetched. Raises BadInput for a file that cannot be read, EngineUnavailable."""
    c2pa = _library()
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if anchors:
        settings["trust"] = {"trust_anchors": anchors.decode("ascii", "replace")}
    try:
        with c2pa.Context.from_dict(settings) as context, c2pa.Reader(str(film), context=context) as reader:
            told, state = json.loads(reader.json()), str(reader.get_validation_state() or "Invalid")
    except c2pa.C2paError.ManifestNotFound:
        return None
    except (c2pa.C2paError, OSError) as error:
        raise BadInput(f"cannot read the credentials of {film}: {error}", mend="give a video file that plays") from None
    manifest = told["manifests"][told["active_manifest"]]
    assertions = {each["label"]: each["data"] for each in manifest.get("assertions", ())}
    failures = told.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    signature = manifest.get("signature_info", {})
    actions = next((data["actions"] for label, data in assertions.items() if label.startswith("c2pa.actions")), ())
    generator: dict[str, str] = next(iter(manifest.get("claim_generator_info", ())), {})
    return Credentials(
        state={"Trusted": "trusted", "Valid": "valid"}.get(state, "invalid"),
        problems=tuple(dict.fromkeys(failure["code"] for failure in failures)),
        signed_by=", ".join(filter(None, (signature.get("common_name"), signature.get("issuer")))),
        signed_at=signature.get("time") or "",
        generator=f"{generator.get('name', '')} {generator.get('version', '')}".strip(),
        actions=tuple(_in_words(action) for action in actions),
        ingredients=tuple(each.get("title", "") for each in manifest.get("ingredients", ())),
        provenance=_ours(assertions.get(OUR_ASSERTION)),
    )


def _media_type(source: Path) -> str:
    """By its first bytes; "" for a container that cannot hold credentials (Matroska)."""
    with source.open("rb") as file:
        start = file.read(12)
    return next((kind for at, mark, kind in _SIGNATURES if start[at : at + len(mark)] == mark), "")


def _agent(makers: tuple[Maker, ...]) -> dict[str, Any]:
    return {"softwareAgent": {"name": makers[0].id, "version": str(makers[0].version)}} if makers else {}


def _in_words(action: dict[str, Any]) -> str:
    agent = action.get("softwareAgent")
    by = f" by {agent['name']} {agent.get('version', '')}".rstrip() if isinstance(agent, dict) else ""
    kind = f" ({action['digitalSourceType'].rpartition('/')[2]})" if action.get("digitalSourceType") else ""
    return f"{action['action'].removeprefix('c2pa.')}{by}{kind}"


def _ours(data: Any) -> Provenance | None:
    try:
        return Provenance.model_validate(data) if data else None
    except ValidationError:  # a later version's, or somebody else's under our name
        return None


def check_library() -> None:
    """Raises EngineUnavailable where the package is missing."""
    if find_spec("c2pa") is None:
        raise EngineUnavailable(
            "Content Credentials need the Python package 'c2pa-python'", mend="pip install '.[provenance]'"
        )


def _library() -> Any:
    check_library()
    import c2pa

    return c2pa


@contextmanager
def _said_plainly(what: str) -> Iterator[None]:
    try:
        yield
    except _library().C2paError as error:
        raise ToolFailed(f"{what}: {error}") from None
