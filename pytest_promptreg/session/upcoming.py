"""Which cases this process is going to run next: what may be called ahead.

Without xdist that is the rest of the suite. A worker of xdist looks into its own queue, because what another worker
will run is not its to pay for; and it gives no case away that it has called for already. xdist has no public word for
either: where it changes, each call is made when its test runs, and a case that another worker takes may be called
twice.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from ..calls.ahead import Queue
from .stash import CASE_KEY

if TYPE_CHECKING:
    from ..calls import Runner
    from ..model import CaseKey

_REPLY_S = 0.2  # a thief that got nothing asks again at once, as long as it is told at once


class Upcoming:
    """The cases of a process that collected and runs everything itself."""

    def __init__(self, session: pytest.Session) -> None:
        self._items: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            if CASE_KEY in item.stash:
                self._items.setdefault(item.stash[CASE_KEY].suite, []).append(item)

    def after(self, item: pytest.Item) -> Queue:
        """The cases of an item's suite from that item on, those that carry a skip mark left out."""
        items = self._items[item.stash[CASE_KEY].suite]
        start = items.index(item)
        return Queue(_keys(itertools.islice(items, start, None)), len(items) - start)


class UpcomingOfWorker:
    """The cases in the queue of a worker of xdist.

    :param worker: xdist's own object in the worker.
    :param most: how many cases to look ahead.
    """

    def __init__(self, session: pytest.Session, worker: Any, runner: Runner, most: int) -> None:
        self._session = session
        self._worker = worker
        self._runner = runner
        self._most = most
        self._last: dict[str, object] = {}  # by suite, the end of the queue as it was looked into last
        with suppress(AttributeError):
            self._steal = worker.steal
            worker.steal = self._give

    def after(self, item: pytest.Item) -> Queue | None:
        """The cases of an item's suite that are in the queue now; None when none has come since it was looked into."""
        suite = item.stash[CASE_KEY].suite
        queued = self._queued(suite)
        if queued is None:
            return None
        keys = [key for key in _keys(queued) if key.suite == suite]
        return Queue(iter(keys), len(keys))

    def _queued(self, suite: str) -> list[pytest.Item] | None:
        with suppress(Exception), self._worker.torun.lock() as queue:
            last = queue[-1] if queue else self._worker.nextitem_index
            if last == self._last.get(suite):
                return None
            indices = [self._worker.nextitem_index, *itertools.islice(queue, self._most)]
            self._last[suite] = last if len(queue) <= self._most else None
            return [self._session.items[index] for index in indices if isinstance(index, int)]
        return None

    def _give(self, indices: Sequence[int]) -> None:
        """What xdist does when another worker is out of work, but for the cases that are called for already."""
        self._last.clear()
        items = self._session.items
        by_key = {items[index].stash[CASE_KEY]: index for index in indices if CASE_KEY in items[index].stash}
        others = [index for index in indices if CASE_KEY not in items[index].stash]

        def give(keys: Sequence[CaseKey]) -> None:
            # In order: the queue is cut where the calls end.
            if found := sorted([*others, *(by_key[key] for key in keys)]):
                self._steal(found)
            else:
                reply = threading.Timer(_REPLY_S, self._decline)
                reply.daemon = True
                reply.start()

        self._runner.give_away(list(by_key), give)

    def _decline(self) -> None:
        with suppress(Exception):  # the session may have ended meanwhile
            self._worker.sendevent("unscheduled", indices=[])


def _keys(items: Iterator[pytest.Item] | Sequence[pytest.Item]) -> Iterator[CaseKey]:
    for item in items:
        if CASE_KEY in item.stash and item.get_closest_marker("skip") is None:
            yield item.stash[CASE_KEY]


def look_ahead(session: pytest.Session, runner: Runner) -> Upcoming | UpcomingOfWorker:
    """What tells the upcoming cases of this process."""
    if not hasattr(session.config, "workerinput"):
        return Upcoming(session)
    plugins = session.config.pluginmanager.get_plugins()
    worker = next((plugin for plugin in plugins if type(plugin).__name__ == "WorkerInteractor"), None)
    return UpcomingOfWorker(session, worker, runner, runner.window)
