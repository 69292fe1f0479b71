"""Which prompt versions of the suites a run is of: by flag, by ini option, and in a refresh the one that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from ..baselines.baseline import Baseline
from ..baselines.production import Production
from ..errors import ConfigError, did_you_mean
from ..files import display_path
from ..model import CaseKey
from ..settings import Settings
from ..sources.registry.addresses import registry_name
from ..suites.suite import SuiteSpec


class Choice:
    """What the settings choose.

    :param suites: by id, and what is stored of each; those that are declared later are seen too.
    """

    def __init__(
        self, settings: Settings, suites: Mapping[str, SuiteSpec], baselines: Mapping[str, Baseline | None]
    ) -> None:
        self._settings = settings
        self._suites = suites
        self._baselines = baselines

    def wants(self, key: CaseKey) -> bool:
        """Whether the settings select a case: by its version, and in a refresh by the version that is refreshed."""
        if self._settings.refreshing:
            return key.version == self._refreshed(self._suites[key.suite])
        return self._settings.selects(key.version)

    def check(self) -> None:
        """Refuse a selection that leaves nothing of any suite: a run that checked nothing would look like a pass.

        :raises ConfigError: saying which versions there are.
        """
        labels = sorted({version.label for spec in self._suites.values() for version in spec.versions})
        if not labels:
            return
        accept = self._settings.accept
        if accept is not None and accept not in labels:
            raise ConfigError(
                f"--promptreg-accept: there is no prompt version {accept!r}",
                next_step=did_you_mean(accept, labels),
            )
        if accept is not None:
            if self._settings.versions_flagged and not self._settings.selects(accept):
                raise ConfigError(
                    f"--promptreg-accept {accept} runs a version that --promptreg-versions leaves out",
                    next_step="leave --promptreg-versions away: the accepted version alone is run",
                )
            return
        if self._settings.versions_flagged:
            for pattern in self._settings.versions:
                if not any(fnmatchcase(label, pattern) for label in labels):
                    raise ConfigError(
                        f"--promptreg-versions: no prompt version matches {pattern!r}",
                        next_step=did_you_mean(pattern, labels),
                    )
            return
        for spec in self._suites.values():
            if not any(self._settings.selects(version.label) for version in spec.versions):
                raise ConfigError(
                    f"the ini option promptreg_versions selects no version of {spec.name}",
                    where=spec.where,
                    next_step=f"it has {', '.join(version.label for version in spec.versions)}",
                )

    def _refreshed(self, spec: SuiteSpec) -> str | None:
        """The label of the version whose outputs become the baseline; None when this suite has no such version.

        :raises ConfigError: when an update would have to change which version is accepted.
        """
        if spec.production is not None:
            return self._refreshed_production(spec, spec.production)
        labels = [version.label for version in spec.versions]
        if self._settings.accept is not None:
            return self._settings.accept if self._settings.accept in labels else None
        stored = self._baselines[spec.id]
        if stored is None:
            return next((label for label in labels if self._settings.selects(label)), None)
        if stored.version not in labels or not self._settings.selects(stored.version):
            why = "is not declared any more" if stored.version not in labels else "is not among the selected versions"
            raise ConfigError(
                f"the baseline of {spec.name} is of version {stored.version!r}, which {why}: it cannot be updated",
                where=display_path(spec.baseline_path),
                next_step=f"to accept another version: {spec.command('--promptreg-accept', 'LABEL')}",
            )
        return stored.version

    def _refreshed_production(self, spec: SuiteSpec, production: Production) -> str | None:
        """The label of what is in production: no other version's outputs would be compared with.

        :raises ConfigError: when another version is asked for.
        """
        label, asked = production.version.label, self._settings.accept
        if asked is not None and asked != label:
            if asked not in spec.version_by_label:
                return None
            here = production.name == registry_name(spec.prompt_name)
            promote = spec.command("--promptreg-versions", asked, "--promptreg-promote", production.alias)
            raise ConfigError(
                f"--promptreg-accept {asked}: the baseline of {spec.name} is of {production}, which is another prompt",
                where=spec.where,
                next_step=(
                    f"promote it first{f': {promote}' if here else f' to {production.address}'}; or drop baseline= "
                    "from the marker"
                ),
            )
        if self._settings.versions_flagged and asked is None and not self._settings.selects(label):
            raise ConfigError(
                f"the baseline of {spec.name} is of {production}, which --promptreg-versions does not select",
                where=spec.where,
                next_step=f"to store it: {spec.command('--promptreg-update')}",
            )
        return label
