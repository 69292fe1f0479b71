"""An embedding model behind an endpoint that speaks OpenAI's ``/v1/embeddings``: OpenAI itself, vLLM, Ollama, TEI."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..calls.retrying import retry_after
from ..errors import MetricError
from ..redaction import HIDDEN
from ..report.escape import one_line
from ..sources.bodies import EndlessError, body_of
from ..sources.web import message_of, shown_url

if TYPE_CHECKING:
    import numpy as np
    import requests

_DEFAULT_URL = "https://api.openai.com/v1"
_BATCH = 64  # texts in a request
_TIMEOUT_S = (5.0, 60.0)  # to connect, to answer
_TRIES = 3
_PAUSE_S = 0.5  # before the second try; it doubles
_LONGEST_PAUSE_S = 10.0
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_REDIRECTED = frozenset({301, 302, 303, 307, 308})


class Endpoint:
    """Unit vectors from a server. Its address is in ``OPENAI_BASE_URL``, its key in ``OPENAI_API_KEY``.

    Texts longer than about 400 words of English are cut into chunks before they are sent: what a server does with a
    text beyond its window is not to be known.

    :param model: the model's name there.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._base = (os.environ.get("OPENAI_BASE_URL") or _DEFAULT_URL).rstrip("/")

    @property
    def fingerprint(self) -> str:
        """The model's name and the server's: nothing more is known of a model elsewhere."""
        parts = urlsplit(self._base)
        return f"openai:{self._model}|at:{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def _url(self) -> str:
        """Where texts are sent, without what could be a password in it."""
        parts = urlsplit(self._base)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}/embeddings"

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors, float32[n, d], asked for in batches.

        :raises MetricError: when the server gives none, naming its address.
        """
        import numpy as np

        rows: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            rows += self._asked(texts[start : start + _BATCH])
        try:
            return np.array(rows, np.float32)
        except (ValueError, TypeError, OverflowError) as exc:
            raise self._error("vectors of several lengths, or of no numbers") from exc

    def _asked(self, texts: list[str]) -> list[list[float]]:
        response, content = self._answer(texts)
        if response.status_code in _REDIRECTED:
            raise self._error(f"a redirection to {shown_url(response.headers.get('Location', 'nowhere'))}")
        if not response.ok:
            raise self._error(f"HTTP {response.status_code}: {_said(content)}")
        try:
            answer = json.loads(content)["data"]
            # Some servers leave the index out, and answer in the order of the question.
            rows = sorted(({"index": place, **row} for place, row in enumerate(answer)), key=_index)
            found = [list(row["embedding"]) for row in rows]
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
            raise self._error(f"no list of embeddings ({type(exc).__name__})") from exc
        if [row["index"] for row in rows] != list(range(len(texts))):
            raise self._error(f"{len(rows)} embeddings for {len(texts)} texts")
        return found

    def _answer(self, texts: list[str]) -> tuple[requests.Response, bytes]:
        """The server's response and what it says; a server that is busy or away is asked again, a few times."""
        import requests

        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        for attempt in range(1, _TRIES + 1):
            pause = min(_PAUSE_S * 2 ** (attempt - 1), _LONGEST_PAUSE_S)
            try:
                response = requests.post(
                    f"{self._base}/embeddings",
                    json=body,
                    auth=_signed,
                    timeout=_TIMEOUT_S,
                    allow_redirects=False,
                    stream=True,
                )
                content = body_of(response)
            except EndlessError as exc:
                raise self._error(str(exc)) from exc
            except (requests.ConnectionError, requests.Timeout) as exc:
                if attempt == _TRIES:
                    raise self._error(f"no answer ({type(exc).__name__}) in {_TRIES} tries") from exc
            except (requests.RequestException, ValueError) as exc:
                raise self._error(f"no request to be made ({type(exc).__name__})") from exc
            else:
                if response.status_code not in _BUSY or attempt == _TRIES:
                    return response, content
                pause = _asked_pause(response, pause)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _error(self, problem: str) -> MetricError:
        key = "" if os.environ.get("OPENAI_API_KEY") else " and OPENAI_API_KEY, which is not set,"
        return MetricError(
            f"the embedding endpoint for {self._model!r} gave {problem}",
            where=self._url,
            next_step=f"see to OPENAI_BASE_URL{key} and the model's name, or use a model that runs here",
        )


def _index(row: dict[str, Any]) -> int:
    return int(row["index"])


def _signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """With the key; a netrc file, which requests would use by itself, is not asked."""
    if key := os.environ.get("OPENAI_API_KEY"):
        request.headers["Authorization"] = f"Bearer {key}"
    return request


def _asked_pause(response: requests.Response, otherwise: float) -> float:
    """The seconds that a server asks for, within bounds."""
    asked = retry_after(response.headers)
    return otherwise if asked is None else min(asked, _LONGEST_PAUSE_S)


def _said(content: bytes) -> str:
    """What a server says of an error, in one short line, and never the key: some servers repeat it."""
    text = content[:20_000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        text = message_of(json.loads(content)) or text
    if key := os.environ.get("OPENAI_API_KEY"):
        text = text.replace(key, HIDDEN)
    return one_line(text, 200)
