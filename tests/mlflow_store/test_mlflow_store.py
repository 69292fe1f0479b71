"""Where a store is, and which variable of the environment says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_promptreg.errors import ConfigError
from pytest_promptreg.mlflow_store import Store, database_file, find_registry, is_web, local_uri

RUNS, PROMPTS = "http://runs", "http://prompts"


@pytest.mark.parametrize(
    ("environ", "uri", "variable"),
    [
        ({}, "sqlite:////r/mlflow.db", "MLFLOW_TRACKING_URI"),
        ({"MLFLOW_TRACKING_URI": RUNS}, RUNS, "MLFLOW_TRACKING_URI"),
        ({"MLFLOW_REGISTRY_URI": PROMPTS}, PROMPTS, "MLFLOW_REGISTRY_URI"),
        ({"MLFLOW_REGISTRY_URI": PROMPTS, "MLFLOW_TRACKING_URI": RUNS}, PROMPTS, "MLFLOW_REGISTRY_URI"),
        ({"MLFLOW_REGISTRY_URI": " ", "MLFLOW_TRACKING_URI": RUNS}, RUNS, "MLFLOW_TRACKING_URI"),
    ],
)
def test_a_registry_knows_what_named_it(environ: dict[str, str], uri: str, variable: str) -> None:
    """The registry's own variable is nearer than that of the runs, and both are nearer than the local database."""
    assert find_registry(environ, Path("/r"), 5) == Store(uri, 5, variable)


def test_an_address_is_shown_without_its_password() -> None:
    """User and password are for the client alone."""
    assert Store("https://ada:secret@host/x", 5).shown == "https://host/x"


def test_what_is_a_server_and_what_a_file() -> None:
    """A server is asked whether it answers; a local file is locked; a database in memory or elsewhere is neither."""
    assert [is_web(uri) for uri in ("http://h", "https://h", "sqlite:///x.db", "postgresql://h/d")] == [
        True,
        True,
        False,
        False,
    ]
    assert database_file("sqlite:////a/x.db?timeout=5") == Path("/a/x.db")
    assert database_file("sqlite+pysqlite:///x.db") == Path("x.db")
    assert [database_file(uri) for uri in ("sqlite:///:memory:", "http://h", "postgresql://h/d")] == [None] * 3


@pytest.mark.parametrize("name", ["what?", "a#b", "50%"])
def test_a_folder_that_no_address_can_name_is_refused(name: str) -> None:
    """MLflow would open a database elsewhere."""
    with pytest.raises(ConfigError, match="cannot keep a database"):
        local_uri(Path("/r") / name)
