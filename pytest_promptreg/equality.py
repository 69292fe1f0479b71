"""When two outputs say the same: exactly, but for white space and Unicode form, or as the same JSON."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import Any

from .text import canonical_json

_LINE_END = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_TRAILING = re.compile(r"[^\S\n]+$", re.MULTILINE)
_INSIDE = re.compile(r"(?<=\S)[^\S\n]+(?=\S)")
_EMPTY_LINES = re.compile(r"\n{3,}")

NO_JSON = object()  # None is a value of JSON


def same(text: str, other: str) -> bool:
    """Whether two texts say the same: equal, equal after :func:`normal`, or equal JSON objects or arrays.

    JSON is compared as it is parsed: neither key order nor spacing counts, types do (``36``, ``36.0`` and ``"36"``
    differ).
    """
    if text == other:
        return True
    if normal(text) == normal(other):
        return True
    value = parsed(text)
    return value is not NO_JSON and (value_of_other := parsed(other)) is not NO_JSON and value == value_of_other


@lru_cache(maxsize=1024)
def normal(text: str) -> str:
    """NFC; line ends as LF; no space around the text or at the end of a line; runs of spaces and empty lines as one.

    Line breaks and indentation stay: in code and lists they carry meaning.
    """
    lines = _LINE_END.sub("\n", unicodedata.normalize("NFC", text))
    lines = _INSIDE.sub(" ", _TRAILING.sub("", lines))
    return _EMPTY_LINES.sub("\n\n", lines).strip()


@lru_cache(maxsize=1024)
def parsed(text: str) -> object:
    """What a JSON object or array says, as canonical JSON that compares by value and type; else ``NO_JSON``."""
    value = parse_json(text)
    if value is NO_JSON:
        return NO_JSON
    try:
        return canonical_json(value)
    except RecursionError:
        return NO_JSON


def parse_json(text: str) -> Any:
    """The JSON object or array that a text is; ``NO_JSON`` for anything else, bare numbers and strings included.

    A key that stands twice, and NaN, which JSON does not know, make it none.
    """
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in {"{}", "[]"}:
        return NO_JSON
    try:
        return json.loads(
            unicodedata.normalize("NFC", stripped), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return NO_JSON


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)
