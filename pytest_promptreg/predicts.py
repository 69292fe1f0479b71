"""``predict=`` on the marker: what it may be, what it is called, and the function that it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, did_you_mean
from .text import digest

if TYPE_CHECKING:
    from .sources.registry import RegistrySettings


def check_predict(predict: object, where: str) -> None:
    """Refuse a predict that is neither None, callable nor ``module:function``.

    :raises ConfigError: naming what it takes.
    """
    if predict is None or callable(predict):
        return
    if isinstance(predict, str):
        from .sources.predict import is_address, predict_from

        if is_address(predict):
            predict_from(predict, where)
            return
        module, _, function = predict.partition(":")
        if module and function and all(part.isidentifier() for part in [*module.split("."), *function.split(".")]):
            return
    raise ConfigError(
        f"predict={predict!r} is not callable",
        where=where,
        next_step='predict takes a function, "package.module:function", "openai:/MODEL", "models:/NAME@ALIAS" or a URL',
    )


def resolve_predict(predict: object, where: str, registry: RegistrySettings | None = None) -> Callable[..., Any] | None:
    """The function that ``predict=`` names.

    :param registry: where models are kept, for an address of one.
    :raises ConfigError: when there is no such module or function.
    """
    check_predict(predict, where)
    if not isinstance(predict, str):
        return predict if callable(predict) else None
    from .sources.predict import is_address, predict_from

    if is_address(predict):
        return predict_from(predict, where, registry=registry)
    import importlib

    module_name, _, path = predict.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"predict={predict!r}: {exc}", where=where, next_step='name it as "package.module:function"'
        ) from exc
    except Exception as exc:
        raise ConfigError(
            f"predict={predict!r}: importing {module_name} failed: {type(exc).__name__}: {exc}",
            where=where,
            next_step=f'to see where: python -c "import {module_name}"',
        ) from exc
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigError(
                f"predict={predict!r}: {found.__name__} has no {part!r}",
                where=where,
                next_step=did_you_mean(part, [name for name in dir(found) if not name.startswith("_")]),
            )
        found = getattr(found, part)
    if not callable(found):
        raise ConfigError(f"predict={predict!r} is not callable", where=where)
    target: Callable[..., Any] = found
    return target


def subject_of(predict: object, suite_id: str) -> str:
    """What the marker's predict is known by among recorded outputs: told from every other predict, in any process.

    An address as it is, but for user, password and query; a function by module and name. What has no name of its own
    (a lambda, a method of some object, a partial) is known by its suite.
    """
    import inspect

    if isinstance(predict, str):
        return _without_secrets(predict) if predict.startswith(("http://", "https://")) else predict
    if inspect.isfunction(predict) and "<" not in predict.__qualname__:
        return name_of(predict)
    return f"predict of {suite_id}"


def name_of(predict: object) -> str:
    """What a run is recorded with: an address as it is, a function by module and name, else nothing."""
    if isinstance(predict, str):
        return predict
    name = getattr(predict, "__qualname__", None)
    return f"{getattr(predict, '__module__', '')}:{name}" if name else ""


def _without_secrets(url: str) -> str:
    """A server's address, told from those that differ in their query or fragment without saying either."""
    from .sources.web import shown_url

    rest = url.partition("?")[2] or url.partition("#")[2]
    return f"{shown_url(url)} {digest(rest)[:8]}" if rest else shown_url(url)
