"""A database that MLflow makes is there whole or not at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.mlflow_store import fresh
from pytest_promptreg.mlflow_store.fresh import make_whole

MAKER = "import sys; from pytest_promptreg.mlflow_store.fresh import make_whole; make_whole(sys.argv[1])"


@pytest.mark.slow
def test_a_process_that_was_killed_leaves_nothing_that_stands_in_the_way(tmp_path: Path) -> None:
    """What it began is begun again: of itself, MLflow could never open that file any more."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with subprocess.Popen([sys.executable, "-c", MAKER, uri], stderr=subprocess.DEVNULL) as maker:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".mlflow.db.*")):
            assert maker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        maker.kill()
    assert not (tmp_path / "mlflow.db").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_whole(uri)
        from mlflow import MlflowClient

        assert [found.name for found in MlflowClient(uri).search_experiments()] == ["Default"]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, say: neither half a database nor its journal keeps the room."""

    def fill(path: Path) -> None:
        path.write_text("half")
        path.with_name(f"{path.name}-journal").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fresh, "_make", fill)
    with pytest.raises(OSError, match="No space"):
        make_whole(f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A database that exists is not touched, and another store has nothing to be made."""
    sqlite3.connect(tmp_path / "mlflow.db").close()
    before = (tmp_path / "mlflow.db").read_bytes()
    for uri in (f"sqlite:///{tmp_path}/mlflow.db", "http://127.0.0.1:1", "postgresql://127.0.0.1:1/db"):
        make_whole(uri)
    assert (tmp_path / "mlflow.db").read_bytes() == before


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite:///:memory:?x=1"])
def test_a_database_in_memory_is_refused(uri: str) -> None:
    """It would take the record, say so, and be gone when pytest ends."""
    with pytest.raises(TrackingError, match="keeps nothing"):
        make_whole(uri)
