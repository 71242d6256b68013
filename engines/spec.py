"""EngineSpec: what an engine is, before anything heavy is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lang.bcp47 import Locale

Family = Literal[
    "separation", "asr", "translation", "tts", "speaker", "face", "lipsync", "speech_quality", "language_id"
]
LicenceClass = Literal["permissive", "copyleft", "terms", "noncommercial"]


@dataclass(frozen=True)
class EngineSpec:
    """One engine of one family.

    `version` is raised whenever the same input would give other output. `load(**options)` imports the model's library
    and returns an object that meets the family's contract. `locales`: what it can do; None = language does not matter.
    `weights`: ids in models.lock. `extra`: the install extra that brings its packages; `packages`: their import names.
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
    extra: str = ""
    packages: tuple[str, ...] = ()
    is_toy: bool = False
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    def supports(self, locale: Locale) -> bool:
        """True when the engine can do this locale, or a locale of the same language without region."""
        return self.locales is None or locale in self.locales or Locale(locale.language) in self.locales

    def fingerprint(self, options: Mapping[str, Any] | None = None) -> str:
        """Changes whenever the engine would answer differently: id, version, weights' digests, options."""
        from engines import weights

        lock = weights.read_lock() if self.weights else {}
        facts = {
            "engine": f"{self.family}/{self.id}",
            "version": self.version,
            "weights": {model: lock[model].digest for model in self.weights},
            "options": dict(options or {}),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]
