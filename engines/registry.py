"""Finds every engine: each module `engines/<family>/<name>.py` that ends in `ENGINE = EngineSpec(...)`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from threading import Lock
from typing import Any, get_args

import engines
from dub.errors import BadInput, EngineUnavailable
from engines.spec import EngineSpec, Family

_loaded: dict[tuple[str, str, str], Any] = {}
_loading = Lock()


@lru_cache(maxsize=1)
def specs() -> dict[tuple[str, str], EngineSpec]:
    """All engines by (family, id). Imports the engine modules, never a model library."""
    found: dict[tuple[str, str], EngineSpec] = {}
    for family in get_args(Family):
        package = importlib.import_module(f"{engines.__name__}.{family}")
        for module_info in pkgutil.iter_modules(package.__path__):
            if module_info.ispkg:
                continue
            module = importlib.import_module(f"{package.__name__}.{module_info.name}")
            spec = getattr(module, "ENGINE", None)
            if spec is None:
                continue
            if spec.family != family or (family, spec.id) in found:
                raise ValueError(f"{module.__name__}: engine {spec.family}/{spec.id} is misplaced or registered twice")
            found[family, spec.id] = spec
    return found


def spec(family: Family, engine_id: str) -> EngineSpec:
    """Raises BadInput that lists the family's engines when there is none of this id."""
    try:
        return specs()[family, engine_id]
    except KeyError:
        known = ", ".join(sorted(name for kind, name in specs() if kind == family)) or "none"
        raise BadInput(f"there is no {family} engine {engine_id!r}", mend=f"choose one of: {known}") from None


def load(family: Family, engine_id: str, **options: Any) -> Any:
    """The engine, ready to work; one instance per process and set of options, so a model is loaded once.

    Raises EngineUnavailable when its packages are missing, WeightsMissing when its weights are.
    """
    chosen = spec(family, engine_id)
    key = (family, engine_id, repr(sorted(options.items())))
    with _loading:
        if key not in _loaded:
            try:
                _loaded[key] = chosen.load(**options)
            except ModuleNotFoundError as error:
                raise EngineUnavailable(
                    f"{family} engine {engine_id!r} needs the Python package {error.name!r}",
                    mend=f"pip install '.[{chosen.extra or 'embedded'}]'",
                ) from error
        return _loaded[key]
