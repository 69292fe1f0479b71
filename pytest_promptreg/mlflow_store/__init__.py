"""An MLflow store, whoever asks it: where it is, how long it may take, what its failures mean, one process at a time.

Importing this package imports no mlflow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigError
from ..redaction import without_user_info

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
REGISTRY_VARIABLE = "MLFLOW_REGISTRY_URI"
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]+)")
_IN_MEMORY = re.compile(r"sqlite(?:\+\w+)?:(?://)?/?(?::memory:)?")
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_UNSAFE_IN_URL = frozenset("?#%")


@dataclass(frozen=True, slots=True)
class Store:
    """A store and how long asking it may take.

    :param uri: as MLflow takes it; it may hold a password, so it is shown as :attr:`shown`.
    :param timeout_s: seconds for the whole of what is asked.
    :param variable: the environment variable that names such a store, for messages.
    """

    uri: str
    timeout_s: float
    variable: str = TRACKING_VARIABLE

    @property
    def shown(self) -> str:
        """Its address without user and password."""
        return without_user_info(self.uri)


def find_registry(environ: Mapping[str, str], rootdir: Path, timeout_s: float, *, uri: str | None = None) -> Store:
    """The registry of prompts and models: ``uri``, else what the environment names, else ``mlflow.db`` in ``rootdir``.

    :raises ConfigError: where MLflow cannot keep a database.
    """
    own = environ.get(REGISTRY_VARIABLE, "").strip()
    named = uri or own or environ.get(TRACKING_VARIABLE, "").strip()
    variable = REGISTRY_VARIABLE if own and named == own else TRACKING_VARIABLE
    return Store(named or local_uri(rootdir), timeout_s, variable)


def local_uri(rootdir: Path) -> str:
    """The database that is used where nobody names a store.

    :raises ConfigError: where MLflow cannot keep one.
    """
    if _UNSAFE_IN_URL & set(str(rootdir)):
        raise ConfigError(
            "MLflow cannot keep a database in a folder with ?, # or % in its name",
            where=str(rootdir),
            next_step=f"set {TRACKING_VARIABLE} to a store elsewhere",
        )
    return f"sqlite:///{(rootdir / 'mlflow.db').as_posix()}"


def is_web(uri: str) -> bool:
    """Whether the store is a server with pages of its own."""
    return urlsplit(uri).scheme in {"http", "https"}


def database_server(uri: str) -> tuple[str, int] | None:
    """Host and port of a database server; None for any other store, and where the address names none or several."""
    try:
        parts = urlsplit(uri)
        port = _DATABASE_PORTS.get(parts.scheme.partition("+")[0])
        return (parts.hostname, parts.port or port) if port and parts.hostname and "," not in parts.netloc else None
    except ValueError:
        return None


def is_in_memory(uri: str) -> bool:
    """Whether the store is a database that ends with the process."""
    return _IN_MEMORY.fullmatch(uri.split("?", 1)[0]) is not None


def database_file(uri: str) -> Path | None:
    """The file of an sqlite store, whether it is there or not; None for any other store."""
    match = _SQLITE.fullmatch(uri.split("?", 1)[0])
    return None if match is None or match["path"] == ":memory:" else Path(match["path"])
