"""What a manifest asks for, held against the profiles: every title, before any of them is started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dub.errors import BadInput, DubError, EngineUnavailable
from dub.location import S3Url
from dub.manifest import ManifestTitle, RowError, refuse
from dub.plan import Job, Plan
from flows.preflight import (
    ENGLISH,
    check_script_locales,
    check_targets,
    choices,
    families,
    find_voice,
    find_ways,
    read_plan,
)
from lang.bcp47 import Locale


def check_titles(titles: Iterable[ManifestTitle], manifest: Path | S3Url, *, works_here: bool) -> None:
    """Raises BadInput with every cell that no plan can do: profiles, languages, scripts.

    `works_here`: this machine does the work, so an engine that it lacks is an error too (EngineUnavailable). Files are
    not looked at: one that is missing fails its own title only.
    """
    checks = _Checks(works_here)
    refuse(manifest, (error for title in titles for error in checks.errors_of(title)))


class _Checks:
    """Each profile, voice and way is looked up once, however many titles ask for it. None: it will do."""

    def __init__(self, works_here: bool) -> None:
        self.works_here = works_here
        self._plans: dict[str, Plan | BadInput] = {}
        self._known: dict[tuple[object, ...], DubError | None] = {}

    def errors_of(self, title: ManifestTitle) -> Iterator[RowError]:
        job = title.job
        plan = self._plan(job.profile)
        if not isinstance(plan, Plan):
            yield _fault(title, "profile", plan)
            return
        for column, check in (("to", check_targets), ("scripts", check_script_locales)):
            try:
                check(job)
            except BadInput as error:
                yield _fault(title, column, error)
        for locale in job.targets:
            if fault := self._voice(job, plan, locale) or self._ways(job, plan, locale):
                yield _fault(title, "to", fault)

    def _plan(self, profile: str) -> Plan | BadInput:
        if profile not in self._plans:
            try:
                self._plans[profile] = plan = read_plan(profile)
                if self.works_here:
                    for family in families():
                        choices(plan, family)
            except BadInput as error:
                self._plans[profile] = error
        return self._plans[profile]

    def _voice(self, job: Job, plan: Plan, locale: Locale) -> DubError | None:
        key = ("voice", job.profile, locale)
        if key not in self._known:
            self._known[key] = self._error_of(lambda: find_voice(plan, locale))
        return self._known[key]

    def _ways(self, job: Job, plan: Plan, locale: Locale) -> DubError | None:
        spoken = job.source_locale or ENGLISH
        if job.source_locale is None and locale.language == ENGLISH.language:
            return None  # as flows/preflight.py has it: what is spoken will be found
        key = ("ways", job.profile, spoken, locale, locale in job.scripts, spoken in job.scripts)
        if key not in self._known:
            self._known[key] = self._error_of(lambda: find_ways(job, plan, spoken, locale))
        return self._known[key]

    def _error_of(self, find: object) -> DubError | None:
        assert callable(find)
        try:
            find()
        except BadInput as error:
            return error
        except EngineUnavailable:
            if self.works_here:
                raise
        return None


def _fault(title: ManifestTitle, column: str, error: DubError) -> RowError:
    message, _, mend = str(error).partition("\n  mend: ")
    where = column if title.row else f"{title.job.source}: {column}"
    return RowError(title.row, where, message, mend)
