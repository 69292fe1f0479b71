"""``predict="openai:/gpt-4o-mini"``: a model behind an endpoint that speaks OpenAI's chat completions.

OpenAI itself, or whatever OPENAI_BASE_URL names: vLLM, Ollama, a gateway. Asked with ``requests``, which is here
already: the openai client takes 0.35 s to import instead of 0.07, half as much processor time again for each call, and
gives no more calls at a time.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..errors import PredictError
from ..model import Output, Request
from ..redaction import open_settings
from .replies import read_chat
from .web import Reply, Web, message_of, shown_url

_DEFAULT_URL = "https://api.openai.com/v1"
_PRICES = ("input_cost_per_token", "output_cost_per_token")
_COST_HEADER = "x-litellm-response-cost"
# What is said otherwise, or no concern of the server's. An answer that comes in pieces is no answer here.
_NOT_SENT = frozenset({"provider", "model", "model_name", "messages", "stream", "stream_options", *_PRICES})
_SPELLED = {"stop_sequences": "stop"}  # the prompt registry's names
_SPREAD = ("extra_params", "extra_body")  # dicts that the prompt registry and the openai client spread


class ChatModel:
    """Asks a chat model, one request for each call.

    ``OPENAI_BASE_URL`` (or ``OPENAI_API_BASE``) and ``OPENAI_API_KEY`` are read at each call. The prompt's messages are
    sent with its model config as it is (``temperature``, ``max_tokens``, ``seed``, ``response_format``, ``tools``, and
    whatever else the server knows), except that ``model_name`` or ``model`` in it replaces the address's model,
    ``stop_sequences`` is sent as ``stop``, ``extra_params`` and ``extra_body`` are spread, and a secret is never sent.

    Tokens are those of the reply. The cost is the reply's ``usage.cost``, or LiteLLM's header, or tokens times
    ``input_cost_per_token`` and ``output_cost_per_token`` in the model config.

    :param model: its name at the server, when the model config names none.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._web = Web(_next_step)

    def __call__(self, request: Request) -> Output:
        """The model's answer: its text, its refusal, or its tool calls as JSON.

        :raises PredictError: when the server gives none.
        """
        config = request.model_config
        url = f"{base_url()}/chat/completions"
        model = config.get("model_name") or config.get("model") or self._model
        body = {**parameters(config), "model": model, "messages": request.messages}
        key = os.environ.get("OPENAI_API_KEY", "").strip()
        if not key and not _named_url():
            raise PredictError(
                f"OPENAI_API_KEY is not set, so {model!r} at {shown_url(url)} was not asked",
                next_step="export OPENAI_API_KEY=..., or set OPENAI_BASE_URL to a server that needs no key",
            )
        reply = self._web.post(url, body, key)
        problem = message_of(reply.body.get("error")) if isinstance(reply.body, Mapping) else "no object"
        if problem or "choices" not in reply.body or not reply.body["choices"]:
            raise self._web.error(url, f"no choices: {problem}" if problem else "no choices in its reply", 200)
        try:
            return _with_cost(read_chat(reply.body), reply, config)
        except PredictError as exc:
            raise self._web.error(url, exc.what, 200) from exc


def base_url() -> str:
    """Where requests go, without a slash at its end."""
    return (_named_url() or _DEFAULT_URL).rstrip("/")


def _named_url() -> str:
    """The server that the environment names; empty for OpenAI's own."""
    return (os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_BASE") or "").strip()


def describe_chat(model: str) -> dict[str, str]:
    """The model and its server."""
    return {"model": model, "host": urlsplit(base_url()).netloc.rpartition("@")[2], "url": shown_url(base_url())}


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a model config is sent: under OpenAI's names, without empty values and without secrets."""
    flat = dict(config)
    for name in _SPREAD:
        flat |= flat.pop(name, None) or {}
    return {_SPELLED.get(name, name): value for name, value in open_settings(flat).items() if name not in _NOT_SENT}


def _with_cost(output: Output, reply: Reply, config: Mapping[str, Any]) -> Output:
    if output.cost_usd is not None:
        return output
    cost = _amount(reply.headers.get(_COST_HEADER))
    per_input, per_output = (_amount(config.get(name)) for name in _PRICES)
    tokens = output.input_tokens, output.output_tokens
    if cost is None and None not in {*tokens, per_input, per_output}:
        cost = (tokens[0] or 0) * (per_input or 0.0) + (tokens[1] or 0) * (per_output or 0.0)
    return replace(output, cost_usd=cost)


def _amount(value: Any) -> float | None:
    """A number, or a text that is one."""
    with contextlib.suppress(TypeError, ValueError):
        if math.isfinite(amount := float(value)):
            return amount
    return None


def _next_step(status: int | None) -> str:
    if not os.environ.get("OPENAI_API_KEY") and status in {401, 403}:
        return "set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that needs no key"
    if status is None and not _named_url():
        return "see that this machine has a connection, and HTTPS_PROXY where it needs one; then run again with --lf"
    return {
        None: "see that OPENAI_BASE_URL is right and that the server runs",
        400: "see what the prompt's model_config sends",
        401: "see that OPENAI_API_KEY is right for this server",
        403: "see that OPENAI_API_KEY is right for this server",
        404: "see that OPENAI_BASE_URL and the model's name are right",
        429: "wait, or set promptreg_concurrency lower: it is the number of calls at a time",
    }.get(status, "see that OPENAI_BASE_URL names an endpoint of chat completions; run again with --lf")
