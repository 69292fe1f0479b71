"""``predict=`` on the marker: what it may be, what it is called, and the function that it names."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..named import find, is_name
from ..text import digest

if TYPE_CHECKING:
    from ..sources.registry.settings import RegistrySettings

_MODEL = re.compile(r"(?:openai/)?([a-z]\w*(?:\.\w+)*-[\w.-]+)")


def check_predict(predict: object, where: str) -> None:
    """Refuse a predict that is neither None, callable nor ``module:function``.

    :raises ConfigError: naming what it takes.
    """
    if predict is None or callable(predict):
        return
    if isinstance(predict, str):
        from ..sources.predict import is_address, predict_from

        if is_address(predict):
            predict_from(predict, where)
            return
        if is_name(predict):
            return
    raise ConfigError(
        f"predict={predict!r} is not callable",
        where=where,
        next_step=_meant(predict)
        or 'predict takes a function, "package.module:function", "openai:/MODEL", "models:/NAME@ALIAS" or a URL',
    )


def _meant(predict: object) -> str | None:
    """An address that lacks its slash, as other tools write theirs, or a model's bare name: no module has a dash."""
    from ..sources.predict import is_address

    if isinstance(predict, str) and (model := _MODEL.fullmatch(predict)):
        return f'if this is a model behind OpenAI\'s protocol, write predict="openai:/{model[1]}"'
    address = predict.replace(":", ":/", 1) if isinstance(predict, str) else ""
    return f'name it as "{address}"' if is_address(address) else None


def resolve_predict(predict: object, where: str, registry: RegistrySettings | None = None) -> Callable[..., Any] | None:
    """The function that ``predict=`` names.

    :param registry: where models are kept, for an address of one.
    :raises ConfigError: when there is no such module or function.
    """
    check_predict(predict, where)
    if not isinstance(predict, str):
        return predict if callable(predict) else None
    from ..sources.predict import is_address, predict_from

    if is_address(predict):
        return predict_from(predict, where, registry=registry)
    module, _, path = predict.partition(":")
    meant = {"hint": f'name it as "{module}:/{path}"'} if is_address(f"{module}:/{path}") else {}
    found = find(predict, f"predict={predict!r}", where, **meant)
    if not callable(found):
        raise ConfigError(
            f"predict={predict!r} is not callable",
            where=where,
            next_step='give it a function, "package.module:function" or "openai:/MODEL"',
        )
    target: Callable[..., Any] = found
    return target


def subject_of(predict: object, suite_id: str) -> str:
    """What the marker's predict is known by among recorded outputs: told from every other predict, in any process.

    An address as it is, but for user, password and query; a function by module and name. What is not found by its name
    (a lambda, a method of some object, a partial, one of several that a decorator made) is known by its suite.
    """
    import inspect

    if isinstance(predict, str):
        rest = predict.partition("?")[2] or predict.partition("#")[2]
        told_apart = rest and _shown(predict) != predict
        return f"{_shown(predict)} {digest(rest)[:8]}" if told_apart else _shown(predict)
    if inspect.isfunction(predict) and _found_by_name(predict) is predict:
        return name_of(predict)
    return f"predict of {suite_id}"


def name_of(predict: object) -> str:
    """What a run is recorded with: an address without user, password and query, a function by module and name, else
    nothing.
    """
    if isinstance(predict, str):
        return _shown(predict)
    name = getattr(predict, "__qualname__", None)
    return f"{getattr(predict, '__module__', '')}:{name}" if name else ""


def _shown(address: str) -> str:
    """An address as it may be stored: a server's without user, password, query and fragment."""
    from ..sources.web import shown_url

    return shown_url(address) if address.startswith(("http://", "https://")) else address


def _found_by_name(function: Callable[..., Any]) -> object:
    """What has the name that a function says is its own: of those that a decorator wrapped, at most one does."""
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found
