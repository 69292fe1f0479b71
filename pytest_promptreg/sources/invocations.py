"""``predict="http://localhost:5000/invocations"``: a model behind ``mlflow models serve``, or what speaks like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urldefrag

from ..errors import PredictError
from ..model import Output, Request
from ..redaction import open_settings
from .replies import read
from .web import Web

FORMS: Mapping[str, Callable[[Request, dict[str, Any]], dict[str, Any]]] = {
    "dataframe_records": lambda request, config: {
        "dataframe_records": [{**request.inputs, "prompt": request.text}],
        "params": {**config, "prompt": request.text},
    },
    "inputs": lambda request, config: {"inputs": [request.text], "params": {**config, "prompt": request.text}},
    "messages": lambda request, config: {**config, "messages": request.messages},
    "input": lambda request, config: {**config, "input": request.messages},
}


class Invocations:
    """Posts one example to a scoring server, which does not tell what it takes: the address says so, after a ``#``.

    - ``http://.../invocations``, as ``...#dataframe_records``: one row, the inputs and ``prompt``, the rendered prompt;
    - ``...#inputs``: a list of the rendered prompt, for a model whose type hint is ``list[str]``;
    - ``...#messages``: the prompt's messages, for a chat model or a ChatAgent;
    - ``...#input``: the same for a ResponsesAgent.

    The prompt's model config goes along as params, without secrets, and with the first two ``prompt`` is a param as
    well. A server of MLflow's leaves out, without a word to us, what the model's signature has not: see that it has a
    column or a param named ``prompt``.

    :param address: user and password in it are sent; those of a netrc file are, too.
    """

    def __init__(self, address: str) -> None:
        self._url, form = urldefrag(address)
        self._form = FORMS[form or "dataframe_records"]
        self._web = Web(_next_step)

    def __call__(self, request: Request) -> Output:
        """The server's prediction: see :func:`~pytest_promptreg.sources.replies.read`.

        :raises PredictError: when the server gives none.
        """
        answer = self._web.post(self._url, self._form(request, open_settings(request.model_config))).body
        if isinstance(answer, Mapping) and "predictions" in answer:
            answer = answer["predictions"]
        try:
            return read(answer)
        except PredictError as exc:
            raise self._web.error(self._url, f"no prediction: {exc.what}", 200) from exc


def _next_step(status: int | None) -> str:
    return {
        None: "see that the server runs: mlflow models serve -m models:/NAME/VERSION -p PORT",
        400: f"see what the model takes; the address names the form that is sent: {', '.join('#' + f for f in FORMS)}",
        401: "put the user and password into a netrc file",
        403: "put the user and password into a netrc file",
        404: "see that the path is right; a scoring server's is /invocations",
        429: "wait, or set promptreg_concurrency lower: it is the number of calls at a time",
    }.get(status, "see the server's own log")
