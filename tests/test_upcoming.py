"""Which cases a worker of xdist is going to run next, as far as its queue says."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from pytest_promptreg.calls import Runner, Terms
from pytest_promptreg.model import CaseKey
from pytest_promptreg.stash import CASE_KEY
from pytest_promptreg.upcoming import UpcomingOfWorker

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
