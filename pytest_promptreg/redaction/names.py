"""Hiding what by its own name, or by its place in an address, is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(?<=[\w/])\?[\w.~%\[\]-]+=[^\s'\"<>)]*")
_SECRET_NAME = re.compile(
    r"(api|access|private|secret|subscription)[-_]?key|(api|access|auth|bearer|refresh|session)[-_]?token|^token$"
    r"|secret|passw|credential|authorization",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a setting of that name holds a secret (``api_key``; not ``max_tokens``)."""
    return _SECRET_NAME.search(name) is not None


def without_secrets(value: Any) -> Any:
    """``value`` with what its own names call a secret hidden, at any depth."""
    if isinstance(value, Mapping):
        return {name: HIDDEN if is_secret_name(str(name)) else without_secrets(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value


def without_user_info(line: str) -> str:
    """``line`` with the user and password of every URL in it removed."""
    return _USER_INFO.sub("", line)


def without_address_secrets(said: str) -> str:
    """``said``, what an exception says, with user and password of every URL in it removed, and what a query asks."""
    return _QUERY.sub(f"?{HIDDEN}", without_user_info(said))


def open_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` without its empty values and without its secrets, at any depth.

    Below the top, only a text is a secret: a tool's schema may well describe a property ``password``.
    """
    return {
        name: _without_secret_texts(value)
        for name, value in config.items()
        if value is not None and not is_secret_name(name)
    }


def _without_secret_texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _without_secret_texts(item)
            for name, item in value.items()
            if not (isinstance(item, str) and is_secret_name(str(name)))
        }
    if isinstance(value, list | tuple):
        return [_without_secret_texts(item) for item in value]
    return value
