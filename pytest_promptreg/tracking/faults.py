"""Keeping a tracking store's troubles to itself: a total deadline, quiet, one clear line for any failure.

A server is asked whether it answers at all before anything else is: MLflow's own client waits twenty minutes for one
that does not.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from ..errors import TrackingError
from ..machine import environment_defaults
from ..report.escape import one_line
from . import TrackingSettings, clean

T = TypeVar("T")

_LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")
_MESSAGE_LIMIT = 240
ANSWER_WITHIN_S = 10.0


class UnreachableError(TrackingError):
    """The server did not answer at all."""


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


def within_deadline(work: Callable[[Deadline], T], settings: TrackingSettings, deadline: Deadline | None = None) -> T:
    """What ``work`` returns, or its failure told in one line.

    It runs in a daemon thread: one that hangs in a call holds up neither the run nor the interpreter's end.

    :param deadline: one that runs already; else ``settings.timeout_s`` seconds from now.
    :raises TrackingError: when it raised anything, or has not ended by then.
    """
    deadline = deadline or Deadline(settings.timeout_s)
    results: list[T] = []
    failures: list[BaseException] = []

    def target() -> None:
        try:
            results.append(work(deadline))
        except BaseException as exc:  # a thread's own SystemExit would pass for an answer
            failures.append(exc)

    thread = threading.Thread(target=target, name="promptreg-tracking", daemon=True)
    with environment_defaults(_environment(settings.timeout_s)), warnings.catch_warnings():
        # The client warns on its own account, and under `-W error` that would end it.
        warnings.simplefilter("ignore")
        thread.start()
        thread.join(deadline.remaining_s)
    if results:
        return results[0]
    raise explain(failures[0] if failures else TimeoutError(), settings) from None


def knock(uri: str, deadline: Deadline) -> None:
    """See that the server answers, whatever it says: an error, too, is for the client to understand.

    A store that is no server is not asked.

    :raises UnreachableError: when nothing listens there, or no answer has come after ten seconds.
    :raises TimeoutError: when the deadline came first.
    """
    if not clean.is_web(uri):
        return
    heard: list[BaseException | None] = []
    # Name look-up, proxies and an answer that trickles know no common time limit: the thread's end is one.
    thread = threading.Thread(target=lambda: heard.append(_ask(uri)), name="promptreg-knock", daemon=True)
    thread.start()
    thread.join(min(ANSWER_WITHIN_S, deadline.remaining_s))
    deadline.check()
    if not heard:
        raise UnreachableError(
            f"MLflow: no answer after {ANSWER_WITHIN_S:g} s", where=shown_uri(uri), next_step="see whether it is well"
        )
    if heard[0] is not None:
        raise UnreachableError("MLflow: the tracking server cannot be reached", where=shown_uri(uri), next_step=_SEE)


def _ask(uri: str) -> BaseException | None:
    """Why no answer came; None for any answer."""
    import requests

    try:
        # The answer to a stranger will do: user and password are sent by the client alone.
        address = f"{clean.without_user_info(uri).rstrip('/')}/health"
        requests.get(
            address,
            timeout=ANSWER_WITHIN_S + 1,  # for the thread to end; by then nobody waits
            stream=True,
            allow_redirects=False,
            auth=lambda request: request,
        ).close()
    except requests.exceptions.SSLError:
        return None  # whom to trust is set for the client, in ways of its own
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as exc:
        return exc
    except Exception:
        return None  # an address that cannot be one: the client will say so
    return None


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


def explain(exc: BaseException, settings: TrackingSettings) -> TrackingError:
    """Any failure as one line and a next step, without passwords and without the client's own stories."""
    if isinstance(exc, TrackingError):
        return exc
    where = shown_uri(settings.uri)
    said = one_line(clean.without_user_info(str(exc).strip().split("\n", 1)[0]), _MESSAGE_LIMIT)
    for recognise, what, next_step in _KNOWN:
        if recognise(exc, said):
            return TrackingError(
                f"MLflow: {what.format(said=said, timeout=settings.timeout_s)}",
                where=where,
                next_step=next_step.format(uri=where),
            )
    return TrackingError(f"MLflow: {type(exc).__name__}: {said}", where=where)


def shown_uri(uri: str) -> str:
    """A store's address as it may be shown: without user and password."""
    return clean.without_user_info(uri)


def _says(*parts: str) -> Callable[[BaseException, str], bool]:
    return lambda exc, _: any(part in str(exc) for part in parts)


def _is(*names: str) -> Callable[[BaseException, str], bool]:
    return lambda exc, _: any(kind.__name__ in names for kind in type(exc).__mro__)


_SEE = "see that it runs and that MLFLOW_TRACKING_URI is right"
_KNOWN: tuple[tuple[Callable[[BaseException, str], bool], str, str], ...] = (
    (_is("TimeoutError"), "no answer after {timeout:g} s", "see whether the server is well, or raise the time limit"),
    (
        _is("UnsupportedModelRegistryStoreURIException"),
        "no store for such an address",
        "set MLFLOW_TRACKING_URI to a server or a database (a database needs mlflow, not mlflow-skinny)",
    ),
    (
        _is("ImportError"),
        "a package is missing: {said}",
        "install it (MLflow itself: pip install 'mlflow>=3.12,<4')",
    ),
    (
        _says("failed with error code 404"),
        "there is no MLflow server at this address",
        "see that MLFLOW_TRACKING_URI is right",
    ),
    (
        _says("MLFLOW_ALLOW_FILE_STORE", "maintenance mode"),
        "folders are no tracking store any more",
        "set MLFLOW_TRACKING_URI=sqlite:///mlflow.db, or MLFLOW_ALLOW_FILE_STORE=true",
    ),
    (
        _says("out-of-date database schema"),
        "the database is of another version of MLflow",
        "with the newer of the two: mlflow db upgrade {uri}",
    ),
    (
        _says("error responses", "failed with error code 5", "failed with error code 429"),
        "the tracking server answers with errors: {said}",
        "see whether it is well",
    ),
    (
        _says("Max retries exceeded", "Connection refused", "Failed to establish a new connection", "timed out"),
        "the tracking server cannot be reached",
        _SEE,
    ),
    (
        _says("error code 401", "error code 403", "UNAUTHENTICATED", "PERMISSION_DENIED"),
        "the server refused: {said}",
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    ),
)
