"""Does what may block, beside the event loop: in one daemon thread, one thing after the other."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable


class Aside:
    """A thread that begins with the first thing there is to do.

    Not the loop's own executor: the interpreter would wait at its exit for what that still does.
    """

    def __init__(self) -> None:
        self._steps: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun = False

    async def do(self, work: Callable[[], object]) -> None:
        """Have it done while other tasks go on; it is done even if the task is cancelled meanwhile.

        To be called from one loop only.

        :raises BaseException: what it raises.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        context = contextvars.copy_context()

        def step() -> None:
            failure: BaseException | None = None
            try:
                context.run(work)
            except BaseException as exc:
                failure = exc
            with contextlib.suppress(RuntimeError):  # the loop is closed: the run is over
                loop.call_soon_threadsafe(_settle, done, failure)

        if not self._begun:
            self._begun = True
            threading.Thread(target=self._work, name="promptreg-aside", daemon=True).start()
        self._steps.put(step)
        await done

    def stop(self) -> None:
        """End the thread, once everything is done that was begun. Returns at once."""
        self._steps.put(None)

    def _work(self) -> None:
        while (step := self._steps.get()) is not None:
            step()


def _settle(done: asyncio.Future[None], failure: BaseException | None) -> None:
    if done.cancelled():
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
