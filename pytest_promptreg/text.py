"""Small exact operations on text: ids, digests, canonical JSON."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar

_NO_FILE = re.compile(r"(?i:\.*|(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?)")  # a folder, or a device of Windows
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._]+")

_T = TypeVar("_T")
DEEPEST = 100  # levels of lists and mappings in a value: what is deeper can be neither copied nor sent everywhere
AS_JSON = "write it as JSON would: texts, numbers, true, false, null, lists and objects"  # what plain() takes
_MOST_BITS = 4_096  # of a whole number, which Python would not write down much beyond
_MOST = 1e15  # of tokens, seconds, USD
_LONGEST_REMEMBERED = 50_000  # characters: longer texts would hold memory that nobody set aside for them


def remembered(count: int) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """Keeps what a function of one text gave for the last ``count`` texts; for long ones it is asked each time."""

    def decorate(function: Callable[[str], _T]) -> Callable[[str], _T]:
        cached = lru_cache(maxsize=count)(function)

        @wraps(function)
        def ask(text: str) -> _T:
            return cached(text) if len(text) <= _LONGEST_REMEMBERED else function(text)

        ask.cache_clear = cached.cache_clear  # type: ignore[attr-defined]
        return ask

    return decorate


def ascii_words(letters: str) -> Callable[[str], list[str]]:
    """Splits an ASCII text, in lower case, into runs of these characters; capitals count as their small letters.

    It takes a tenth of the time of a pattern.
    """
    table = "".join(char if (char := chr(code).lower()) in letters else " " for code in range(128)).encode()
    table += b" " * 128

    def words(text: str) -> list[str]:
        return text.encode("ascii").translate(table).decode("ascii").split()

    return words


def slug(text: str) -> str:
    """An ASCII form of ``text`` that works as typed in ``-k``, ``--lf`` and node ids.

    It has letters, digits, ``.``, ``_`` and ``-``. Text of which nothing is left (``"東京"``) becomes ``x`` and a piece
    of its digest.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _NOT_IN_ID.sub("-", ascii_text).strip("-") or f"x{digest(text)[:8]}"


def file_slug(text: str) -> str:
    """A file name for ``text``: its slug, with a piece of its digest where that lost something or names no file."""
    short = slug(text)[:80]
    return short if short == text and not _NO_FILE.fullmatch(text) else f"{short}-{digest(text)[:8]}"


def digest(text: str) -> str:
    """Sha256 of the text's UTF-8, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_json(value: Any, *, indent: int | None = None) -> str:
    """JSON with sorted keys, the same for equal values.

    :raises TypeError: when the value is not made of JSON's own types.
    """
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent, separators=separators)


def well_formed(text: str) -> str:
    """``text`` with lone surrogates, which no file and no wire can carry, replaced by ``?``."""
    if type(text) is str and text.isascii():  # as it is, without a copy
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return str(text)


def is_amount(number: float) -> bool:
    """Whether a number can be one of tokens, seconds or USD: added up and divided, it stays a number."""
    return 0 <= number <= _MOST


def plain(value: Any, _room: int = DEEPEST) -> Any:  # noqa: PLR0911  one return for each kind of value
    """``value`` made of JSON's own types: dates as ISO text, NumPy scalars as numbers, NaN as None.

    :raises TypeError: for what has no such form, is nested deeper than :data:`DEEPEST`, or holds itself.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):  # subclasses of JSON's types (an IntEnum, NumPy's float64) cannot ride to a process
        if value.bit_length() > _MOST_BITS:
            raise TypeError(f"a number of {value.bit_length():,} bits is no JSON value")
        return int(value)
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping | list | tuple) and not _room:
        raise TypeError(f"a value that is nested too deep ({DEEPEST} levels) is no JSON value")
    if isinstance(value, Mapping):
        return {well_formed(str(key)): plain(item, _room - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, _room - 1) for item in value]
    if isinstance(value, datetime.date | datetime.time):  # a datetime, and pandas' Timestamp, are dates too
        return None if value != value else value.isoformat()  # noqa: PLR0124  NaT is the date unequal to itself
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays, without importing NumPy
        return plain(value.tolist(), _room)
    if type(value).__name__ in {"NAType", "NaTType"}:  # pandas' missing values, without importing pandas
        return None
    raise TypeError(f"{type(value).__name__} is no JSON value")


def plain_in_place(value: Any, _room: int = DEEPEST) -> Any:
    """:func:`plain` for what a JSON parser has just made and nobody else has: changed where it must be, and not copied.

    :raises TypeError: as :func:`plain`.
    """
    if isinstance(value, dict | list) and not _room:
        raise TypeError(f"a value that is nested too deep ({DEEPEST} levels) is no JSON value")
    if isinstance(value, list):
        for index, item in enumerate(value):
            value[index] = plain_in_place(item, _room - 1)
        return value
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = plain_in_place(item, _room - 1)
        if all(map(str.isascii, value)):
            return value
        return {well_formed(key): item for key, item in value.items()}
    return plain(value)


def some(names: Sequence[str], most: int, shown: Callable[[str], str] = str) -> str:
    """The first names, and how many others there are: ``a, b and 1,000 more``.

    :param shown: how a name is written.
    """
    left = len(names) - most
    return ", ".join(map(shown, names[:most])) + (f" and {left:,} more" if left > 0 else "")


def count(number: int, noun: str) -> str:
    """``1 case``, ``2,000 cases``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
