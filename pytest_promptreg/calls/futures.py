"""Where calls run when the user says so: an executor of ``concurrent.futures``, here or on other machines.

Nobody waits in a thread for a result: what a future gives is taken down when it is there, in one thread that also hands
the next calls to their executor, since an executor need not bear that in its own callbacks.
"""

from __future__ import annotations

import inspect
import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from ..errors import PredictError, said
from ..model import Output, Request
from .call import Call, Predict, Try

Result = tuple[Any, float]  # what predict returned, and the seconds that it took where it ran
_NOT_SENT = ("pickle", "Can't get local object")  # the second is Python 3.13's


class Futures:
    """Calls on executors.

    Its methods are called under the runner's lock.

    :param finish: told how each try ended.
    """

    def __init__(self, finish: Callable[[Try, Output | None, BaseException | None], object]) -> None:
        self._finish = finish
        self._steps: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun = False

    def start(self, this: Try) -> None:
        """Hand a try to its executor, soon."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._work, name="promptreg-futures", daemon=True).start()
        self._steps.put(lambda: self._submit(this))

    def give_up(self, call: Call) -> None:
        """Take a call back, where it has not begun."""
        if call.handle is not None:
            call.handle.cancel()

    def stop(self, running: Iterable[Call]) -> None:
        """Hand nothing more over, and take back what has not begun.

        :param running: calls in flight, here or elsewhere.
        """
        self._steps.put(None)
        for call in running:
            if call.caller.executor is not None:
                self.give_up(call)

    def _work(self) -> None:
        while (step := self._steps.get()) is not None:
            step()

    def _submit(self, this: Try) -> None:
        caller = this.call.caller
        if this.is_given_up:
            return
        try:
            assert caller.executor is not None  # noqa: S101  else the call is started elsewhere
            this.call.admit()
            future = caller.executor.submit(perform, caller.predict, caller.request(this.call.key))
        except BaseException as exc:
            self._finish(this, None, explained(exc))
            return
        this.call.handle = future
        future.add_done_callback(lambda done: self._steps.put(lambda: self._take(this, done)))

    def _take(self, this: Try, done: Future[Result]) -> None:
        output: Output | None = None
        failure: BaseException | None = None
        try:
            value, seconds = done.result()
            output = this.kept(this.outcome(value, time.perf_counter() - seconds))
        except BaseException as exc:
            failure = explained(exc)
        self._finish(this, output, failure)


def perform(predict: Predict, request: Request) -> Result:
    """Call predict where the executor runs it."""
    began = time.perf_counter()
    value = predict(request)
    if inspect.isawaitable(value):
        import asyncio

        value = asyncio.run(_awaited(value))
    return value, time.perf_counter() - began


async def _awaited(value: Any) -> Any:
    return await value


def explained(failure: BaseException) -> BaseException:
    """The failure, or what it means: that predict cannot be sent, or that a worker was lost with what it had made."""
    import pickle

    if isinstance(failure, ValueError) and _is_of_a_lost_worker(failure):
        lost = BrokenExecutor("the worker that had made the call was lost before it was handed over")
        lost.__cause__ = failure
        return lost
    if isinstance(failure, pickle.PicklingError) or (
        isinstance(failure, AttributeError | TypeError) and any(words in said(failure) for words in _NOT_SENT)
    ):
        told = PredictError(
            f"predict cannot be sent to the executor: {failure}",
            next_step="define it at the top of a module: no lambda, no function in a fixture, no open connection in it",
        )
        told.__cause__ = failure
        return told
    return failure


def _is_of_a_lost_worker(failure: BaseException) -> bool:
    """Whether Dask has taken a result for a failure, because its worker was lost between the two looks at it."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_name == "_cascade_future"
