"""Whether a store answers at all is found out in seconds, and what it answers with is told in one line."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from pytest_promptreg.mlflow_store import REGISTRY_VARIABLE, Store
from pytest_promptreg.mlflow_store.deadline import Deadline
from pytest_promptreg.mlflow_store.faults import UnreachableError, explain, knock


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500, 503])
def test_any_answer_is_an_answer(status: int, answering: Any) -> None:
    """Whether a server is there is asked without credentials, so that what it says is left to the client."""
    with answering(status) as uri:
        knock(Store(uri.replace("://", "://ada:secret@"), 20), Deadline(20))


def test_what_is_no_server_is_not_asked(closed_port: str) -> None:
    """A database, and a service that finds its own address, are the client's alone."""
    for uri in ("sqlite:///mlflow.db", "postgresql:///db?host=/run", "databricks", closed_port.replace("http", "ftp")):
        knock(Store(uri, 20), Deadline(20))
    with pytest.raises(UnreachableError, match="cannot be reached"):
        knock(Store(closed_port, 20), Deadline(20))


def test_the_port_of_a_database_server_is_tried(closed_port: str, silent_server: str) -> None:
    """One that is closed is told at once, and not after MLflow's own half a minute; an open one is for the client."""
    for scheme in ("postgresql", "mysql+pymysql"):
        with pytest.raises(UnreachableError, match="cannot be reached") as caught:
            knock(Store(closed_port.replace("http", f"{scheme}", 1).replace("//", "//ada:secret@"), 20), Deadline(20))
        assert "secret" not in str(caught.value)
        knock(Store(silent_server.replace("http", scheme, 1), 20), Deadline(20))


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("No Experiment with id=77 exists", "sync --experiment NAME"),
        ("'name' exceeds the maximum length of 500 characters", "sync --experiment NAME"),
        ("Reading Databricks credential configuration failed", "DATABRICKS_HOST"),
        ("Detected Unity Catalog tracking URI 'databricks-uc'", "MLFLOW_REGISTRY_URI"),
        ("Invalid url: http://127.0.0.1:99999/api", "see that MLFLOW_TRACKING_URI is right"),
    ],
)
def test_what_the_store_does_not_take_ends_with_what_to_do(said: str, step: str) -> None:
    """Settings that no store can take are told with the setting, and with how the record gets elsewhere."""
    assert step in (explain(RuntimeError(said), Store("http://host", 20)).next_step or "")


@pytest.mark.parametrize(
    ("exc", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "mlruns/x"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), "it cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied"), "it cannot be written"),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), "the disk is full"),
        (RuntimeError("(sqlite3.OperationalError) attempt to write a readonly database"), "it cannot be written"),
        (RuntimeError("(sqlite3.OperationalError) unable to open database file"), "it cannot be written"),
    ],
)
def test_a_disk_that_fails_is_told_with_what_to_do(exc: Exception, told: str) -> None:
    """Whether the file system says so or the database: what is to be done, and how the record gets elsewhere."""
    error = explain(exc, Store("sqlite:///mlflow.db", 20))
    assert told in error.what
    assert "sync --tracking-uri URI" in str(error.next_step)


@pytest.mark.parametrize(
    ("exc", "told"),
    [
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line"),
        (RuntimeError("at http://u:p@host/x \x1b[2J"), "RuntimeError: at http://host/x \\x1b[2J"),
        (RuntimeError("failed with error code 401 != 200"), "the server refused: failed with error code 401 != 200"),
        (
            RuntimeError("Detected out-of-date database schema (found x)"),
            "the database is of another version of MLflow",
        ),
        (RuntimeError("too many 500 error responses"), "the server answers with errors: too many 500"),
        (RuntimeError(""), "RuntimeError"),
    ],
)
def test_a_failure_is_told_in_one_safe_line(exc: Exception, told: str) -> None:
    """The client's story is cut to its first line, without passwords and without anything that moves a cursor."""
    error = explain(exc, Store("http://ada:secret@host", 20))
    assert "\n" not in error.what
    assert error.what.startswith(f"MLflow: {told}")
    assert error.where == "http://host"


@pytest.mark.parametrize(
    "exc", [ConnectionError("Connection refused"), RuntimeError("failed with error code 404"), OSError("timed out")]
)
def test_the_variable_that_names_the_store_is_the_one_to_look_at(exc: Exception) -> None:
    """A registry that cannot be reached is not looked for in the address of the runs."""
    step = explain(exc, Store("http://host", 20, REGISTRY_VARIABLE)).next_step or ""
    assert REGISTRY_VARIABLE in step
    assert "MLFLOW_TRACKING_URI" not in step
    assert "MLFLOW_TRACKING_URI" in (explain(exc, Store("http://host", 20)).next_step or "")


def test_a_closed_port_of_a_registry_names_its_variable(closed_port: str) -> None:
    """The first question, too, ends with the variable that was wrong."""
    with pytest.raises(UnreachableError) as caught:
        knock(Store(closed_port, 20, REGISTRY_VARIABLE), Deadline(20))
    assert caught.value.next_step == "see that it runs and that MLFLOW_REGISTRY_URI is right"
