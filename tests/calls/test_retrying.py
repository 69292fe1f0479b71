"""Which failures are worth another try, and after what wait."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import time
import urllib.error
from email.message import Message
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.calls.retrying import (
    FIRST_WAIT_S,
    LONGEST_PAUSE_S,
    LONGEST_WAIT_S,
    NoAnswerError,
    Trouble,
    retry_after,
    trouble_of,
    wait_s,
)
from pytest_promptreg.errors import PredictError
from pytest_promptreg.sources.web import CallError


class Response:
    """A response of requests' or httpx's kind."""

    def __init__(self, status_code: int, **headers: str) -> None:
        self.status_code = status_code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __repr__(self) -> str:  # a test's id is the same in every process
        return f"Response({self.status_code})"


class OfResponseError(Exception):
    """As requests.HTTPError and httpx.HTTPStatusError are."""

    def __init__(self, response: Response) -> None:
        self.response = response


class OfAiohttpError(Exception):
    """As aiohttp.ClientResponseError is."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status, self.headers = status, headers


class OfOpenAIError(Exception):
    """As openai.APIStatusError is."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def named(name: str, *bases: type[Exception]) -> Exception:
    """An exception of a client package, known by its name and its bases' names."""
    error: Exception = type(name, bases or (Exception,), {})()
    return error


def of_ours(status: int | None, pause_s: float | None = None, cause: Exception | None = None) -> CallError:
    error = CallError("the server gave nothing")
    error.status, error.pause_s, error.__cause__ = status, pause_s, cause
    return error


def of_urllib(code: int, **headers: str) -> urllib.error.HTTPError:
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return urllib.error.HTTPError("http://x", code, "no", message, None)


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (TimeoutError(), Trouble("timeout")),
        (socket.timeout(), Trouble("timeout")),  # noqa: UP041  the old name of the same
        (NoAnswerError("no answer"), Trouble("timeout")),
        (ConnectionError("away"), Trouble("connection")),
        (ConnectionResetError(), Trouble("connection")),
        (BrokenPipeError(), Trouble("connection")),
        (http.client.RemoteDisconnected("gone"), Trouble("connection")),
        (http.client.IncompleteRead(b""), Trouble("connection")),
        (socket.gaierror(-3, "try again"), Trouble("connection")),
        (OSError(errno.EHOSTUNREACH, "no route"), Trouble("connection")),
        (urllib.error.URLError(ConnectionRefusedError()), Trouble("connection")),
        (named("ReadTimeout", type("TimeoutException", (Exception,), {})), Trouble("timeout")),
        (named("APITimeoutError", type("APIConnectionError", (Exception,), {})), Trouble("timeout")),
        (named("APIConnectionError"), Trouble("connection")),
        (named("ConnectError", type("NetworkError", (Exception,), {})), Trouble("connection")),
        (named("ServerDisconnectedError", type("ClientConnectionError", (Exception,), {})), Trouble("connection")),
        (OfOpenAIError(429), Trouble("429", throttled=True)),
        (OfOpenAIError(500), Trouble("500")),
        (OfOpenAIError(408), Trouble("408")),
        (OfResponseError(Response(502)), Trouble("502")),
        (OfResponseError(Response(503)), Trouble("503")),
        (OfResponseError(Response(503, Retry_After="7")), Trouble("503", 7.0, throttled=True)),
        (OfAiohttpError(429, {"Retry-After": "0.5"}), Trouble("429", 0.5, throttled=True)),
        (of_urllib(429, Retry_After="3"), Trouble("429", 3.0, throttled=True)),
        (of_ours(429, 2.0), Trouble("429", 2.0, throttled=True)),
        (of_ours(None, cause=ConnectionRefusedError()), Trouble("connection")),
        (of_ours(None, cause=named("ConnectTimeout", type("Timeout", (OSError,), {}))), Trouble("timeout")),
    ],
    ids=repr,
)
def test_what_may_pass_is_worth_another_try(failure: Exception, trouble: Trouble) -> None:
    """Timeouts, lost connections, 429 and 5xx of any client are known, with what the server asks for."""
    assert trouble_of(failure) == trouble


class NastyError(Exception):
    """An exception whose properties fail."""

    @property
    def status_code(self) -> int:
        """Not to be had."""
        raise RuntimeError("not open")


@pytest.mark.parametrize(
    "failure",
    [
        TypeError("x"),
        KeyError("x"),
        ValueError("x"),
        AttributeError("x"),
        AssertionError(),
        ZeroDivisionError(),
        RuntimeError("x"),
        FileNotFoundError(2, "x"),
        PermissionError(13, "x"),
        OSError("x"),
        ssl.SSLCertVerificationError("x"),
        PredictError("predict returned None"),
        OfOpenAIError(400),
        OfOpenAIError(401),
        OfOpenAIError(404),
        OfOpenAIError(501),
        OfResponseError(Response(422)),
        OfResponseError(Response(429, Retry_After=str(LONGEST_PAUSE_S + 1))),
        of_ours(401),
        of_ours(200),
        of_ours(None),
        of_ours(None, cause=TypeError("no JSON")),
        urllib.error.URLError("unknown url type"),
        of_urllib(403),
        named("InvalidURL", type("RequestException", (OSError,), {}), ValueError),
        KeyboardInterrupt(),
        SystemExit(1),
        NastyError(),
    ],
    ids=repr,
)
def test_what_would_fail_again_is_told_at_once(failure: BaseException) -> None:
    """Programming errors, refusals of the server and pauses longer than anyone waits are no reason to try again."""
    assert trouble_of(failure) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After": "12"}, 12.0), ({"retry-after": "0.25"}, 0.25), ({"Retry-After": "-1"}, 0.0)]
    + [({name: value}, None) for name, value in (("X", "1"), ("Retry-After", "soon"), ("Retry-After", "inf"))]
    + [({"Retry-After": "nan"}, None), ({"Retry-After": formatdate(0, usegmt=True)}, 0.0)],
)
def test_seconds_that_a_server_asks_for(header: dict[str, str], seconds: float | None) -> None:
    """Seconds as a number, nothing for what is no number; a date that is past asks for nothing more."""
    assert retry_after(header) == seconds


def test_a_date_that_a_server_asks_for() -> None:
    """A date is as many seconds as are left until it."""
    seconds = retry_after({"Retry-After": formatdate(time.time() + 90, usegmt=True)})
    assert seconds is not None
    assert 60 < seconds <= 90


@given(tries=st.integers(1, 10_000), pause=st.none() | st.floats(0, 1000))
def test_waits_grow_within_bounds(tries: int, pause: float | None) -> None:
    """Half of each wait is sure and doubles with each try, the other by chance; never less than a server asks."""
    longest = min(FIRST_WAIT_S * 2 ** min(tries - 1, 50), LONGEST_WAIT_S)
    waited = wait_s(Trouble("429", pause), tries)
    assert waited >= max(longest / 2, pause or 0)
    assert waited <= max(longest, pause or 0) + 1e-9


def test_calls_that_failed_together_come_back_apart() -> None:
    """Waits of the same try differ."""
    waits: set[Any] = {wait_s(Trouble("429"), 3) for _ in range(20)}
    assert len(waits) > 10
