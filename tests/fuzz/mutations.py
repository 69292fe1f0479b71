"""Damage done to files that were whole: bits, pieces, and values of the wrong kind in the right place."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

# What readers have stumbled over, here and elsewhere.
_WORDS = (
    *("\0", "\ufeff", "\r", "\r\n", "\u2028", "\x85", "\x1b[2J", "\u202e", "\ud800", "\U0001f600", "é" * 30),
    *("[" * 400, "{" * 90, '{"a":' * 300, "(" * 200, "- " * 150, "9" * 5_000, "1e999", "-0", "NaN", "-Infinity"),
    *("../../x", "/etc/passwd", "CON", "NUL", "COM1.txt", "a/b\\c", "null", "true", "[]", "{}", '""', "0x", "1:1:1"),
    *("&a ", "*a", "<<: *a", "!!int ''", "!!binary x", "!!set {a}", "--- ", "? ", "%YAML 9.9\n", "!!python/name:os"),
    *("{{ x }}", "{{", "}}", "{%", "{% for i in range(9) %}", "{{ ''.__class__ }}", "{# ", "${x}", "%s", "{0}"),
    *("\n---\n", "id", "messages", "role", "content", "semantic >= 0.5", "mean(", ")" * 50, "=1+1", '"""', "'", ";"),
    *("__proto__", "<script>", "::error::x", "##vso[x]", "\n\n\n", "\t", " " * 300, "<<<<<<<", "=======", "A" * 300),
)
TOKENS = tuple(word.encode("utf-8", "surrogatepass") for word in _WORDS)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 10**400, 0.5, float("nan"), float("inf"), -1e308, 5e-324, "", " ", "x"),
    *("\0", "\ud800", "../../x", "NaN", "A" * 300, "v1", "\x1b[2J", "::error::", [], {}, [[]], [{}], {"": {}}, [None]),
    *([0, "a", None, {"a": [1]}], {"a": 1, "b": [2]}, "semantic >= 0.5", "2024-01-01", b"".decode(), 10**20, 1e400),
)


def damaged(data: bytes, other: bytes, random: Random) -> bytes:
    """A file with some damage: flipped bits, a torn end, a piece of another file or of itself, a word of trouble."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        place = random.randrange(len(found) + 1)
        length = random.choice((1, 1, 2, 4, 16, 64))
        match random.randrange(8):
            case 0 if found:
                found[place % len(found)] ^= 1 << random.randrange(8)
            case 1:
                del found[place:]
            case 2:
                del found[place : place + length]
            case 3:
                start = random.randrange(len(other) + 1)
                found[place:place] = other[start : start + 4 * length]
            case 4:
                start = random.randrange(len(found) + 1)
                found[place:place] = found[start : start + 4 * length]
            case 5:
                found[place : place + length] = random.randbytes(length)
            case _:
                found[place : place + random.choice((0, 0, 1, 4))] = random.choice(TOKENS)
    return bytes(found)


def distorted(value: Any, random: Random) -> Any:
    """A copy of JSON's own values with a few parts lost, doubled, or of the wrong kind."""
    root = [copy.deepcopy(value)]
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        places = _places(root)
        holder, key = places[random.randrange(len(places))]
        match random.randrange(6):
            case 0 if holder is not root:
                del holder[key]
            case 1 if isinstance(holder, list) and holder is not root:
                holder.insert(key, copy.deepcopy(holder[key]))
            case 2:
                other, name = places[random.randrange(len(places))]
                if other is not root:  # a part that holds itself is no JSON
                    holder[key] = copy.deepcopy(other[name])
            case 3 if isinstance(holder, dict):
                holder[random.choice(("", "x", "\0", "__proto__", "\ud800", "9" * 300))] = holder.pop(key)
            case _:
                holder[key] = copy.deepcopy(random.choice(VALUES))
    return root[0]


def _places(root: list[Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    todo: list[Any] = [root]
    while todo:
        holder = todo.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])
    return found


def as_json(value: Any) -> bytes:
    """JSON as Python writes it, NaN and lone surrogates included."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
