"""Calls predict ahead of the tests that wait for the outputs: which call starts when, and how it ends.

A call starts as a place among the calls in flight comes free: first what a test waits for or is to be tried again, then
the cases that are still to run.

Nothing here is ever joined at exit: the process can end while a call still waits for an answer.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..errors import BudgetError, PredictError
from ..model import CaseKey, Key, Output
from .ahead import Ahead, LookAhead
from .alarm import Alarm
from .call import Answer, Call, Caller, Progress, Try
from .futures import Futures
from .hold import Hold
from .limit import Limit
from .loop import Loop
from .rate import Rate
from .retrying import MOST_THROTTLED, NoAnswerError, Trouble, trouble_of, wait_s
from .tally import Tally
from .threads import Left, Threads
from .words import Words

_TICK_S = 0.25  # how often a waiting caller looks up: to expire calls, to report progress, to notice Ctrl-C
_WINDOW = 8  # times as many calls ahead of the test that runs as there are in flight
_LEAST_WINDOW, _MOST_WINDOW = 256, 4096


@dataclass(frozen=True, slots=True)
class Terms:
    """What the calls of a process may take.

    :param concurrency: calls in flight at once.
    :param timeout_s: seconds that one try of a call may take, from its own start; 0 for no limit.
    :param retries: how often a call is tried again where that is worth it.
    :param rate: calls over time; None for no limit.
    :param window: how many calls ahead of the test that runs; 0 for several times the concurrency.
    """

    concurrency: int
    timeout_s: float = 0.0
    retries: int = 0
    rate: Rate | None = None
    window: int = 0


class Runner:
    """Bounded calls, in the order of the cases."""

    def __init__(self, terms: Terms, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.terms = terms
        self._clock = clock
        self._lock = threading.RLock()
        self._calls: dict[Key, Call] = {}
        window = terms.window or max(_LEAST_WINDOW, min(_WINDOW * terms.concurrency, _MOST_WINDOW))
        self._ahead = Ahead(window, self._calls)
        self._urgent: deque[Call] = deque()  # asked for by their tests, or due to be tried again
        self._delayed: list[tuple[float, int, Call]] = []
        self._order = itertools.count()
        self._running: dict[Call, int] = {}
        self._finished = 0
        self._successes = 0
        self._limit = Limit(terms.concurrency)
        self._tally = Tally()
        self._hold = Hold(terms.rate, self._tally)
        self._alarm = Alarm(self._wake)
        self._loop = Loop(self._finish)
        self._futures = Futures(self._finish)
        self._threads = Threads(self._finish_in_thread, self._loop.wait_for)
        self._stopped = False

    def submit(self, key: Key, caller: Caller) -> None:
        """Call for a case before all that is still to be called ahead, unless that is called already.

        Context variables are those of this place, now.
        """
        with self._lock:
            if key in self._calls or self._stopped:
                return
            call = self._calls[key] = Call(key, caller, contextvars.copy_context())
            if not self._answered(call):
                self._urgent.append(call)
                self._fill()

    def call_ahead(self, suite: str, caller: Caller, upcoming: LookAhead) -> None:
        """Call for these cases of a suite as places come free, in place of what was to be called ahead for it before.

        :param upcoming: asked once, while nothing starts.
        """
        with self._lock:
            queue = upcoming()
            if queue is not None:
                self._ahead.begin(suite, caller, queue)
                self._fill()

    def give_away(self, keys: list[CaseKey], give: Callable[[list[CaseKey]], None]) -> None:
        """Give cases away to another process, those of them for which no call was made.

        :param give: told which, while nothing starts; none of them is called ahead any more.
        """
        with self._lock:
            called = {key.case for key in self._calls}
            free = [key for key in keys if key not in called]
            self._ahead.leave_out(set(free))
            give(free)

    def leave_out(self, keys: Collection[Key]) -> set[Key]:
        """Start no call of these any more, and try none of them again; those in flight are left to end.

        :returns: those that had been started.
        """
        with self._lock:
            waiting = [call for key in keys if (call := self._calls.get(key)) is not None]
            for call in waiting:
                call.left_out = True
            return {call.key for call in waiting if call.tries}

    def result(self, key: Key, on_wait: Callable[[Progress], None] | None = None) -> Output:
        """Wait for the output of a call.

        :raises BaseException: what predict raised, as it was raised.
        """
        answer = self.take(key, on_wait)
        if answer.failure is not None:
            raise answer.failure
        assert answer.output is not None  # noqa: S101  a finished call has the one or the other
        return answer.output

    def take(self, key: Key, on_wait: Callable[[Progress], None] | None = None) -> Answer:
        """Wait for a call and hand its answer over, once: a case that is run again is called again.

        :param on_wait: told how far the calls are, every quarter of a second or so.
        """
        with self._lock:
            call = self._calls.get(key)
            if call is None:
                return Answer(None, PredictError("the run ended before this call began"), (), Words())
            waiter = None
            if not call.done:
                waiter = call.waiter = threading.Event()
        while waiter is not None and not waiter.wait(_TICK_S):
            self._expire()
            if on_wait:
                on_wait(self.progress())
        with self._lock:
            self._calls.pop(key, None)
            self._ahead.move_on(call)
            self._fill()
        return Answer(call.output, call.failure, call.retries, call.words)

    def ready(self) -> dict[Key, Output]:
        """Outputs that are there and not handed over yet."""
        with self._lock:
            return {key: call.output for key, call in self._calls.items() if call.output is not None}

    @property
    def window(self) -> int:
        """How many calls are made ahead of the test that runs."""
        return self._ahead.window

    def submitted(self, key: Key) -> bool:
        """Whether the call of a case waits to be made, is made, or waits to be handed over."""
        return key in self._calls

    def exhausted(self, suite: str) -> bool:
        """Whether nothing of a suite is left to be called ahead."""
        return self._ahead.exhausted(suite)

    def progress(self) -> Progress:
        """How far the calls are."""
        with self._lock:
            unfinished = sum(not call.done for call in self._calls.values())
            expected = self._finished + unfinished + self._ahead.left
            return Progress(self._finished, expected, len(self._running), len(self._delayed))

    def tally(self) -> Tally:
        """What was retried and waited for so far."""
        with self._lock:
            return Tally(
                self._tally.retried.copy(),
                self._tally.rate_s,
                self._tally.asked_s,
                self._limit.decreases,
                self._limit.lowest,
            )

    def stop(self) -> None:
        """Start nothing more and cancel what can be cancelled. Returns at once; threads in a call are left behind."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._ahead.end()
            for call in [*self._urgent, *(call for _, _, call in self._delayed)]:
                # Whoever waits for one must not wait for ever.
                self._end(call, None, PredictError("the run ended before this call began"))
            self._urgent.clear()
            self._delayed.clear()
            self._alarm.stop()
            self._threads.stop()
            self._futures.stop(self._running)
            for call in [call for call in self._running if call.caller.executor is not None]:
                del self._running[call]
                call.running = 0
                self._end(call, None, PredictError("the run ended before this call did"))
            self._loop.stop()

    # -- which call is next; the lock is held around every change of state

    def _next(self) -> Call | None:
        return self._urgent.popleft() if self._urgent else self._ahead.next(self._answered)

    def _answered(self, call: Call) -> bool:
        """Whether a call need not be made, because its output is recorded; or cannot, because looking for it failed."""
        if call.caller.recorded is None:
            return False
        try:
            output = call.caller.recorded(call.key)
        except BaseException as exc:
            self._end(call, None, exc)
            return True
        if output is not None:
            self._end(call, output, None)
        return output is not None

    # -- starting and finishing

    def _fill(self, *, in_thread: bool = False) -> Try | None:
        """Start what may be started.

        :param in_thread: whether the calling thread takes a synchronous call itself, and rests where there is none.
        """
        mine: Try | None = None
        while not self._stopped and len(self._running) < self._limit.now:
            call = self._next()
            if call is None:
                break
            if call.left_out:
                self._end(call, None, PredictError("this call was left out"))
                continue
            now = self._clock()
            if wait := self._hold.wait_s(now):
                self._alarm.set(now + wait)
                self._urgent.appendleft(call)
                break
            self._hold.start(now)
            call.tries += 1
            call.started, call.successes, call.handle = now, self._successes, None
            self._running[call] = call.running = call.tries
            this = Try(call, call.tries, call.context.copy())
            if call.caller.executor is not None:
                self._futures.start(this)
            elif call.caller.is_async:
                self._loop.start(this)
            elif in_thread and mine is None:
                mine = this
            else:
                self._threads.start(this)
        if in_thread and mine is None:
            self._threads.rest()
        return mine

    def _wake(self) -> None:
        """A wait is over: that of a call that is to be tried again, or of all."""
        with self._lock:
            if self._stopped:
                return
            now = self._clock()
            due = []
            while self._delayed and self._delayed[0][0] <= now:
                due.append(heapq.heappop(self._delayed)[2])
            self._urgent.extendleft(reversed(due))
            if self._delayed:
                self._alarm.set(self._delayed[0][0])
            self._fill()

    def _finish(self, this: Try, output: Output | None, failure: BaseException | None) -> None:
        """Take down how a try ended, and start what may be started now."""
        again_s, trouble = self._considered(this, failure)
        with self._lock:
            if self._ended(this, output, failure, trouble, again_s):
                self._fill()

    def _finish_in_thread(self, this: Try, output: Output | None, failure: BaseException | None) -> Try | None:
        """The same for one of our threads, which takes the next synchronous call itself.

        :raises Left: when it was given up, or the run is over.
        """
        again_s, trouble = self._considered(this, failure)
        with self._lock:
            if not self._ended(this, output, failure, trouble, again_s) or self._stopped:
                raise Left
            return self._fill(in_thread=True)

    def _considered(self, this: Try, failure: BaseException | None) -> tuple[float, Trouble | None]:
        """Why a failure is worth another try, and seconds to wait for it; outside the lock, for it may import."""
        trouble = trouble_of(failure) if failure is not None else None
        if trouble is None or not self.terms.retries:
            return 0.0, trouble
        return wait_s(trouble, len(this.call.retries) + 1), trouble

    def _ended(
        self,
        this: Try,
        output: Output | None,
        failure: BaseException | None,
        trouble: Trouble | None,
        again_s: float,
    ) -> bool:
        """Take down how a try ended; False when it was given up before."""
        call = this.call
        if self._running.get(call) != this.number:
            return False
        del self._running[call]
        call.running = 0
        if failure is None:
            self._successes += 1
            self._limit.succeeded()
        if isinstance(failure, BudgetError) and call.retries:
            self._tally.retry(call.retries[-1], -1)  # what may not be called was not tried again
        if trouble is None or not self._again(call, trouble, again_s):
            self._end(call, output, failure)
        return True

    def _again(self, call: Call, trouble: Trouble, again_s: float) -> bool:
        """Whether a failed call is tried again, which is then arranged.

        A call that a server refuses while it lets others through is not at fault: that is what the limit is for.
        """
        now = self._clock()
        if trouble.throttled:
            self._limit.throttled(call.started, now)
            if trouble.pause_s and self.terms.retries:
                self._hold.leave_alone(now + trouble.pause_s)
        lets_through = trouble.throttled and self._successes > call.successes and call.tries < MOST_THROTTLED
        if (
            self._stopped
            or call.left_out
            or not self.terms.retries
            or not (lets_through or call.counted < self.terms.retries)
        ):
            return False
        call.counted += not lets_through
        call.retries = (*call.retries, trouble.reason)
        self._tally.retry(trouble.reason)
        heapq.heappush(self._delayed, (now + again_s, next(self._order), call))
        self._alarm.set(now + again_s)
        return True

    def _end(self, call: Call, output: Output | None, failure: BaseException | None) -> None:
        call.output, call.failure, call.done = output, failure, True
        self._finished += 1
        if call.waiter is not None:
            call.waiter.set()

    def _expire(self) -> None:
        """Give up the calls that take too long."""
        timeout_s = self.terms.timeout_s
        if not timeout_s:
            return
        with self._lock:
            now = self._clock()
            for call, number in [(c, n) for c, n in self._running.items() if now - c.started > timeout_s]:
                place = self._futures if call.caller.executor else self._loop if call.caller.is_async else self._threads
                place.give_up(call)
                failure = NoAnswerError(
                    f"predict gave no answer in {timeout_s:g} s",
                    next_step="set promptreg_timeout to the seconds that a call may take",
                )
                self._finish(Try(call, number, call.context), None, failure)
