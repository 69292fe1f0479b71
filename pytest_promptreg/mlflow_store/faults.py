"""What a store's failures mean: asked first whether it answers at all, and any failure told in one clear line.

MLflow's own client waits twenty minutes for a server that does not answer.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import TrackingError
from ..redaction import without_user_info
from ..report.escape import one_line
from . import Store, database_server, is_web

if TYPE_CHECKING:
    from .deadline import Deadline

_MESSAGE_LIMIT = 240
ANSWER_WITHIN_S = 10.0


class UnreachableError(TrackingError):
    """The server did not answer at all."""


def knock(store: Store, deadline: Deadline) -> None:
    """See that the server answers, whatever it says: an error, too, is for the client to understand.

    Of a database server only the port is tried: MLflow's own client tries a closed one for half a minute. A file, and a
    service that finds its own address, are not asked.

    :raises UnreachableError: when nothing listens there, or no answer has come after ten seconds.
    :raises TimeoutError: when the deadline came first.
    """
    ask = _ask if is_web(store.uri) else _try_port if database_server(store.uri) else None
    if ask is None:
        return
    heard: list[BaseException | None] = []
    # Name look-up, proxies and an answer that trickles know no common time limit: the thread's end is one.
    thread = threading.Thread(target=lambda: heard.append(ask(store.uri)), name="promptreg-knock", daemon=True)
    thread.start()
    thread.join(min(ANSWER_WITHIN_S, deadline.remaining_s))
    deadline.check()
    if not heard:
        raise UnreachableError(
            f"MLflow: no answer after {ANSWER_WITHIN_S:g} s", where=store.shown, next_step="see whether it is well"
        )
    if heard[0] is not None:
        raise UnreachableError(
            "MLflow: the server cannot be reached", where=store.shown, next_step=_SEE.format(variable=store.variable)
        )


def _ask(uri: str) -> BaseException | None:
    """Why no answer came; None for any answer."""
    import requests

    try:
        # The answer to a stranger will do: user and password are sent by the client alone.
        address = f"{without_user_info(uri).rstrip('/')}/health"
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


def _try_port(uri: str) -> BaseException | None:
    """Why nothing could be reached; None where something listens."""
    address = database_server(uri)
    try:
        if address is not None:
            socket.create_connection(address, ANSWER_WITHIN_S + 1).close()
    except OSError as exc:
        return exc
    return None


def explain(exc: BaseException, store: Store) -> TrackingError:
    """Any failure as one line and a next step, without passwords and without the client's own stories."""
    if isinstance(exc, TrackingError):
        return exc
    said = one_line(without_user_info(str(exc).strip().split("\n", 1)[0]), _MESSAGE_LIMIT)
    for recognise, what, next_step in _KNOWN:
        if recognise(exc, said):
            return TrackingError(
                f"MLflow: {what.format(said=said, timeout=store.timeout_s)}",
                where=store.shown,
                next_step=next_step.format(uri=store.shown, variable=store.variable),
            )
    return TrackingError(f"MLflow: {type(exc).__name__}: {said}", where=store.shown)


def _says(*parts: str) -> Callable[[BaseException, str], bool]:
    return lambda exc, _: any(part in str(exc) for part in parts)


def _fails_with(*codes: int) -> Callable[[BaseException, str], bool]:
    return lambda exc, _: isinstance(exc, OSError) and exc.errno in codes


def _any_of(*recognise: Callable[[BaseException, str], bool]) -> Callable[[BaseException, str], bool]:
    return lambda exc, said: any(one(exc, said) for one in recognise)


def _is(*names: str) -> Callable[[BaseException, str], bool]:
    return lambda exc, _: any(kind.__name__ in names for kind in type(exc).__mro__)


_SEE = "see that it runs and that {variable} is right"
ELSEWHERE = "python -m pytest_promptreg sync --tracking-uri URI sends it elsewhere"
_KNOWN: tuple[tuple[Callable[[BaseException, str], bool], str, str], ...] = (
    (_is("TimeoutError"), "no answer after {timeout:g} s", "see whether the server is well, or raise the time limit"),
    (
        _is("UnsupportedModelRegistryStoreURIException"),
        "no store for such an address",
        "set {variable} to a server or a database (a database needs mlflow, not mlflow-skinny)",
    ),
    (
        _is("ImportError"),
        "a package is missing: {said}",
        "install it (MLflow itself: pip install 'mlflow>=3.12,<4')",
    ),
    (
        _any_of(_fails_with(errno.ENOSPC, errno.EDQUOT), _says("database or disk is full")),
        "the disk is full: {said}",
        f"make room on it; {ELSEWHERE}",
    ),
    (
        _any_of(
            _fails_with(errno.EROFS, errno.EACCES, errno.EPERM),
            _says("attempt to write a readonly database", "unable to open database file", "disk I/O error"),
        ),
        "it cannot be written: {said}",
        f"see that its folder is there and writable; {ELSEWHERE}",
    ),
    (
        _says("failed with error code 404"),
        "there is no MLflow server at this address",
        "see that {variable} is right",
    ),
    (
        _says("MLFLOW_ALLOW_FILE_STORE", "maintenance mode"),
        "folders are no tracking store any more",
        "set {variable}=sqlite:///mlflow.db, or MLFLOW_ALLOW_FILE_STORE=true",
    ),
    (
        _says("out-of-date database schema"),
        "the database is of another version of MLflow, or was never made to its end",
        "with the newer version: mlflow db upgrade {uri}; if that fails, move the file away",
    ),
    (
        _says("No Experiment with id", "Invalid experiment ID"),
        "there is no such experiment: {said}",
        "see that MLFLOW_EXPERIMENT_ID is right; python -m pytest_promptreg sync --experiment NAME sends it to another",
    ),
    (
        _says("'name' exceeds the maximum length"),
        "it takes no experiment of this name: {said}",
        "choose another one; python -m pytest_promptreg sync --experiment NAME sends it there",
    ),
    (
        _says("Databricks credential", "Databricks authentication"),
        "Databricks has no credentials",
        "set DATABRICKS_HOST and DATABRICKS_TOKEN, or name a profile: {variable}=databricks://PROFILE",
    ),
    (
        _says("Unity Catalog tracking URI"),
        "Unity Catalog keeps prompts and models, and no runs",
        "set MLFLOW_TRACKING_URI=databricks, and MLFLOW_REGISTRY_URI to this address",
    ),
    (
        _says("Invalid url", "Invalid IPv6 URL", "Port could not be cast", "Port out of range"),
        "this is no address: {said}",
        "see that {variable} is right",
    ),
    (
        _says("error responses", "failed with error code 5", "failed with error code 429"),
        "the server answers with errors: {said}",
        "see whether it is well",
    ),
    (
        _says("Max retries exceeded", "Connection refused", "Failed to establish a new connection", "timed out"),
        "the server cannot be reached",
        _SEE,
    ),
    (
        _says("error code 401", "error code 403", "UNAUTHENTICATED", "PERMISSION_DENIED"),
        "the server refused: {said}",
        "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    ),
)
