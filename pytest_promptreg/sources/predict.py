"""``predict="..."`` on the marker as an address: a chat model, a model of MLflow's, a scoring server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import ConfigError, did_you_mean
from ..model import Output, Request
from .registry.settings import RegistrySettings

_SCHEMES = ("openai:/", "models:/", "http://", "https://")
_DESCRIBE_S = 10.0


class _Address(NamedTuple):
    kind: str
    rest: str


def is_address(text: str) -> bool:
    """Whether ``predict=`` names a model or a server, and no function."""
    return text.startswith(_SCHEMES)


def predict_from(address: str, where: str, *, registry: RegistrySettings | None = None) -> Callable[[Request], Output]:
    """A predict function that asks what the address names.

    Nothing is imported, loaded or requested before its first call. It may be called from any number of threads.

    :param address: ``openai:/MODEL`` (see :class:`~.chat.ChatModel`), ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``
        or ``models:/m-ID`` (see :class:`~.pyfunc.Model`), or the URL of a scoring server (see
        :class:`~.invocations.Invocations`).
    :param where: ``file:line`` of the marker.
    :param registry: where models are kept, when MLflow's variables in the environment do not say.
    :raises ConfigError: for a malformed address.
    """
    kind, rest = _parsed(address, where)
    if kind == "openai":
        from .chat import ChatModel

        return ChatModel(rest)
    if kind == "models":
        from .pyfunc import Model

        return Model(address, registry or RegistrySettings())
    from .invocations import Invocations

    return Invocations(address)


def describe(
    address: str, *, registry: RegistrySettings | None = None, timeout_s: float = _DESCRIBE_S
) -> dict[str, str]:
    """What is under test, for the record; empty where it cannot be found out in time.

    - ``openai:/``: ``model``, ``host``, ``url``;
    - ``models:/``: ``model``, ``model_id``, ``run_id``, and ``model_version`` of a registered one: what the address
      names now;
    - a server: ``url``, without user, password and query.

    To be called in the main thread: MLflow's warnings are ignored meanwhile, and Python does so for all threads.
    """
    with contextlib.suppress(Exception):
        kind, rest = _parsed(address, "")
        if kind == "openai":
            from .chat import describe_chat

            return describe_chat(rest)
        if kind == "models":
            from .pyfunc import describe_model

            return describe_model(address, registry or RegistrySettings(), timeout_s)
        from .web import shown_url

        return {"url": shown_url(address)}
    return {}


def _parsed(address: str, where: str) -> _Address:
    if address.startswith("openai:/"):
        model = address.removeprefix("openai:/")
        if not model or model.startswith("/") or any(character.isspace() for character in model):
            raise _malformed("it names no model", where, "write it as openai:/gpt-4o-mini")
        return _Address("openai", model)
    if address.startswith("models:/"):
        from .pyfunc import ADDRESS

        if not ADDRESS.fullmatch(address):
            raise _malformed(
                f"{address!r} names no model of MLflow's",
                where,
                "write it as models:/NAME@ALIAS, models:/NAME/3, models:/NAME/latest or models:/m-ID",
            )
        return _Address("models", address)
    return _Address("http", _server(address, where))


def _server(address: str, where: str) -> str:
    from .invocations import FORMS
    from .web import shown_url

    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _malformed("it is no URL", where, "write it as http://HOST:PORT/invocations") from None
    shown = shown_url(address)
    if not whole or any(character.isspace() for character in address):
        raise _malformed(f"{shown!r} is no URL", where, "write it as http://HOST:PORT/invocations")
    if parts.path.strip("/") == "":
        raise _malformed(f"{shown!r} has no path", where, f"write it as {shown.rstrip('/')}/invocations")
    if parts.path.rstrip("/").endswith(("/chat/completions", "/v1")):
        base = shown.rstrip("/").removesuffix("/chat/completions")
        raise _malformed(
            f"{shown!r} speaks OpenAI's chat completions",
            where,
            f'write predict="openai:/MODEL", and set OPENAI_BASE_URL={base}',
        )
    if parts.fragment and parts.fragment not in FORMS:
        raise _malformed(f"{shown!r} takes no form {parts.fragment!r}", where, did_you_mean(parts.fragment, FORMS))
    return address


def _malformed(problem: str, where: str, next_step: str) -> ConfigError:
    return ConfigError(f"predict: {problem}", where=where or None, next_step=next_step)
