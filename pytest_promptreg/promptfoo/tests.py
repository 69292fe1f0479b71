"""promptfoo's tests, written out or in files -> rows of an evaluation set."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import display_path, expand, read_text
from ..inputs.rows import QUOTED
from ..text import slug
from .assertions import Assertion, expected, from_cell
from .leftovers import NOTHING_LIKE_IT, Leftovers
from .parts import Part, load

_MOST_ROWS = 10_000
_LONGEST_TAG = 80  # characters
_TESTS = frozenset({".csv", ".json", ".jsonl", ".yaml", ".yml"})
_KNOWN = frozenset({"description", "vars", "assert", "metadata"})
_WHY = {
    "threshold": "an absolute number; here gates are on what is lost against the accepted output",
    "provider": "a suite has one predict",
    "providers": "a suite has one predict",
    "prompts": "every prompt version is run on every row",
    "assertScoringFunction": "gates are not weighed against each other",
}


@dataclass
class Row:
    """One row.

    :param where: the place of its test.
    """

    id: str
    inputs: dict[str, Any]
    reference: Any = None
    gates: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    where: str = ""


@dataclass(frozen=True)
class _Test:
    """One test, before its variables are multiplied out."""

    where: str
    description: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
    tags: tuple[str, ...] = ()


def read_rows(part: Part | None, default: Part | None, leftovers: Leftovers) -> list[Row]:
    """The rows of a configuration's tests, in their order.

    :param default: what every test begins with.
    :raises ConfigError: when a file of tests cannot be read, or there are too many rows.
    """
    begins = _test(default.loaded(), leftovers) if default is not None else _Test("")
    tests = list(_tests(part, leftovers)) if part is not None else [_Test("")]
    rows: list[Row] = []
    for number, test in enumerate(tests, start=1):
        name = slug(test.description)[:60].strip("-") if test.description else f"test-{number}"
        variables = {**begins.variables, **test.variables}
        inputs = list(itertools.islice(_multiplied(variables), _MOST_ROWS + 1))
        if len(rows) + len(inputs) > _MOST_ROWS:
            raise ConfigError(
                f"its tests multiply to more than {_MOST_ROWS:,} rows",
                where=test.where or begins.where,
                next_step="shorten the lists in its vars",
            )
        for index, values in enumerate(inputs, start=1):
            reference, gates = expected([*begins.assertions, *test.assertions], values, leftovers)
            identity = f"{name}-{index}" if len(inputs) > 1 else name
            rows.append(Row(identity, values, reference, gates, [*begins.tags, *test.tags], test.where))
    _tell_apart(rows)
    return rows


def _tell_apart(rows: list[Row]) -> None:
    """Rows that are described alike are numbered."""
    seen: set[str] = set()
    for row in rows:
        name, number = row.id, 2
        while row.id.casefold() in seen:
            row.id, number = f"{name}-{number}", number + 1
        seen.add(row.id.casefold())


def _multiplied(variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of what stands in lists."""
    choices = [value if isinstance(value, list) else [value] for value in variables.values()]
    for combination in itertools.product(*choices):
        yield dict(zip(variables, combination, strict=True))


def _tests(part: Part, leftovers: Leftovers) -> Iterator[_Test]:
    for entry in part.entries():
        if isinstance(entry.value, Mapping):
            yield _test(entry, leftovers)
            continue
        path = entry.named_file(bare=True)
        found = expand(path, entry.file.parent) if path is not None and "://" not in str(path) else None
        if path is None or not found:
            leftovers.add(entry.where, f"tests {entry.value!r}", "no file that is there")
        for file in found or ():
            if file.suffix in _TESTS:
                yield from _of_file(file, leftovers)
            else:
                leftovers.add(entry.where, f"tests {file.name}", "only CSV, JSON, JSONL and YAML are read")


def _of_file(path: Path, leftovers: Leftovers) -> Iterator[_Test]:
    if path.suffix == ".csv":
        yield from _of_csv(path, leftovers)
    elif path.suffix == ".jsonl":
        for number, line in enumerate(read_text(path, ConfigError).split("\n"), start=1):
            if line.strip():
                yield _test(_row_of_json(line, path, number), leftovers)
    else:
        yield from _tests(load(path), leftovers)


