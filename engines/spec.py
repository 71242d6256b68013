"""EngineSpec: what an engine is, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from dub.errors import BadInput
from lang.bcp47 import Locale
from lang.registry import nearest
from lang.script_conversion import can_convert

Family = Literal[
    "separation",
    "asr",
    "translation",
    "tts",
    "speaker",
    "face",
    "lipsync",
    "portrait",
    "speech_quality",
    "language_id",
    "screen_text",
    "aligner",
]
LicenceClass = Literal["permissive", "copyleft", "terms", "noncommercial"]


@dataclass(frozen=True)
class EngineSpec:
    """One engine of one family.

    `version` is raised whenever the same input would give other output. `load(**options)` imports the model's library
    and returns an object that meets the family's contract. `locales`: what it can do; None = language does not matter.
    `weights`: ids in models.lock; `models`: ids of which the option "model" chooses one, the first by default;
    `file_options`: options that name a file of the user's, each of which must be given.
    `model_of_locale`: which of them speaks a locale, where each locale has its own. `extra`: the install extra that
    brings its packages; `packages`: their import names. `worker`: the environment of its own that it runs in
    (`polydub engines install <worker>`), "" for an engine that runs in ours.
    """

    id: str
    family: Family
    version: int
    summary: str
    load: Callable[..., Any]
    locales: frozenset[Locale] | None = None
    code_licence: str = "MIT"
    weights_licence: str = "none"
    licence_class: LicenceClass = "permissive"
    weights: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    model_of_locale: Mapping[Locale, str] = field(default_factory=dict)
    file_options: tuple[str, ...] = ()
    extra: str = ""
    packages: tuple[str, ...] = ()
    worker: str = ""
    is_toy: bool = False
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    def locale_for(self, locale: Locale) -> Locale | None:
        """As which locale of its own it does this one: itself, a wider region's (`es-419`, then `es`, for `es-MX`), or
        the same language in another script that a text can be converted into (`zh` for `zh-Hant`). None where it has
        none of these: another country's variety is another locale."""
        if self.locales is None or locale in self.locales:
            return locale
        kin = [other for other in self.locales if other.language == locale.language and other.is_wide]
        if found := nearest(locale, kin):
            return found.locale
        return min((other for other in kin if can_convert(locale, other.script)), default=None)

    def supports(self, locale: Locale) -> bool:
        """Whether it can do this locale, by `locale_for`."""
        return self.locale_for(locale) is not None

    def options_for(self, locale: Locale, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options with the locale's own model, where locales have one each and none is chosen."""
        model = self.model_of_locale.get(self.locale_for(locale) or locale)
        return {"model": model, **options} if model else dict(options)

    def weights_for(self, options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The ids in models.lock that it loads under these options. Raises BadInput for a model it does not have."""
        if not self.models:
            return self.weights
        chosen = (options or {}).get("model", self.models[0])
        if chosen not in self.models:
            raise BadInput(
                f"{self.family} engine {self.id!r} has no model {chosen!r}", mend=f"one of: {', '.join(self.models)}"
            )
        return (*self.weights, chosen)

    def _file_digests(self, options: Mapping[str, Any]) -> dict[str, str]:
        """What the user's own files contain: they count by that, not by their place. Raises BadInput for one that is
        not given or not there."""
        digests = {}
        for name in self.file_options:
            where = f"the option {name!r} of {self.family} engine {self.id!r}"
            mend = f'in the profile: [options.{self.id}] {name} = "/path/of/the/file"'
            if not options.get(name):
                raise BadInput(f"{where} is not given", mend=mend)
            path = Path(options[name]).expanduser()
            if not path.is_file():
                raise BadInput(f"{where} names {path}, which is no file", mend=mend)
            digests[name] = _digest_of(path, path.stat().st_mtime_ns, path.stat().st_size)
        return digests

    def fingerprint(self, options: Mapping[str, Any] | None = None) -> str:
        """Changes whenever the engine would answer differently: id, version, weights' digests, options, and the
        versions of the packages that its own environment is made of."""
        from engines import weights, worker_venv

        needed = self.weights_for(options)
        lock = weights.read_lock() if needed else {}
        facts = {
            "engine": f"{self.family}/{self.id}",
            "version": self.version,
            "weights": {model: lock[model].digest for model in needed},
            "options": dict(options or {}) | self._file_digests(options or {}),
        }
        if self.worker:
            facts["worker"] = worker_venv.digest(self.worker)
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


@lru_cache(maxsize=32)
def _digest_of(path: Path, changed_ns: int, n_bytes: int) -> str:
    """sha256 of a file, read once for as long as it stays the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
