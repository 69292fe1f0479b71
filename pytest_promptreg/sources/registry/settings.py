"""Where prompts are registered, and how long a copy of them is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...mlflow_store import Store, find_registry
from ...redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where prompts are registered, and how long a copy of them is good.

    :param uri: of the registry; None for MLFLOW_REGISTRY_URI, else MLFLOW_TRACKING_URI, else ``mlflow.db`` in rootdir.
    :param cache: folder for the copies; None to keep none.
    :param ttl_s: seconds that a copy is used without asking again.
    :param timeout_s: seconds that asking may take in all.
    :param run: what the processes of one pytest run have in common (pytest-xdist's PYTEST_XDIST_TESTRUNUID): a copy
        that one of them fetched is good for all of them, however old. Empty where there is one process.
    :param redactor: tells of what holds a secret, and is not copied.
    """

    uri: str | None = None
    cache: Path | None = None
    ttl_s: float = 60.0
    rootdir: Path = Path()
    timeout_s: float = 30.0
    run: str = ""
    redactor: Redactor = field(default_factory=Redactor)

    def target(self, environ: Mapping[str, str]) -> Store:
        """The registry as a store, by the same rules as for runs.

        :raises ConfigError: where MLflow cannot keep a database.
        """
        return find_registry(environ, self.rootdir, self.timeout_s, uri=self.uri)