def _row_of_json(line: str, path: Path, number: int) -> Part:
    try:
        return Part(json.loads(line), path, {(): number})
    except (ValueError, RecursionError) as exc:
        raise ConfigError(
            f"not a test in JSON: {exc}",
            where=f"{display_path(path)}:{number}",
            next_step='each line is a test: {"vars": {"name": "..."}}',
        ) from exc


def _of_csv(path: Path, leftovers: Leftovers) -> Iterator[_Test]:
    where = display_path(path)
    reader = csv.DictReader(io.StringIO(read_text(path, ConfigError), newline=""), strict=True)
    try:
        for row in reader:
            yield _of_cells(row, f"{where}:{reader.line_num}", leftovers)
    except csv.Error as exc:
        raise ConfigError(
            f"not valid CSV: {exc}",
            where=f"{where}:{reader.line_num}",
            next_step=QUOTED,
        ) from exc


def _of_cells(row: Mapping[str, str | None], where: str, leftovers: Leftovers) -> _Test:
    variables: dict[str, Any] = {}
    assertions, tags, description = [], [], ""
    for name, cell in row.items():
        if name is None or not str(name).startswith("__"):
            if name is not None:
                variables[str(name).strip()] = cell or ""
        elif not cell:
            continue
        elif name.startswith("__expected"):
            assertions.append(from_cell(cell, where))
        elif name == "__description":
            description = cell
        elif name.startswith("__metadata:"):
            tags.append(f"{name.removeprefix('__metadata:').removesuffix('[]')}:{cell}")
        else:
            leftovers.add(where, f"column {name}", NOTHING_LIKE_IT)
    return _Test(where, description, variables, tuple(assertions), tuple(tags))


def _test(entry: Part, leftovers: Leftovers) -> _Test:
    for name, other in entry.items():
        if name not in _KNOWN:
            leftovers.add(other.where, f"{name} of a test", _WHY.get(name, NOTHING_LIKE_IT))
    said, metadata = entry.get("assert"), entry.get("metadata")
    description = entry.get("description")
    return _Test(
        entry.where,
        str(description.value) if description is not None else "",
        _variables(entry.get("vars"), leftovers),
        tuple(_assertions(said.loaded(), leftovers)) if said is not None else (),
        tuple(_tags(metadata, leftovers)) if metadata is not None else (),
    )


def _tags(metadata: Part, leftovers: Leftovers) -> Iterator[str]:
    for name, value in metadata.items():
        tag = f"{name}:{value.value}"
        if isinstance(value.value, str | int | float) and len(tag) <= _LONGEST_TAG and "\n" not in tag:
            yield tag
        else:
            leftovers.add(value.where, f"{name} of metadata", "a tag is a few words")


def _variables(part: Part | None, leftovers: Leftovers) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in part.loaded().items() if part is not None else ():
        path = entry.named_file()
        if path is None:
            found[name] = entry.value
            if isinstance(entry.value, str) and "{{" in entry.value:
                leftovers.add(entry.where, f"a template in the variable {name}", "it is taken as it stands")
        elif path.suffix in {".txt", ".md", ".html", ".csv", ""} and path.is_file():
            found[name] = read_text(path, ConfigError).strip()
        elif path.suffix in {".json", ".yaml", ".yml"} and path.is_file():
            found[name] = load(path).value
        else:
            leftovers.add(entry.where, f"{entry.value} of the variable {name}", "no text: it is empty here")
            found[name] = ""
    return found


def _assertions(part: Part, leftovers: Leftovers) -> Iterator[Assertion]:
    for entry in part.entries():
        kind = entry.get("type")
        if kind is None:
            leftovers.add(entry.where, "an assertion without a type", NOTHING_LIKE_IT)
            continue
        rest = {name: other.value for name, other in entry.items() if name not in {"type", "value"}}
        value = entry.get("value")
        yield Assertion(str(kind.value), value.value if value is not None else None, entry.where, rest)
