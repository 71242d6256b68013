"""seal: sign into the finished file what of it was generated, by what, from which source (Content Credentials)."""

from __future__ import annotations

from dub.artifact import Artifact
from dub.cast import Cast
from dub.check_consent import consent_in_words
from dub.content_credentials import Maker, Provenance, sign_file
from dub.lips import LipSync
from dub.mix import Dub
from dub.script import DubScript, Translation
from dub.signer import Signer
from dub.source import Source
from dub.stage import Desk, EngineChoice, stage
from engines.spec import EngineSpec


@stage(version=1)
def seal(
    desk: Desk,
    source: Source,
    script: DubScript,
    translation: Translation,
    cast: Cast,
    lips: LipSync,
    dub: Dub,
    ingredient: Artifact,
    engines: tuple[EngineChoice, ...],
    signer: Signer,
) -> Dub:
    """The same dub with its credentials, signed by `signer`. `ingredient`: the user's own film or photo. `engines`:
    what made voice and picture; the translation tells its own. Not the same bytes twice: a signature holds its time.
    Raises BadInput, ToolFailed.
    """
    store = desk.open_store()
    provenance = Provenance(
        title=source.title,
        locale=dub.locale,
        source_locale=script.source_locale,
        source_sha256=ingredient.sha256,
        is_portrait=lips.is_portrait,
        n_frames=lips.n_frames,
        n_rendered=lips.n_rendered,
        makers=_makers(engines, translation),
        disclosure=lips.disclosure.text if lips.disclosure else "",
        consent=consent_in_words(cast) if cast.voices else "",
    )
    with store.scratch() as folder:
        signed = folder / "signed.mp4"
        sign_file(store.path(dub.video), signed, provenance, signer, store.path(ingredient))
        return dub.model_copy(update={"video": store.put(signed, "video/mp4"), "signer": signer})


def _makers(engines: tuple[EngineChoice, ...], translation: Translation) -> tuple[Maker, ...]:
    """The translators of the route first; what else stands in it (a person, a memory) is no engine."""
    from engines import registry

    hops = dict.fromkeys(hop.split()[0] for hop in translation.route)
    translators = (registry.specs().get(("translation", name)) for name in hops)
    return (
        *(_maker(spec) for spec in translators if spec is not None),
        *(_maker(registry.spec(each.family, each.id), each.fingerprint) for each in engines),  # type: ignore[arg-type]
    )


def _maker(spec: EngineSpec, fingerprint: str = "") -> Maker:
    return Maker(
        does=spec.family,
        id=spec.id,
        version=spec.version,
        fingerprint=fingerprint,
        is_trained=bool(spec.weights or spec.models),
    )
