"""What a tracking store takes: keys, lengths and characters that every backend of MLflow accepts.

Longer values are cut silently by one backend and refused by another, so they are cut here, visibly; the
whole ones go into a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..redaction import HIDDEN, is_secret_name, without_secrets, without_user_info
from ..text import canonical_json, well_formed

KEY_LIMIT = 250
RUN_NAME_LIMIT = 250
PARAM_LIMIT = 6_000
TAG_LIMIT = 8_000
DATASET_NAME_LIMIT = 500
DATASET_DIGEST_LIMIT = 36

_NOT_IN_KEY = re.compile(r"[^\w\-. :/]+")
_FLAG = re.compile(r"(?P<name>-{1,2}[\w-]+|\w+)(?P<sep>=|\s+(?!-))(?P<value>\S+)")


def text(value: object, limit: int | None = None) -> str:
    """``value`` as text without NUL and lone surrogates, cut to ``limit`` characters with an ellipsis."""
    said = str(value)
    cleaned = (said if said.isascii() else well_formed(said)).replace("\0", "�")
    return cleaned if limit is None or len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def key(name: str) -> str:
    """``name`` as a key of a metric, param or tag: letters, digits, ``_-. :/``, never a path that climbs."""
    parts = [part.strip() for part in _NOT_IN_KEY.sub("_", text(name)).split("/")]
    kept = "/".join(part for part in parts if part.strip("."))
    return kept[:KEY_LIMIT].rstrip("/ ") or "_"


def unique_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs by their keys as :func:`key` makes them; keys that become equal are numbered."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        base, number = key(name), 1
        chosen = base
        while chosen in found:
            number += 1
            chosen = f"{base[: KEY_LIMIT - 8]}_{number}"
        found[chosen] = value
    return found


@dataclass(frozen=True, slots=True)
class Fitted:
    """Tags or params as a store takes them.

    :param kept: by their keys in the store, cut where they are too long.
    :param whole: those whose value or name had to be cut, whole.
    """

    kept: dict[str, str]
    whole: dict[str, str]


def fitted(values: Mapping[str, str | None], limit: int) -> Fitted:
    """The values that there are, each of at most ``limit`` characters, and whole ones of those that are longer."""
    found = {name: text(value) for name, value in values.items() if value is not None}
    return Fitted(
        unique_keys((name, text(value, limit)) for name, value in found.items()),
        {name: value for name, value in found.items() if len(value) > limit or len(name) > KEY_LIMIT},
    )


def finite(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """The pairs whose value is a finite number: NaN and infinities spoil every chart that draws them."""
    return {name: round(float(value), 9) for name, value in values if value is not None and math.isfinite(value)}


def setting(name: str, value: object) -> str:
    """A setting's value as a param: plain texts as they are, others as JSON, secrets hidden."""
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return value
    try:
        return canonical_json(without_secrets(value))
    except (TypeError, ValueError):
        return str(value)


def command(line: str) -> str:
    """A command line with the values of secret-looking flags hidden."""

    def hidden(match: re.Match[str]) -> str:
        return f"{match['name']}{match['sep']}{HIDDEN}" if is_secret_name(match["name"].lstrip("-")) else match[0]

    return without_user_info(_FLAG.sub(hidden, line))
