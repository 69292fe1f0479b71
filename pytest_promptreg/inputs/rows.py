"""Example files -> rows, one at a time, each with its ``file:line`` and made of JSON's own types.

JSON Lines and CSV are never in memory as a whole. What all rows of a suite come to there is estimated before they are
parsed, and refused beyond :data:`~pytest_promptreg.weight.ROOM`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import typed
from ..errors import ExampleError
from ..files import display_path, read_lines
from ..text import AS_JSON, plain, plain_in_place
from ..weight import LONGEST_ROW, OF_ROW, ROOM, shown, weight
from . import yamls
from .source_text import CONFLICT_STEP, is_conflict_mark, read_source

QUOTED = 'a cell with a quotation mark in it is written "so ""quoted"" here"'
FORM = 'a row such as {"id": "t-1", "text": "..."}'
Row = tuple[str, Any]  # file:line, and what should be a mapping of columns
_LARGEST_YAML = 10_000_000  # characters: it is read a hundred times as slowly as JSON, and into ten times the memory
_TO_LINES = "import json, sys, yaml; [print(json.dumps(row, default=str)) for row in yaml.safe_load(sys.stdin.buffer)]"


class Room:
    """What is left of the memory for the examples of a suite."""

    def __init__(self) -> None:
        self._left = ROOM

    def take(self, size: int, where: str) -> None:
        """See that there is room for some bytes more.

        :raises ExampleError: when there is none.
        """
        self._left -= size
        if self._left < 0:
            raise ExampleError(
                f"the examples up to here would take more than {shown(ROOM)} of memory",
                where=where,
                next_step="split them into several suites, or leave out columns that no prompt and no metric needs",
            )


def read_rows(path: Path, room: Room) -> Iterator[Row]:
    """The rows of an example file.

    :param room: for them and those of the suite's other files.
    :raises ExampleError: with ``file:line``.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ExampleError(
            f"not an example file: the name ends in {path.suffix or 'no suffix'}",
            where=display_path(path),
            next_step=f"known: {', '.join(sorted(_READERS))}",
        )
    return reader(path, room)


def plain_row(row: Any, where: str, make: Callable[[Any], Any] = plain) -> Any:
    """A row made of JSON's own types.

    :param make: how.
    :raises ExampleError: where a value has no such form.
    """
    if not isinstance(row, Mapping):
        raise ExampleError(
            f"a row is {type(row).__name__}, not a mapping of columns", where=where, next_step=f"write {FORM}"
        )
    try:
        return make(row)
    except TypeError as exc:
        raise ExampleError(
            f"a value cannot be kept: {exc}",
            where=where,
            next_step=AS_JSON,
        ) from exc
    except RecursionError as exc:
        raise ExampleError("nested too deep to be a row", where=where, next_step=f"write {FORM}") from exc


def _read_jsonl(path: Path, room: Room) -> Iterator[Row]:
    name = display_path(path)
    for number, line in enumerate(read_lines(path, ExampleError), start=1):
        if not line or line.isspace():
            continue
        where = f"{name}:{number}"
        room.take(weight(line) + OF_ROW, where)
        try:
            row = json.loads(line, object_pairs_hook=_no_column_twice)
        except ValueError as exc:
            if is_conflict_mark(line):
                raise ExampleError("it holds a merge conflict", where=where, next_step=CONFLICT_STEP) from exc
            raise ExampleError(
                f"not a row of JSON: {_json_problem(exc)}", where=where, next_step=_step_of_jsonl(line, str(exc))
            ) from exc
        except RecursionError as exc:
            raise ExampleError("nested too deep to be a row", where=where, next_step=f"write {FORM}") from exc
        del line  # it may be most of the file
        yield where, plain_row(row, where, plain_in_place)


def _read_json(path: Path, room: Room) -> Iterator[Row]:
    """A JSON list, read element by element so that each row knows its line."""
    text, name = read_source(path, ExampleError), display_path(path)
    room.take(weight(text), name)
    decoder = json.JSONDecoder(object_pairs_hook=_no_column_twice)

    def skip_space(position: int) -> int:
        while position < len(text) and text[position] in " \t\n":
            position += 1
        return position

    def refuse(problem: str, position: int, cause: Exception | None = None) -> ExampleError:
        error = ExampleError(
            f"not a list of rows in JSON: {problem}",
            where=f"{name}:{1 + text.count(chr(10), 0, position)}",
            next_step='the file is one list: [{"id": "t-1", "text": "..."}, ...]; a row in each line is .jsonl',
        )
        error.__cause__ = cause
        return error

    position = skip_space(0)
    if text[position : position + 1] != "[":
        raise refuse("it does not begin with [", position)
    position, line, began = skip_space(position + 1), 1, 0
    while text[position : position + 1] != "]":
        line, began = line + text.count("\n", began, position), position
        try:
            row, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as exc:
            raise refuse(exc.msg, exc.pos, exc) from exc
        except RecursionError as exc:
            raise refuse("nested too deep", position, exc) from exc
        except ValueError as exc:
            raise refuse(str(exc), position, exc) from exc
        where = f"{name}:{line}"
        if position - began > LONGEST_ROW:
            raise ExampleError(
                f"a row of more than {shown(LONGEST_ROW)} is too long",
                where=where,
                next_step="leave out columns that no prompt and no metric needs",
            )
        room.take(OF_ROW, where)
        yield where, plain_row(row, where, plain_in_place)
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


