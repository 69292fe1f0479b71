"""Which call is made ahead next: the cases that are still to run, in their order, no further ahead than a window.

Neither requests nor outputs of a whole suite are held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ..model import CaseKey, Key
from .call import Call, Caller


class Queue(NamedTuple):
    """The calls of one suite that are still to be made in this process, in the order of the cases.

    :param size: how many they are, as far as that is known.
    """

    keys: Iterator[Key]
    size: int


LookAhead = Callable[[], Queue | None]  # the calls that are to come; None where those known already are all


@dataclass(eq=False, slots=True)
class _Suite:
    """The calls of one suite that are made ahead.

    :param pulled: calls made so far.
    :param position: the number of the call whose test is furthest.
    :param draws: whether cases are pulled. Once the window is full, none are until half of it is used up: a thread for
        which there is always a next call need not be woken for each.
    :param open: calls that were made and may not be handed over yet, in order.
    :param left_out: cases of the queue for which no call is made.
    """

    caller: Caller
    queue: Queue
    left: int
    pulled: int = 0
    position: int = 0
    draws: bool = True
    open: deque[Call] = field(default_factory=deque)
    left_out: set[CaseKey] = field(default_factory=set)


class Ahead:
    """The calls that are made ahead of the tests, suite by suite.

    Its methods are called under the runner's lock.

    :param window: how many calls of a suite are made ahead of the test that runs.
    :param calls: the runner's own calls, by case, that are not handed over yet.
    """

    def __init__(self, window: int, calls: dict[Key, Call]) -> None:
        self.window = window
        self._calls = calls
        self._suites: dict[str, _Suite] = {}
        self._pulling: list[_Suite] = []  # those that have cases left

    def begin(self, suite: str, caller: Caller, queue: Queue) -> None:
        """Take the calls of a suite from this queue from now on."""
        found = self._suites.get(suite)
        if found is None:
            found = self._suites[suite] = _Suite(caller, queue, queue.size)
        found.caller, found.queue, found.left = caller, queue, queue.size
        found.left_out.clear()  # what was given away may have come back
        if found not in self._pulling:
            self._pulling.append(found)

    def leave_out(self, keys: Collection[CaseKey]) -> None:
        """Make no call for these cases of the queues as they are."""
        for suite in self._pulling:
            suite.left_out.update(keys)

    def end(self) -> None:
        """Make no more calls."""
        self._pulling.clear()

    def exhausted(self, suite: str) -> bool:
        """Whether nothing of a suite is left to be called."""
        found = self._suites.get(suite)
        return found is None or found not in self._pulling

    @property
    def left(self) -> int:
        """How many cases are still to be looked at, as far as that is known."""
        return sum(suite.left for suite in self._pulling)

    def next(self, answered: Callable[[Call], bool]) -> Call | None:
        """The next call to start, which is among the runner's from here on.

        :param answered: whether a call need not start, because its answer is there.
        """
        for suite in tuple(self._pulling):
            while self._draws(suite):
                key = next(suite.queue.keys, None)
                if key is None:
                    self._pulling.remove(suite)
                    break
                suite.left -= 1
                caller = suite.caller
                if key in self._calls or key.case in suite.left_out:
                    continue
                if caller.wanted is not None and not caller.wanted(key):
                    continue
                suite.pulled += 1
                call = self._calls[key] = Call(key, caller, caller.context, suite.pulled)
                suite.open.append(call)
                if not answered(call):
                    return call
        return None

    def _draws(self, suite: _Suite) -> bool:
        """Whether the window of a suite has room, and enough of it."""
        made_ahead = suite.pulled - suite.position
        suite.draws = made_ahead < self.window if suite.draws else made_ahead <= self.window // 2
        return suite.draws

    def move_on(self, call: Call) -> None:
        """The test of a call has its answer; what was called ahead for tests long past is let go."""
        suite = self._suites.get(call.key.suite)
        if suite is None:
            return
        suite.position = max(suite.position, call.number)
        while suite.open:
            oldest = suite.open[0]
            waits = self._calls.get(oldest.key) is oldest
            if waits and oldest.number > suite.position - self.window:
                return
            suite.open.popleft()
            if waits:
                del self._calls[oldest.key]
