"""Where asynchronous calls run: one event loop in a daemon thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import PredictError
from ..model import Output
from .aside import Aside
from .call import Call, Try

if TYPE_CHECKING:
    import asyncio


class Loop:
    """An event loop that begins with the first call that needs one, with which asyncio is imported.

    Its methods are called under the runner's lock, except :meth:`wait_for`.

    :param finish: told how each try ended.
    """

    def __init__(self, finish: Callable[[Try, Output | None, BaseException | None], object]) -> None:
        self._finish = finish
        self._begin = threading.Lock()
        self._aside = Aside()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._stopped = False

    def start(self, this: Try) -> None:
        """Run a try as a task."""
        loop = self._begun()
        if threading.get_ident() == self._thread:
            self._spawn(loop, this)
        else:
            loop.call_soon_threadsafe(self._spawn, loop, this)

    def wait_for(self, this: Try, value: Awaitable[Any]) -> Any:
        """What an awaitable gives that a plain function, called in this thread, handed on.

        :raises PredictError: when the run has ended meanwhile.
        """
        import asyncio

        try:
            loop = self._begun()
        except PredictError:
            if asyncio.iscoroutine(value):
                value.close()  # else Python warns that nobody awaited it
            raise
        future = this.context.run(asyncio.run_coroutine_threadsafe, _awaited(value), loop)
        this.call.handle = future
        return future.result()

    def give_up(self, call: Call) -> None:
        """Cancel a call's task."""
        if call.handle is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(call.handle.cancel)

    def stop(self) -> None:
        """Cancel every task and end the loop. Returns at once."""
        with self._begin:
            loop, self._loop, self._stopped = self._loop, None, True
        if loop is not None:
            loop.call_soon_threadsafe(_shut_down, loop)
            self._aside.stop()

    def _begun(self) -> asyncio.AbstractEventLoop:
        with self._begin:
            if self._stopped:
                raise PredictError("the run ended before this call did")
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_run, args=(self._loop,), name="promptreg-loop", daemon=True)
                thread.start()
                self._thread = thread.ident
            return self._loop

    def _spawn(self, loop: asyncio.AbstractEventLoop, this: Try) -> None:
        if this.is_given_up:  # while something blocked the loop: there may be another try by now
            return
        this.call.handle = loop.create_task(self._perform(this), context=this.context)

    async def _perform(self, this: Try) -> None:
        caller = this.call.caller
        try:
            if caller.admit is not None:
                await self._aside.do(this.call.admit)
            began = time.perf_counter()
            output = this.outcome(await this.call.perform(), began)
            if caller.may_block:
                output = await self._aside.do(partial(this.kept, output))
            else:
                output = this.kept(output)
        except BaseException as exc:
            import asyncio

            self._finish(this, None, exc)
            if isinstance(exc, asyncio.CancelledError):
                raise
        else:
            self._finish(this, output, None)


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _run(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _shut_down(loop: asyncio.AbstractEventLoop) -> None:
    import asyncio

    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()

    async def end() -> None:
        await asyncio.wait(tasks, timeout=0.2) if tasks else None
        loop.stop()

    ending: Coroutine[Any, Any, None] = end()
    loop.create_task(ending)
