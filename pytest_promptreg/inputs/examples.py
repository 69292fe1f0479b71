"""Example files, frames and rows -> examples, each with the place that it came from.

A row is flat: ``id``, ``reference``, ``gates`` and ``tags`` are taken, every other column is an input. Rows in MLflow's
form (``inputs`` as a mapping, ``expectations.expected_response``) are understood too. A row without ``id`` is known by
a piece of its inputs' digest, so that its case survives a new order of the file.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ExampleError
from ..files import display_path, expand, read_text
from ..model import Example
from ..text import canonical_json, digest, plain, slug, well_formed
from . import yamls
from .placed import place_of

Row = tuple[str, Mapping[str, Any]]  # (file:line, the row)
_TAKEN = frozenset({"id", "reference", "gates", "tags"})


def load_examples(source: object, *, base: Path, where: str) -> tuple[Example, ...]:
    """The examples that ``examples=`` names, in their own order.

    :param source: a path or glob (JSONL, JSON, YAML, CSV), a list of mappings or Examples, or a DataFrame.
    :param base: the folder that relative paths start from: the test file's.
    :param where: ``file:line`` of the marker, for messages about what is no file.
    :raises ExampleError: when there is none, one is malformed, or two have ids that are equal or slug alike.
    """
    examples = tuple(
        _example(*_from_object(row, place) if isinstance(row, Example) else (row, place))
        for place, row in _rows(source, base, where)
    )
    if not examples:
        raise ExampleError(
            "no examples: a gate over nothing would pass without checking anything",
            where=display_path(base / source) if isinstance(source, str | Path) else where,
            next_step="add at least one row",
        )
    _refuse_collisions(examples)
    return examples


def _from_object(example: Example, place: str) -> tuple[Mapping[str, Any], str]:
    row = example.to_wire()
    return row, row.pop("where") or place


def _refuse_collisions(examples: Sequence[Example]) -> None:
    seen: dict[str, Example] = {}
    for example in examples:
        other = seen.setdefault(slug(example.id), example)
        if other is not example:
            same = other.id == example.id
            raise ExampleError(
                f"two examples have the id {example.id!r}"
                if same
                else f"the ids {other.id!r} and {example.id!r} both become {slug(example.id)!r} in a test id",
                where=example.where,
                next_step=f"the other is at {other.where}; give one of them another id",
            )


def _rows(source: object, base: Path, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(source, str | Path):
        files = expand(source, base)
        if files is None:
            raise ExampleError(
                f"there is no example file {display_path(base / source)}",
                where=where,
                next_step="paths are relative to the file that names them",
            )
        for path in files:
            yield from _read_file(path)
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):  # a DataFrame, without importing pandas
        for index, record in enumerate(source.to_dict("records")):
            yield f"{where} (row {index})", record
    elif isinstance(source, list | tuple):
        for index, row in enumerate(source):
            yield place_of(row, f"{where} (row {index})"), row
    else:
        raise ExampleError(
            f"examples= takes a path, a list of dicts or a DataFrame, not {type(source).__name__}", where=where
        )


def _read_file(path: Path) -> Iterator[Row]:
    reader = _READERS.get(path.suffix.lower())
    where = display_path(path)
    if reader is None:
        raise ExampleError(
            f"not an example file: the name ends in {path.suffix or 'no suffix'}",
            where=where,
            next_step=f"known: {', '.join(sorted(_READERS))}",
        )
    yield from reader(read_text(path, ExampleError), where)


def _read_jsonl(text: str, where: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{where}:{number}", json.loads(line, object_pairs_hook=_no_column_twice)
            except ValueError as exc:
                raise ExampleError(f"not a row of JSON: {_json_problem(exc)}", where=f"{where}:{number}") from exc
            except RecursionError as exc:
                raise ExampleError("nested too deep to be a row", where=f"{where}:{number}") from exc


def _read_json(text: str, where: str) -> Iterator[Row]:
    """A JSON list, read element by element so that each row knows its line."""
    decoder = json.JSONDecoder(object_pairs_hook=_no_column_twice)

    def skip_space(position: int) -> int:
        while position < len(text) and text[position] in " \t\n":
            position += 1
        return position

    def refuse(problem: str, position: int, cause: Exception | None = None) -> ExampleError:
        error = ExampleError(
            f"not a list of rows in JSON: {problem}", where=f"{where}:{1 + text.count(chr(10), 0, position)}"
        )
        error.__cause__ = cause
        return error

    position = skip_space(0)
    if text[position : position + 1] != "[":
        raise refuse("it does not begin with [", position)
    position, line, counted = skip_space(position + 1), 1, 0
    while text[position : position + 1] != "]":
        line, counted = line + text.count("\n", counted, position), position
        try:
            row, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as exc:
            raise refuse(exc.msg, exc.pos, exc) from exc
        except RecursionError as exc:
            raise refuse("nested too deep", position, exc) from exc
        except ValueError as exc:
            raise refuse(str(exc), position, exc) from exc
        yield f"{where}:{line}", row
        position = skip_space(position)
        if text[position : position + 1] == ",":
            position = skip_space(position + 1)
            if text[position : position + 1] == "]":
                raise refuse("a row is missing after the last comma", position)
        elif text[position : position + 1] != "]":
            raise refuse("a comma or ] is missing", position)
    end = skip_space(position + 1)
    if end != len(text):
        raise refuse("there is something after the list", end)


def _read_yaml(text: str, where: str) -> Iterator[Row]:
    try:
        for line, row in yamls.items(text):
            yield f"{where}:{line}", row
    except yamls.YamlError as exc:
        is_list = exc.problem != yamls.NO_LIST
        raise ExampleError(
            f"not valid YAML: {exc.problem}" if is_list else "not a list of rows", where=f"{where}:{exc.line}"
        ) from exc


def _read_csv(text: str, where: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            place, line = f"{where}:{line}", reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = [name.strip() for name in cells]
                if len(set(header)) < len(header) or "" in header:
                    raise ExampleError("the header names a column twice, or one has no name", where=place)
                continue
            if len(cells) != len(header):
                raise ExampleError(f"{len(cells)} cells where the header has {len(header)}", where=place)
            # An empty cell is a value that is not there; an empty text can be told from it in JSONL.
            row: dict[str, Any] = dict(zip(header, cells, strict=True))
            row["reference"] = row.get("reference") or None
            row["tags"] = (row.get("tags") or "").split()
            row["gates"] = [gate.strip() for gate in (row.get("gates") or "").split(";") if gate.strip()]
            yield place, row
    except csv.Error as exc:
        raise ExampleError(f"not valid CSV: {exc}", where=f"{where}:{line}") from exc


_READERS: dict[str, Callable[[str, str], Iterator[Row]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".csv": _read_csv,
}


def _no_column_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands in it twice")
    return row


def _json_problem(exc: ValueError) -> str:
    return f"{exc.msg} (column {exc.colno})" if isinstance(exc, json.JSONDecodeError) else str(exc)


def _example(row: object, where: str) -> Example:
    if not isinstance(row, Mapping):
        raise ExampleError(f"a row is {type(row).__name__}, not a mapping of columns", where=where)
    try:
        values = plain(row)
    except TypeError as exc:
        raise ExampleError(f"a value cannot be kept: {exc}", where=where) from exc
    except RecursionError as exc:
        raise ExampleError("nested too deep to be a row", where=where) from exc
    reference = values.get("reference")
    if isinstance(values.get("inputs"), dict):  # MLflow's form
        inputs = values["inputs"]
        expectations = values.get("expectations")
        if reference is None and isinstance(expectations, dict):
            reference = expectations.get("expected_response")
    else:
        inputs = {name: value for name, value in values.items() if name not in _TAKEN}
    identity = values.get("id")
    if identity is not None and (isinstance(identity, dict | list | bool) or not str(identity).strip()):
        raise ExampleError("id is neither text nor a number, or it is empty", where=where)
    return Example(
        id=f"x{digest(canonical_json(inputs))[:8]}" if identity is None else str(identity),
        inputs=inputs,
        reference=_reference(reference),
        gates=_lines(values.get("gates"), "gates", where),
        tags=_lines(values.get("tags"), "tags", where),
        where=where,
    )


def _reference(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return well_formed(canonical_json(value, indent=2 if isinstance(value, dict | list) else None))


def _lines(value: Any, name: str, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ExampleError(f"{name} is not a list of texts", where=where)
    return tuple(lines)
