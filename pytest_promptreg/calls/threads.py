"""Where synchronous calls run: daemon threads, as many as calls are in flight at once."""

from __future__ import annotations

import inspect
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..model import Output
from .call import Call, Try


class Finish(Protocol):
    """Takes down how a try ended.

    :returns: the next try for the same thread; None when the thread is to rest.
    :raises Left: when the thread is to end: its place was given to another, or the run is over.
    """

    def __call__(self, this: Try, output: Output | None, failure: BaseException | None) -> Try | None:
        """Take it down."""


class Left(Exception):  # noqa: N818  no error: a thread that is not needed any more
    """A thread has nothing to do any more."""


class Threads:
    """Threads that take calls, one after the other. They are never joined.

    Its methods are called under the runner's lock.

    :param finish: told how each try ended.
    :param wait_for: waits for an awaitable that a plain function handed on.
    """

    def __init__(self, finish: Finish, wait_for: Callable[[Try, Awaitable[Any]], Any]) -> None:
        self._finish = finish
        self._wait_for = wait_for
        self._tries: queue.SimpleQueue[Try | None] = queue.SimpleQueue()
        self._resting = 0

    def start(self, this: Try) -> None:
        """Run a try, in a thread that rests or in a new one."""
        if self._resting:
            self._resting -= 1
            self._tries.put(this)
        else:
            threading.Thread(target=self._work, args=(this,), name="promptreg-call", daemon=True).start()

    def rest(self) -> None:
        """The calling thread is about to wait for its next try."""
        self._resting += 1

    def give_up(self, call: Call) -> None:
        """Wait no longer for a call. Its thread cannot be taken back; the coroutine that it waits for can."""
        if call.handle is not None:
            call.handle.cancel()

    def stop(self) -> None:
        """Let the threads end that rest; the others do when their calls have."""
        for _ in range(self._resting):
            self._tries.put(None)
        self._resting = 0

    def _work(self, this: Try | None) -> None:
        while this is not None:
            output: Output | None = None
            failure: BaseException | None = None
            try:
                this.call.admit()
                began = time.perf_counter()
                value = this.context.run(this.call.perform)
                if not isinstance(value, str | Output) and inspect.isawaitable(value):
                    value = self._wait_for(this, value)
                output = this.kept(this.outcome(value, began))
            except BaseException as exc:
                failure = exc
            try:
                this = self._finish(this, output, failure) or self._tries.get()
            except Left:
                return
            del output, failure  # a thread that rests holds on to nothing
