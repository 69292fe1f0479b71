"""Work with MLflow's client in a bounded time and without a sound: in a thread, with a total deadline."""

from __future__ import annotations

import contextlib
import logging
import math
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from ..machine import environment_defaults
from . import Store
from .faults import explain

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741

THREAD = "promptreg-tracking"

_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")


class Deadline:
    """How long the writing may still go on; knows that its caller has given up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining_s(self) -> float:
        """Seconds left, 0 when there are none."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Stop a writer that nobody waits for any more.

        :raises TimeoutError: when the time is up.
        """
        if self.remaining_s == 0:
            raise TimeoutError


def within_deadline(work: Callable[[Deadline], T], store: Store, deadline: Deadline | None = None) -> T:
    """What ``work`` returns, or its failure told in one line.

    It runs in a daemon thread: one that hangs in a call holds up neither the run nor the interpreter's end.

    :param deadline: one that runs already; else ``store.timeout_s`` seconds from now.
    :raises TrackingError: when it raised anything, or has not ended by then.
    """
    deadline = deadline or Deadline(store.timeout_s)
    results: list[T] = []
    failures: list[BaseException] = []

    def target() -> None:
        try:
            results.append(work(deadline))
        except BaseException as exc:  # a thread's own SystemExit would pass for an answer
            failures.append(exc)

    thread = threading.Thread(target=target, name=THREAD, daemon=True)
    with environment_defaults(_environment(store.timeout_s)), warnings.catch_warnings():
        # The client warns on its own account, and under `-W error` that would end it.
        warnings.simplefilter("ignore")
        thread.start()
        thread.join(deadline.remaining_s)
    if results:
        return results[0]
    raise explain(failures[0] if failures else TimeoutError(), store) from None


def at_once(work: Callable[[I], None], items: Sequence[I], threads: int) -> None:
    """``work`` on every item, in so many daemon threads: in a pool's, a call that hangs would hold up the interpreter.

    :raises BaseException: the first that was raised; what had not begun by then is left.
    """
    if threads == 1 or len(items) < 2:
        for item in items:
            work(item)
        return
    waiting: queue.SimpleQueue[I] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    failures: list[BaseException] = []

    def target() -> None:
        try:
            while not failures:
                work(waiting.get_nowait())
        except queue.Empty:
            return
        except BaseException as exc:
            failures.append(exc)

    running = [threading.Thread(target=target, name=THREAD, daemon=True) for _ in range(min(threads, len(items)))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]


def _environment(timeout_s: float) -> Mapping[str, str]:
    """MLflow's own variables for the time of the writing, where the user has not set them.

    Its defaults retry a dead server for four minutes a call, call home, and print.
    """
    return {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(min(10, math.ceil(timeout_s))),
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@contextlib.contextmanager
def quiet_loggers() -> Iterator[None]:
    """Keep what the client logs off the screen; to be entered after the import, which sets the levels anew."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
