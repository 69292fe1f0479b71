"""``package.module:function``: what it looks like, and what it names."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import ConfigError, did_you_mean, said

_HINT = (
    'name it as "package.module:function"; its folder is found with `pythonpath = .` in the ini file, beside that file'
)


def is_name(text: str) -> bool:
    """Whether a text has the form ``package.module:function``."""
    module, _, path = text.partition(":")
    return bool(module and path) and all(part.isidentifier() for part in [*module.split("."), *path.split(".")])


def find(text: str, what: str, where: str, *, hint: str = _HINT) -> Any:
    """The object that a text of that form names; its module is imported.

    :param what: how the text was written, for messages: ``predict='app:answer'``.
    :param hint: what to do where there is no such module.
    :raises ConfigError: when there is no such module or object.
    """
    module_name, _, path = text.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        raise ConfigError(f"{what}: {exc}", where=where, next_step=hint) from exc
    except Exception as exc:
        raise ConfigError(
            f"{what}: importing {module_name} failed: {said(exc)}",
            where=where,
            next_step=f'to see where: python -c "import {module_name}"',
        ) from exc
    for part in path.split("."):
        if not hasattr(found, part):
            raise ConfigError(
                f"{what}: {getattr(found, '__name__', found)} has no {part!r}",
                where=where,
                next_step=did_you_mean(part, [name for name in dir(found) if not name.startswith("_")]),
            )
        found = getattr(found, part)
    return found
