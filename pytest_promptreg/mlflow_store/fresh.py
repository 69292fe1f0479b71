"""A fresh sqlite database is there whole or not at all.

MLflow makes one in seconds, table by table. A process that ends meanwhile, killed or at its time limit, leaves a file
that no later process can open, and ``mlflow db upgrade`` cannot repair.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..errors import TrackingError
from . import database_file, is_in_memory


def make_whole(uri: str) -> None:
    """Make the database of an sqlite store, under another name first; one that is there, or another store, stays.

    To be called by one process at a time: within :func:`~.locks.alone`.

    :raises TrackingError: for a database in memory: what is written into it is nowhere when the process ends.
    :raises Exception: whatever MLflow's client raises.
    """
    if is_in_memory(uri):
        raise TrackingError(
            "MLflow: a database in memory keeps nothing", where=uri, next_step="name a file: sqlite:///mlflow.db"
        )
    database = database_file(uri)
    if database is None or database.exists():
        return
    unfinished = database.with_name(f".{database.name}.promptreg-unfinished")
    _remove(unfinished)
    try:
        _make(unfinished)
        unfinished.replace(database)
    except BaseException:
        _remove(unfinished)
        raise


def _make(path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{path.as_posix()}")
    client.search_experiments(max_results=1)
    with contextlib.suppress(AttributeError):  # an open file cannot be renamed everywhere; there is no public word
        client._tracking_client.store.engine.dispose()


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
        with contextlib.suppress(OSError):
            path.with_name(name).unlink(missing_ok=True)