def _read_yaml(path: Path, room: Room) -> Iterator[Row]:
    text, name = read_source(path, ExampleError), display_path(path)
    if len(text) > _LARGEST_YAML:
        raise ExampleError(
            f"YAML of {len(text):,} characters would take minutes to read: at most {_LARGEST_YAML:,} are",
            where=name,
            next_step=f"write it as JSON lines: {_as_lines(path)}",
        )
    room.take(weight(text), name)
    try:
        for line, row in yamls.items(text):
            where = f"{name}:{line}"
            room.take(OF_ROW, where)
            yield where, plain_row(row, where)
    except yamls.YamlError as exc:
        is_list = exc.problem != yamls.NO_LIST
        raise ExampleError(
            f"not valid YAML: {exc.problem}" if is_list else "not a list of rows",
            where=f"{name}:{exc.line}",
            next_step=exc.next_step if is_list else 'begin each row with a dash: - {id: t-1, text: "..."}',
        ) from exc


def _as_lines(path: Path) -> str:
    source, target = (typed.word(display_path(file)) for file in (path, path.with_suffix(".jsonl")))
    return f"python -c {typed.word(_TO_LINES)} < {source} > {target}"


def _read_csv(path: Path, room: Room) -> Iterator[Row]:
    name, line = display_path(path), 1

    def lines() -> Iterator[str]:
        for text in read_lines(path, ExampleError):
            room.take(weight(text) + OF_ROW, f"{name}:{line}")
            yield text + "\n"

    reader = csv.reader(lines(), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            where, line = f"{name}:{line}", reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = [column.strip() for column in cells]
                if len(header) == 1 and (apart := next((sign for sign in ";\t|" if sign in header[0]), "")):
                    raise ExampleError(
                        f"the header is one column, {header[0]!r}",
                        where=where,
                        next_step=f"a comma separates the columns of a CSV file, not {apart!r}: save it so",
                    )
                if len(set(header)) < len(header) or "" in header:
                    raise ExampleError(
                        "the header names a column twice, or one has no name",
                        where=where,
                        next_step=f"name each of the {len(header)} columns once",
                    )
                continue
            if len(cells) != len(header):
                raise ExampleError(
                    f"{len(cells)} cells where the header has {len(header)}",
                    where=where,
                    next_step="a cell with a comma, a line break or a quotation mark in it goes in double quotes",
                )
            # An empty cell is a value that is not there; an empty text can be told from it in JSONL.
            row: dict[str, Any] = dict(zip(header, cells, strict=True))
            row["reference"] = row.get("reference") or None
            row["tags"] = (row.get("tags") or "").split()
            row["gates"] = [gate.strip() for gate in (row.get("gates") or "").split(";") if gate.strip()]
            yield where, row
    except csv.Error as exc:
        too_long = "field limit" in str(exc)
        raise ExampleError(
            f"a cell has more than {csv.field_size_limit():,} characters" if too_long else f"not valid CSV: {exc}",
            where=f"{name}:{line}",
            next_step="a quote is not closed, or the row is one for JSON lines: a .jsonl file" if too_long else QUOTED,
        ) from exc


_READERS: dict[str, Callable[[Path, Room], Iterator[Row]]] = {
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


def _step_of_jsonl(line: str, problem: str) -> str:
    """What to do about a line that is no JSON."""
    if "twice" in problem:
        return "name each column once"
    if line.strip() in {"[", "{"}:
        return "JSON over several lines goes into a file that ends in .json, as one list of rows"
    return f"each line is {FORM}: names and texts in double quotes, the line ended by a brace"


def _json_problem(exc: ValueError) -> str:
    return f"{exc.msg} (column {exc.colno})" if isinstance(exc, json.JSONDecodeError) else str(exc)
