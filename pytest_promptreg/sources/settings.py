"""What of a prompt version's model config may leave this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..redaction import is_secret_name


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
