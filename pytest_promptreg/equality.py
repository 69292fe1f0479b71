"""When two outputs say the same: exactly, but for white space and Unicode form, or as the same JSON."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from .text import remembered

_LINE_END = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_SPACES = re.compile(r"[^\S\t\n]+")
_EMPTY_LINES = re.compile(r"\n{3,}")

NO_JSON = object()  # None is a value of JSON


def same(text: str, other: str) -> bool:
    """Whether two texts say the same: equal, equal after :func:`normal`, or equal JSON objects or arrays.

    JSON is compared as it is parsed: neither key order nor spacing counts, types do (``36``, ``36.0`` and ``"36"``
    differ), and so does white space inside its texts.
    """
    if text == other:
        return True
    value, value_of_other = parsed(text), parsed(other)
    if value is not NO_JSON and value_of_other is not NO_JSON:
        return value == value_of_other
    return normal(text) == normal(other)


def found_among(text: str, texts: Collection[str]) -> str | None:
    """The one of ``texts`` that says the same as ``text``, one that equals it before others; None where none does."""
    for other in texts:
        if other == text:
            return other
    return next((other for other in texts if same(other, text)), None)


@remembered(256)
def normal(text: str) -> str:
    """NFC; line ends as LF; no space around the text or at the end of a line; runs of spaces and empty lines as one.

    Line breaks and indentation stay: in code and lists they carry meaning. So the first line keeps its indentation
    where another line has some.
    """
    lines = _LINE_END.sub("\n", unicodedata.normalize("NFC", text)).split("\n")
    # Spaces only: a tab is a column's end, and two of them are an empty column.
    folded = [_indentation(line) + _body(line) for line in lines]
    joined = _EMPTY_LINES.sub("\n\n", "\n".join(folded)).strip("\n")
    is_indented = any(line[:1].isspace() for line in joined.split("\n")[1:])
    return joined if is_indented else joined.lstrip()


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] if line.strip() else ""


def _body(line: str) -> str:
    body = _SPACES.sub(" ", line.lstrip())
    return body.rstrip(" ") if "\t" in body.rstrip() else body.rstrip()  # a tab at a row's end is an empty column


@remembered(256)
def parsed(text: str) -> object:
    """What a JSON object or array says, as canonical JSON that compares by value and type; else ``NO_JSON``.

    Numbers count to the last digit, beyond what a float can hold.
    """
    value = parse_json(text, parse_float=Decimal)
    if value is NO_JSON:
        return NO_JSON
    try:
        return json.dumps(value, sort_keys=True, default=_with_a_point)
    except (ArithmeticError, ValueError, RecursionError):
        return NO_JSON


def _with_a_point(number: Decimal) -> list[str]:
    return ["a number with a point", str(number.normalize())]


def parse_json(text: str, parse_float: Callable[[str], object] = float) -> Any:
    """The JSON object or array that a text is; ``NO_JSON`` for anything else, bare numbers and strings included.

    A key that stands twice, and NaN, which JSON does not know, make it none.
    """
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in {"{}", "[]"}:
        return NO_JSON
    try:
        return json.loads(
            unicodedata.normalize("NFC", stripped),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=parse_float,
        )
    except (ArithmeticError, ValueError, RecursionError):
        return NO_JSON


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)
