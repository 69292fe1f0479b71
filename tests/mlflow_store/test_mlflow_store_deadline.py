"""Work with a store ends in time, quietly, and leaves the environment as it was."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.mlflow_store import Store
from pytest_promptreg.mlflow_store.deadline import at_once, within_deadline


def test_a_writer_learns_that_nobody_waits_any_more() -> None:
    """After the deadline the writer stops at its next step, and its failure is nobody's."""
    left = threading.Event()
    stopped = threading.Event()

    def work(deadline: Any) -> None:
        left.wait(10)
        try:
            deadline.check()
        except TimeoutError:
            stopped.set()
            raise

    with pytest.raises(TrackingError):
        within_deadline(work, Store("http://host", 0.05))
    left.set()
    assert stopped.wait(10)


def test_even_an_exit_in_the_writer_is_a_tracking_error() -> None:
    """Nothing that is raised in the writing thread, SystemExit included, ends the run or passes for success."""

    def work(_: Any) -> None:
        raise SystemExit(3)

    with pytest.raises(TrackingError, match="SystemExit: 3"):
        within_deadline(work, Store("http://host", 20))


def test_the_users_own_settings_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry count that the user has set is used as it is; ours hold for the writing only."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    seen = within_deadline(lambda _: dict(os.environ), Store("http://host", 4.2))
    assert seen["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "5"
    assert seen["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "5"
    assert seen["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


@pytest.mark.parametrize("threads", [1, 3])
def test_many_are_worked_on_at_once_and_the_first_failure_is_told(threads: int) -> None:
    """Every item is taken once; after a failure nothing new is begun."""
    done: list[int] = []
    at_once(done.append, range(50), threads)
    assert sorted(done) == list(range(50))

    def failing(item: int) -> None:
        done.append(item)
        raise ValueError(item)

    done.clear()
    with pytest.raises(ValueError, match=r"[012]"):
        at_once(failing, range(50), threads)
    assert 1 <= len(done) <= threads
