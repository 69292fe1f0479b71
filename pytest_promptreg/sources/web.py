"""JSON sent to an address and the JSON that comes back; whatever else comes back is an error with a next step."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..calls.retrying import retry_after
from ..errors import PredictError
from ..redaction import HIDDEN
from ..report.escape import one_line
from ..text import plain
from .bodies import EndlessError, body_of

if TYPE_CHECKING:
    import requests

# To connect, and to send the next piece of an answer. A call as a whole is bounded by promptreg_timeout.
_TIMEOUT_S = (10.0, 600.0)
_MESSAGE_LIMIT = 240
_DEEPEST_MESSAGE = 4
_REDIRECTED = range(300, 400)


class CallError(PredictError):
    """A server did not answer a call as it should.

    :param status: HTTP status; None where no answer came.
    :param pause_s: seconds that the server asks to be left alone, where it does.
    """

    status: int | None = None
    pause_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer.

    :param body: its JSON.
    :param headers: by name, in any case.
    """

    body: Any
    headers: Mapping[str, str]


class Web:
    """Calls to one kind of server, from any number of threads at once.

    A thread keeps its connection for the next call. Nothing is tried twice and no redirection is followed.

    :param next_step: what a person should look at, by HTTP status; None where no answer came.
    """

    def __init__(self, next_step: Callable[[int | None], str]) -> None:
        self._next_step = next_step
        self._of_thread = threading.local()

    def post(self, url: str, body: Mapping[str, Any], key: str = "") -> Reply:
        """What a server answers to ``body`` as JSON.

        :param url: a user and password in it are sent as such where there is no key; they are in no message.
        :param key: sent as bearer token; it is in no message.
        :raises CallError: when no JSON comes back.
        """
        response, content = self._answer(url, body, key)
        status = response.status_code
        secrets = [key, urlsplit(url).password]
        if status in _REDIRECTED:
            problem = f"a redirection (HTTP {status}) to {shown_url(response.headers.get('Location', ''))}"
        elif not response.ok:
            said = _said(content, secrets)
            problem = f"HTTP {status}: {said or response.reason}"
        else:
            try:
                return Reply(json.loads(content), response.headers)
            except RecursionError:
                problem = "JSON that is nested too deep"
            except ValueError:
                problem = f"no JSON: {_said(content, secrets) or 'an empty answer'}"
        error = self.error(url, problem, status)
        error.pause_s = retry_after(response.headers)
        raise error

    def error(self, url: str, problem: str, status: int | None = None) -> CallError:
        """An error of a call, with the address and what to look at."""
        error = CallError(f"the server gave {problem}", where=shown_url(url), next_step=self._next_step(status))
        error.status = status
        return error

    def _answer(self, url: str, body: Mapping[str, Any], key: str) -> tuple[requests.Response, bytes]:
        """The response and what it says."""
        import requests

        try:
            payload = plain(body)
        except TypeError as exc:
            raise self.error(url, f"no answer, for it was not asked: {exc}") from exc
        auth = _Bearer(key) if key else None
        try:
            response = self._session().post(
                url, json=payload, auth=auth, timeout=_TIMEOUT_S, allow_redirects=False, stream=True
            )
            return response, body_of(response)
        except EndlessError as exc:
            raise self.error(url, str(exc)) from exc
        except requests.ConnectTimeout as exc:
            raise self.error(url, f"no connection in {_TIMEOUT_S[0]:g} s") from exc
        except requests.Timeout as exc:
            raise self.error(url, f"no answer in {_TIMEOUT_S[1]:g} s") from exc
        except requests.ConnectionError as exc:
            raise self.error(url, f"no connection: {_cause(exc)}") from exc
        except (requests.RequestException, ValueError) as exc:
            raise self.error(url, f"no answer, for it could not be asked ({type(exc).__name__})") from exc

    def _session(self) -> requests.Session:
        """The thread's own: a session is not made for several threads."""
        import requests

        session: requests.Session | None = getattr(self._of_thread, "session", None)
        # A connection that was open when the process was forked belongs to the other one.
        if session is None or self._of_thread.pid != os.getpid():
            session = self._of_thread.session = requests.Session()
            self._of_thread.pid = os.getpid()
        return session


class _Bearer:
    """The key as a header; a netrc file, which requests would use by itself, is not asked."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def shown_url(url: str) -> str:
    """``url`` as it may be shown and stored: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    host = parts.netloc.rpartition("@")[2]
    return one_line(f"{parts.scheme}://{host}{parts.path}" if parts.scheme else f"{host}{parts.path}", _MESSAGE_LIMIT)


def message_of(answer: Any) -> str:
    """What a server says of an error: OpenAI's form, MLflow's, FastAPI's, or a bare text; empty where it is none."""
    said = answer
    for _ in range(_DEEPEST_MESSAGE):
        if not isinstance(said, Mapping):
            break
        inner = next((said[name] for name in ("error", "message", "detail") if said.get(name)), None)
        if inner is None:
            break
        said = inner
    if isinstance(said, str) or said is answer:
        return said if isinstance(said, str) else ""
    return one_line(json.dumps(said, ensure_ascii=False, default=str)[:20_000], _MESSAGE_LIMIT)


def _said(content: bytes, secrets: list[str | None]) -> str:
    """What a server says, in one short line. Some repeat the key."""
    text = content[:20_000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        text = message_of(json.loads(text)) or text
    for secret in secrets:
        text = text.replace(secret, HIDDEN) if secret else text
    return one_line(text, _MESSAGE_LIMIT)


def _cause(exc: BaseException) -> str:
    """What lay at the bottom: ``Connection refused``."""
    while deeper := exc.__cause__ or exc.__context__:
        exc = deeper
    return one_line(getattr(exc, "strerror", None) or str(exc) or type(exc).__name__, _MESSAGE_LIMIT)
