"""Does what may block, beside the event loop: in one daemon thread, one thing after the other."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

_T = TypeVar("_T")


class Aside:
    """A thread that begins with the first thing there is to do.

    Not the loop's own executor: the interpreter would wait at its exit for what that still does.
    """

    def __init__(self) -> None:
        self._steps: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun = False

    async def do(self, work: Callable[[], _T]) -> _T:
        """Have it done while other tasks go on, and give what it gave; it is done even if the task is cancelled.

        To be called from one loop only.

        :raises BaseException: what it raises.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()
        context = contextvars.copy_context()

        def step() -> None:
            settle: Callable[[], None]
            try:
                settle = partial(done.set_result, context.run(work))
            except BaseException as exc:
                settle = partial(done.set_exception, exc)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the run is over
                loop.call_soon_threadsafe(_settle, done, settle)

        if not self._begun:
            self._begun = True
            threading.Thread(target=self._work, name="promptreg-aside", daemon=True).start()
        self._steps.put(step)
        return await done

    def stop(self) -> None:
        """End the thread, once everything is done that was begun. Returns at once."""
        self._steps.put(None)

    def _work(self) -> None:
        while (step := self._steps.get()) is not None:
            step()


def _settle(done: asyncio.Future[_T], settle: Callable[[], None]) -> None:
    if not done.cancelled():
        settle()
