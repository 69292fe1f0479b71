"""One of each built-in metric in a process, loaded once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from pytest_promptreg.metrics import MetricSettings, builtin
from pytest_promptreg.metrics.builtin import BuiltinMetrics


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the metrics in the order in which they were loaded."""
    names: list[str] = []
    monkeypatch.setattr(builtin, "create", lambda name, _: SimpleNamespace(name=name, load=lambda: names.append(name)))
    return names


def test_a_metric_is_made_once_and_given_when_it_is_loaded(loaded: list[str]) -> None:
    """However often the load is asked for; one that nobody loaded ahead is made too."""
    metrics = BuiltinMetrics(MetricSettings())
    metrics.load(["a", "b"])
    metrics.load(["c"])
    assert metrics("a") is metrics("a")
    assert loaded == ["a", "b"]
    assert metrics("c").name == "c"


def test_two_threads_that_ask_start_one_load(loaded: list[str]) -> None:
    """The second that asks while the first is about to begin starts none of its own."""
    metrics = BuiltinMetrics(MetricSettings())
    second = threading.Thread(target=metrics.load, args=(["second"],))

    def asked_meanwhile() -> Iterator[str]:
        second.start()
        second.join(0.2)  # long enough for a second load, were there one; with a lock it waits for this one
        yield "first"

    metrics.load(asked_meanwhile())
    second.join()
    metrics("first")
    assert loaded == ["first"]
