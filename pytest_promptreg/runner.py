"""Calls predict: ahead of the tests that wait for the outputs, so many at a time, each with its time limit.

Nothing here is ever joined at exit: synchronous calls run in daemon threads and asynchronous ones on one event loop in
another, so that the process can end while a call still waits for an answer.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from .errors import PredictError
from .model import CaseKey, Output, Request

_TICK_S = 0.25  # how often a waiting caller looks up: to expire calls, to report progress, to notice Ctrl-C

Predict = Callable[[Request], Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the calls are."""

    done: int
    submitted: int
    running: int


@dataclass(eq=False, slots=True)
class _Call:
    key: CaseKey
    predict: Predict
    make_request: Callable[[], Request]
    context: contextvars.Context
    finished: threading.Event
    started: float = 0.0
    task: asyncio.Task[None] | None = None
    output: Output | None = None
    failure: BaseException | None = None


class Runner:
    """Bounded calls in the order in which they were submitted.

    :param concurrency: calls in flight at once.
    :param timeout_s: seconds that one call may take, from its own start; 0 for no limit.
    """

    def __init__(self, concurrency: int, timeout_s: float) -> None:
        self.concurrency = concurrency
        self._timeout_s = timeout_s
        self._lock = threading.RLock()
        self._calls: dict[CaseKey, _Call] = {}
        self._waiting: deque[_Call] = deque()
        self._running: set[_Call] = set()
        self._finished = 0
        self._submitted = 0
        self._to_threads: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._threads = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False

    def submit(self, key: CaseKey, predict: Predict, make_request: Callable[[], Request]) -> None:
        """Queue the call of a case, unless it is queued already. Context variables are those of the caller, now."""
        with self._lock:
            if key in self._calls or self._stopped:
                return
            call = _Call(key, predict, make_request, contextvars.copy_context(), threading.Event())
            self._calls[key] = call
            self._waiting.append(call)
            self._submitted += 1
            self._start_waiting()

    def result(self, key: CaseKey, on_wait: Callable[[Progress], None] | None = None) -> Output:
        """Wait for a submitted call and hand its output over, once: a case that is run again is called again.

        :param on_wait: told how far the calls are, every quarter of a second or so.
        :raises BaseException: what predict raised, as it was raised.
        :raises PredictError: when the call took too long, or predict returned something that is no output.
        """
        call = self._calls[key]
        while not call.finished.wait(_TICK_S):
            self._expire()
            if on_wait:
                on_wait(self.progress())
        with self._lock:
            self._calls.pop(key, None)
        if call.failure is not None:
            raise call.failure
        assert call.output is not None  # noqa: S101  a finished call has the one or the other
        return call.output

    def ready(self) -> dict[CaseKey, Output]:
        """Outputs that are there and not handed over yet."""
        with self._lock:
            return {key: call.output for key, call in self._calls.items() if call.output is not None}

    def submitted(self, key: CaseKey) -> bool:
        """Whether the call of a case is queued, running, or waiting to be handed over."""
        return key in self._calls

    @property
    def runs_dry(self) -> bool:
        """Whether fewer calls wait than could be started at once."""
        return len(self._waiting) < self.concurrency

    def progress(self) -> Progress:
        """How far the calls are."""
        with self._lock:
            return Progress(self._finished, self._submitted, len(self._running))

    def stop(self) -> None:
        """Start nothing more and cancel what can be cancelled. Returns at once; threads in a call are left behind."""
        with self._lock:
            self._stopped = True
            for call in self._waiting:  # whoever waits for one must not wait for ever
                call.failure = PredictError("the run ended before this call began")
                call.finished.set()
            self._waiting.clear()
            for _ in range(self._threads):
                self._to_threads.put(None)
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(_shut_down, loop)

    # -- starting and finishing calls; the lock is held around every change of state

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self.concurrency:
            call = self._waiting.popleft()
            self._running.add(call)
            call.started = time.monotonic()
            if _is_async(call.predict):
                loop = self._event_loop()
                loop.call_soon_threadsafe(self._spawn, loop, call)
                continue
            self._to_threads.put(call)
            if self._threads < len(self._running):
                self._threads += 1
                threading.Thread(target=self._work, name="promptreg-call", daemon=True).start()

    def _finish(self, call: _Call, output: Output | None, failure: BaseException | None) -> bool:
        """Record how a call ended; False when it was given up before."""
        with self._lock:
            if call.finished.is_set():
                return False
            call.output, call.failure = output, failure
            self._running.discard(call)
            self._finished += 1
            call.finished.set()
            if not self._stopped:
                self._start_waiting()
            return True

    def _expire(self) -> None:
        if not self._timeout_s:
            return
        now = time.monotonic()
        with self._lock:
            overdue = [call for call in self._running if now - call.started > self._timeout_s]
            for call in overdue:
                if call.task is not None and self._loop is not None:
                    self._loop.call_soon_threadsafe(call.task.cancel)
                elif not _is_async(call.predict):
                    self._threads -= 1  # its thread cannot be taken back; another may stand in for it
                self._finish(
                    call,
                    None,
                    PredictError(
                        f"predict gave no answer in {self._timeout_s:g} s",
                        next_step="set promptreg_timeout to the seconds that a call may take",
                    ),
                )

    # -- synchronous calls

    def _work(self) -> None:
        while (call := self._to_threads.get()) is not None:
            start = time.perf_counter()
            try:
                value = call.context.run(_call, call)
                if inspect.isawaitable(value):  # a plain function that hands a coroutine on
                    loop = self._event_loop()
                    value = call.context.run(asyncio.run_coroutine_threadsafe, _awaited(value), loop).result()
                kept = self._finish(call, _timed(value, start), None)
            except BaseException as exc:
                kept = self._finish(call, None, exc)
            if not kept:
                return  # this thread's place was given to another while it hung

    # -- asynchronous calls

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_loop, args=(self._loop,), name="promptreg-loop", daemon=True).start()
            return self._loop

    def _spawn(self, loop: asyncio.AbstractEventLoop, call: _Call) -> None:
        call.task = loop.create_task(self._perform(call), context=call.context)

    async def _perform(self, call: _Call) -> None:
        start = time.perf_counter()
        try:
            self._finish(call, _timed(await _call(call), start), None)
        except BaseException as exc:
            self._finish(call, None, exc)
            if isinstance(exc, asyncio.CancelledError):
                raise


def _call(call: _Call) -> Any:
    return call.predict(call.make_request())


def _timed(value: object, start: float) -> Output:
    latency = time.perf_counter() - start
    output = Output.of(value)
    return output if output.latency_s is not None else replace(output, latency_s=latency)


def _is_async(predict: Predict) -> bool:
    return inspect.iscoroutinefunction(predict) or inspect.iscoroutinefunction(getattr(predict, "__call__", None))  # noqa: B004


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _shut_down(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()

    async def end() -> None:
        await asyncio.wait(tasks, timeout=0.2) if tasks else None
        loop.stop()

    ending: Coroutine[Any, Any, None] = end()
    loop.create_task(ending)
