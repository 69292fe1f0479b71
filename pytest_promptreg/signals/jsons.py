"""Whether JSON stayed JSON, and with the same keys and types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container
from typing import Any, NamedTuple

from ..equality import NO_JSON, parse_json
from ..text import digest, remembered
from .findings import KEPT, Finding, lost_and_gained
from .kind import Kind, in_fence, kind

_DEEPEST = 64  # what lies deeper is one value to a reader, and paths would grow without end
_LONGEST_KEY = 60
_PLAIN_KEY = re.compile(r"\w{1,60}")
_TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


class Shape(NamedTuple):
    """What a JSON document is made of.

    :param types: each path with the types that stand there: ``{"$.items[].id": {"number"}}``.
    :param optional: paths of keys that only some of the objects at their place have.
    """

    types: dict[str, frozenset[str]]
    optional: frozenset[str]


def json_valid(output: str, baseline: str) -> Finding:
    """0 where the baseline is a JSON object or array and the output is none.

    A baseline in a code fence is read without the fence, and so is its output.
    """
    before, now = _documents(output, baseline)
    if before is None or now is not None:
        return KEPT
    return Finding(0.0, f"JSON -> {_instead(output)}")


def json_shape(output: str, baseline: str) -> Finding:
    """The share of (path, type) pairs that both documents have, of those that either has; 1 without a JSON baseline.

    An empty array fits any array. Where the baseline has null, or a key, in some elements of an array only, neither is
    missed. Elsewhere null is a type as any other: what was accepted says that there is nothing to say, and a value in
    its place is what a model makes up.
    """
    before, now = _documents(output, baseline)
    if before is None:
        return KEPT
    if now is None:
        return Finding(0.0, f"JSON -> {_instead(output)}")
    if before == now:
        return KEPT
    wanted, found = _comparable(before, now)
    common, union = len(wanted & found), len(wanted | found)
    if common == union:
        return KEPT
    return Finding(common / union, _difference(wanted - found, found - wanted))


def _documents(output: str, baseline: str) -> tuple[Shape | None, Shape | None]:
    before = shape(baseline)
    if before is not None:
        return before, shape(output)
    if "```" not in baseline and "~~~" not in baseline:
        return None, None
    inside = in_fence(baseline)
    before = None if inside is None else shape(inside)
    if before is None:
        return None, None
    inside = in_fence(output)
    return before, shape(output if inside is None else inside)


def _instead(output: str) -> str:
    form = kind(output)
    if form in {Kind.TEXT, Kind.CODE} and output.lstrip()[:1] in {"{", "["}:
        whole = output.rstrip()[-1:] in {"}", "]"}
        return "broken JSON" if whole else "JSON that does not end"
    return str(form)


@remembered(256)
def shape(text: str) -> Shape | None:
    """The shape of a JSON object or array; None for any other text."""
    document = parse_json(text)
    return None if document is NO_JSON else _shape(document)


def _shape(document: Any) -> Shape:
    types: dict[str, set[str]] = {}
    objects: Counter[str] = Counter()
    keys: Counter[tuple[str, str]] = Counter()
    todo: list[tuple[str, int, Any]] = [("$", 0, document)]
    while todo:
        path, depth, value = todo.pop()
        types.setdefault(path, set()).add(_TYPES.get(type(value), "number"))
        if depth == _DEEPEST:
            continue
        if isinstance(value, dict):
            objects[path] += 1
            for key, below in value.items():
                below_path = f"{path}{_step(key)}"
                keys[path, below_path] += 1
                todo.append((below_path, depth + 1, below))
        elif isinstance(value, list):
            todo.extend((f"{path}[]", depth + 1, below) for below in value)
    optional = frozenset(below for (path, below), count in keys.items() if count < objects[path])
    return Shape({path: frozenset(found) for path, found in types.items()}, optional)


def _step(key: str) -> str:
    """A key as part of a path; of a very long one its beginning and its digest, for paths are kept by the thousand."""
    if _PLAIN_KEY.fullmatch(key):
        return f".{key}"
    return f"[{key!r}]" if len(key) <= _LONGEST_KEY else f"[{key[:_LONGEST_KEY]!r}... {digest(key)[:8]}]"


def _comparable(before: Shape, now: Shape) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The pairs of both, without those that fit by the rules of :func:`json_shape`."""
    free = set()
    for path in before.types.keys() | now.types.keys():
        there, here = before.types.get(path, frozenset()), now.types.get(path, frozenset())
        empty_array = "array" in there & here and (f"{path}[]" in before.types) != (f"{path}[]" in now.types)
        if empty_array:
            free.add(f"{path}[]")
        optional_value = "null" in there and len(there) > 1 and here == {"null"}
        if optional_value or (not here and path in before.optional):
            free.add(path)
    known_null = {(path, "null") for path, there in before.types.items() if "null" in there and len(there) > 1}

    def pairs(of: Shape) -> set[tuple[str, str]]:
        kept = (path for path in of.types if not _under(path, free))
        return {(path, name) for path in kept for name in of.types[path]} - known_null

    return pairs(before), pairs(now)


def _under(path: str, roots: Container[str]) -> bool:
    """Whether a path is one of the roots or lies below one."""
    return path in roots or _below(path, roots)


def _below(path: str, roots: Container[str]) -> bool:
    return any(path[: match.start()] in roots for match in re.finditer(r"[.\[]", path))


def _difference(lost: set[tuple[str, str]], gained: set[tuple[str, str]]) -> str:
    """``$.age number -> string; lost $.total (number)``; of a branch that went only its root."""
    gone, come = _by_path(lost), _by_path(gained)
    changed = [f"{path} {gone[path]} -> {come[path]}" for path in sorted(gone.keys() & come.keys())]
    lost_roots = [f"{path} ({gone[path]})" for path in gone if path not in come and not _below(path, gone)]
    come_roots = [f"{path} ({come[path]})" for path in come if path not in gone and not _below(path, come)]
    parts = [*changed[:2], *(["..."] if len(changed) > 2 else [])]
    if either := lost_and_gained(lost_roots, come_roots):
        parts.append(either)
    return "; ".join(parts)


def _by_path(pairs: set[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for path, name in sorted(pairs):
        found.setdefault(path, []).append(name)
    return {path: "/".join(names) for path, names in found.items()}
