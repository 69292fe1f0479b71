"""Which cases a worker of xdist is going to run next, as far as its queue says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from pytest_promptreg.calls import Caller, Runner, Terms
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.model import CaseKey, PromptVersion
from pytest_promptreg.session.stash import CASE_KEY
from pytest_promptreg.session.upcoming import UpcomingOfWorker

KEYS = [CaseKey(suite, "v1", str(number)) for suite in "ab" for number in range(3)]


class Item:
    """As much of an item as is looked at."""

    def __init__(self, key: CaseKey) -> None:
        self.stash = {CASE_KEY: key}

    def get_closest_marker(self, _: str) -> None:
        """It has none."""


class Queue:
    """The queue of a worker, as xdist locks it."""

    def __init__(self, *indices: int) -> None:
        self.indices = deque(indices)

    @contextmanager
    def lock(self) -> Iterator[deque[int]]:
        """Hand it over."""
        yield self.indices


def test_each_suite_has_its_own_look_into_the_queue() -> None:
    """What came with one suite's first test is there for the other's: else its calls would wait for one another."""
    items = [Item(key) for key in KEYS]
    session: Any = SimpleNamespace(items=items)
    queue = Queue(1, 2, 3, 4)
    worker: Any = SimpleNamespace(torun=queue, nextitem_index=0)
    upcoming = UpcomingOfWorker(session, worker, Runner(Terms(1)), most=10)

    def ahead(item: Item) -> list[CaseKey] | None:
        found: Any = upcoming.after(item)  # type: ignore[arg-type]
        return None if found is None else list(found.keys)

    assert ahead(items[0]) == KEYS[:3]
    assert ahead(items[0]) is None
    assert ahead(items[3]) == KEYS[3:5]
    assert ahead(items[3]) is None
    queue.indices.append(5)
    assert ahead(items[3]) == KEYS[3:6]


def test_what_was_given_away_is_looked_for_anew() -> None:
    """A worker out of work takes cases, but none that is called for already; what is left is called by its own look."""
    items = [Item(key) for key in KEYS]
    session: Any = SimpleNamespace(items=items)
    queue, stolen = Queue(1, 2), []

    def steal(indices: list[int]) -> None:
        stolen.append(indices)
        for index in indices:
            queue.indices.remove(index)

    worker: Any = SimpleNamespace(torun=queue, nextitem_index=0, steal=steal)
    runner = Runner(Terms(1))
    upcoming = UpcomingOfWorker(session, worker, runner, most=10)
    first: Any = items[0]
    assert upcoming.after(first) is not None
    assert upcoming.after(first) is None
    runner.submit(KEYS[1], Caller(lambda asked: "x", lambda key: render(PromptVersion("v1", "x"), key.example, {})))
    worker.steal([1, 2])
    assert stolen == [[2]]
    again = upcoming.after(first)
    assert again is not None
    assert list(again.keys) == KEYS[:2]
    runner.stop()
