"""What is called, and what becomes of it."""

from __future__ import annotations

import contextvars
import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..model import Key, Output, Request
from .words import CURRENT, Words

Predict = Callable[[Request], Any]


def is_async(predict: Predict) -> bool:
    """Whether a call gives a coroutine: that of a coroutine function, or of an object whose ``__call__`` is one."""
    called = getattr(predict, "__call__", None)  # noqa: B004  the method, not whether there is one
    return inspect.iscoroutinefunction(predict) or inspect.iscoroutinefunction(called)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the calls are.

    :param done: calls that have ended.
    :param expected: those and all that are still to come, as far as that is known.
    :param running: calls in flight.
    :param waiting: calls that wait for another try.
    """

    done: int
    expected: int
    running: int
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended: with an output or with a failure.

    :param retries: why it was tried again, a word for each time: ``429``, ``connection``, ``timeout``.
    :param words: what predict printed and logged.
    """

    output: Output | None
    failure: BaseException | None
    retries: tuple[str, ...]
    words: Words


@dataclass(eq=False, slots=True)
class Caller:
    """By what the calls of a suite are made.

    :param request: what predict is given for a case; asked in the call, and what it raises is the call's failure.
    :param admit: asked before each try, and what it raises is the call's failure. It may block: the event loop goes on.
    :param watch: what is called in place of predict for a case, asked in the call; asynchronous where predict is.
    :param wanted: whether a case is called at all when its turn comes; None for every one.
    :param recorded: an output that is had already, asked just before a call would be made; it takes no place among the
        calls in flight. It must not take long: nothing else starts meanwhile.
    :param redact: makes of each output that a call gave what may be seen of it, before anybody does.
    :param redacts_slowly: whether that may take long.
    :param keep: told of each output that a call gave, before the call ends. It may block: the event loop
        goes on.
    :param executor: on which the calls run; None for threads and a loop of the runner's own. Calls on one see no
        context variables, are not watched, and what they print is heard where they run.
    :param context: the context variables that calls made ahead see: those of the place where the caller is made.
    """

    predict: Predict
    request: Callable[[Key], Request]
    admit: Callable[[Key], None] | None = None
    watch: Callable[[Key, Predict], Predict] | None = None
    wanted: Callable[[Key], bool] | None = None
    recorded: Callable[[Key], Output | None] | None = None
    redact: Callable[[Output], Output] | None = None
    redacts_slowly: bool = False
    keep: Callable[[Key, Output], None] | None = None
    executor: Executor | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    is_async: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_async = is_async(self.predict)

    @property
    def may_block(self) -> bool:
        """Whether what becomes of an output may take long."""
        return self.keep is not None or self.redacts_slowly


@dataclass(eq=False, slots=True)
class Call:
    """One case's call, over all its tries.

    :param context: the context variables that it sees.
    :param number: its place among the calls of its suite that were made ahead; 0 for one that its test asked for.
    :param counted: tries again that count, of those that ``retries`` names.
    :param running: the number of the try that runs; 0 while none does.
    :param successes: calls of the run that had succeeded when the last try began.
    :param left_out: whether nobody wants its output any more.
    :param waiter: set when the call has ended, where somebody waits for that.
    :param handle: what can be cancelled of the try that runs.
    """

    key: Key
    caller: Caller
    context: contextvars.Context
    number: int = 0
    tries: int = 0
    counted: int = 0
    started: float = 0.0
    running: int = 0
    successes: int = 0
    retries: tuple[str, ...] = ()
    words: Words = field(default_factory=Words)
    done: bool = False
    left_out: bool = False
    waiter: threading.Event | None = None
    handle: Any = None
    output: Output | None = None
    failure: BaseException | None = None

    def admit(self) -> None:
        """Ask whether the call may be made."""
        if self.caller.admit is not None:
            self.caller.admit(self.key)

    def perform(self) -> Any:
        """Call predict, in the context that is the try's own."""
        CURRENT.set(self.words)
        caller = self.caller
        predict = caller.predict if caller.watch is None else caller.watch(self.key, caller.predict)
        return predict(caller.request(self.key))


class Try(NamedTuple):
    """One start of a call.

    :param number: which one, from 1: what an earlier one says when it was given up is nobody's.
    :param context: the context variables, as they were before any other try could change them.
    """

    call: Call
    number: int
    context: contextvars.Context

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more: it took too long, and another may have begun."""
        return self.call.running != self.number

    def outcome(self, value: object, began: float) -> Output:
        """What predict returned, as an output with the seconds since ``began``.

        :raises PredictError: when it is no output.
        """
        latency = time.perf_counter() - began
        output = Output(value, latency_s=latency) if isinstance(value, str) else Output.of(value)
        if output.latency_s is None:
            output = replace(output, latency_s=latency)
        return output

    def kept(self, output: Output) -> Output:
        """The output, redacted and handed on to whoever keeps it: before the call ends, and so before its test has it.

        One that comes after the try was given up is not: the case has failed, or another try's output counts.
        """
        call = self.call
        if call.caller.redact is not None:
            output = call.caller.redact(output)
        if call.caller.keep is not None and not self.is_given_up:
            call.caller.keep(call.key, output)
        return output
