"""Which failures of a call are worth another try, and after what wait.

Worth it is what the next try may not meet again: no connection, no answer in time, a server that is overloaded or
asks for patience, a worker of an executor that died. Anything else, a programming error first of all, is told at once.
Exceptions of client packages are known by what they carry and by their names, so that none of them is imported.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import PredictError, PromptregError

if TYPE_CHECKING:
    from tenacity.wait import wait_base

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
LONGEST_PAUSE_S = 300.0  # a server that asks for more than this is not waited for
MOST_THROTTLED = 20  # tries of one call that a server refuses, while other calls get through

_STATUSES = frozenset({408, 425, 429})
_THROTTLING = frozenset({429, 529})
_NO_SERVER_ERRORS = frozenset({501, 505})  # what a server cannot do now, it cannot do in a second either
_HIGHEST_STATUS = 599
_ERRNOS = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET})
_TIMEOUTS = frozenset({"Timeout", "TimeoutError", "TimeoutException", "APITimeoutError"})
_CONNECTIONS = frozenset(
    {
        "ConnectionError",
        "APIConnectionError",
        "ClientConnectionError",
        "NetworkError",
        "RemoteProtocolError",
        "ProtocolError",
        "IncompleteRead",
    }
)
_LOST_WORKERS = frozenset({"BrokenExecutor", "KilledWorker", "FutureCancelledError", "CancelledError"})


class NoAnswerError(PredictError):
    """A call took longer than it may."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call is worth another try.

    :param reason: a word for it: a status, ``connection``, ``timeout`` or ``worker lost``.
    :param pause_s: seconds that the server asks to be left alone, where it does.
    :param throttled: whether the server says that it is asked too much.
    """

    reason: str
    pause_s: float | None = None
    throttled: bool = False


def trouble_of(failure: BaseException) -> Trouble | None:
    """Why a failed call is worth another try; None when it is not."""
    if not isinstance(failure, Exception):
        return None
    if isinstance(failure, NoAnswerError):
        return Trouble("timeout")
    status = _status(failure)
    if status is not None:
        return _of_status(status, _pause(failure))
    if isinstance(failure, PromptregError):  # of ours, what lay at its bottom decides
        return trouble_of(failure.__cause__) if failure.__cause__ is not None else None
    reason = getattr(failure, "reason", None)
    if isinstance(reason, Exception):  # urllib's URLError
        return trouble_of(reason)
    return _of_kind(failure)


def _of_status(status: int, pause_s: float | None) -> Trouble | None:
    if status not in _STATUSES and (status < 500 or status in _NO_SERVER_ERRORS):
        return None
    if pause_s is not None and pause_s > LONGEST_PAUSE_S:
        return None
    return Trouble(str(status), pause_s, status in _THROTTLING or (status == 503 and pause_s is not None))


def _of_kind(failure: Exception) -> Trouble | None:
    names = {cls.__name__ for cls in type(failure).__mro__}
    if isinstance(failure, ssl.SSLCertVerificationError):
        return None
    if names & _LOST_WORKERS:
        return Trouble("worker lost")
    if isinstance(failure, TimeoutError) or names & _TIMEOUTS:
        return Trouble("timeout")
    if isinstance(failure, ConnectionError | socket.gaierror | ssl.SSLEOFError) or names & _CONNECTIONS:
        return Trouble("connection")
    if isinstance(failure, OSError) and failure.errno in _ERRNOS:
        return Trouble("connection")
    return None


def _status(failure: Exception) -> int | None:
    """The HTTP status that an exception carries, by whatever name."""
    response = _attribute(failure, "response")
    for holder, name in (
        (failure, "status_code"),
        (failure, "status"),
        (response, "status_code"),
        (response, "status"),
        (failure, "code"),
    ):
        value = _attribute(holder, name)
        if isinstance(value, int) and 100 <= value <= _HIGHEST_STATUS:
            return int(value)
    return None


def _pause(failure: Exception) -> float | None:
    """Seconds that a server asks to be left alone: of ours, or from the headers of a response."""
    pause = _attribute(failure, "pause_s")
    if isinstance(pause, int | float):
        return float(pause)
    for holder in (_attribute(failure, "response"), failure):
        headers = _attribute(holder, "headers")
        if headers is not None:
            with contextlib.suppress(Exception):
                return retry_after(headers)
    return None


def _attribute(holder: object, name: str) -> Any:
    try:
        return getattr(holder, name, None)
    except Exception:  # a property of somebody's exception, which is none of ours to mend
        return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header Retry-After asks for, given in seconds or as a date; None where it says nothing."""
    text = headers.get("Retry-After") or headers.get("retry-after")
    if not text:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(text)
        return max(seconds, 0.0) if seconds < float("inf") else None
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class _State:
    """What tenacity's waits look at of a retried call."""

    attempt_number: int


@cache
def _waits() -> wait_base:
    from tenacity.wait import wait_exponential, wait_random_exponential

    half = FIRST_WAIT_S / 2
    # Half of the wait is sure, the other by chance: many calls that failed together do not come back together.
    return wait_exponential(half, LONGEST_WAIT_S / 2) + wait_random_exponential(half, LONGEST_WAIT_S / 2)


def wait_s(trouble: Trouble, tries: int) -> float:
    """Seconds until the next try: longer with each, by chance a little more or less, never less than a server asks.

    :param tries: how often the call was tried.
    """
    state: Any = _State(tries)  # of a call's state, waits read the number alone
    waited = float(_waits()(state))
    return max(waited, trouble.pause_s or 0.0)
