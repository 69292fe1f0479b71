"""Example files, frames and rows -> examples, each with the place that it came from.

A row is flat: ``id``, ``reference``, ``gates`` and ``tags`` are taken, every other column is an input. Rows in MLflow's
form (``inputs`` as a mapping, ``expectations.expected_response``) are understood too. A row without ``id`` is known by
a piece of its inputs' digest, so that its case survives a new order of the file; rows that share that piece, of which
there is about one pair among 90,000, by a longer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ExampleError
from ..files import display_path, expand, missing
from ..model import Example
from ..text import canonical_json, digest, slug, well_formed
from .placed import place_of
from .rows import FORM, Room, Row, plain_row, read_rows

_TAKEN = frozenset({"id", "reference", "gates", "tags"})
_DIGITS = 8  # of the digest by which a row without id is known: baselines hold these
_MORE_DIGITS = 16  # where two rows share those


def load_examples(source: object, *, base: Path, where: str) -> tuple[Example, ...]:
    """The examples that ``examples=`` names, in their own order.

    :param source: a path or glob (JSONL, JSON, YAML, CSV), a list of mappings or Examples, or a DataFrame.
    :param base: the folder that relative paths start from: the test file's.
    :param where: ``file:line`` of the marker, for messages about what is no file.
    :raises ExampleError: when there is none, one is malformed, or two have ids that are equal or slug alike.
    """
    known = _Known()
    for place, row in _rows(source, base, where):
        known.add(row, place)
    examples = known.examples()
    if not examples:
        raise ExampleError(
            "no examples: a gate over nothing would pass without checking anything",
            where=display_path(base / source) if isinstance(source, str | Path) else where,
            next_step=f"add {FORM}",
        )
    return examples


class _Known:
    """Examples with their ids: each is looked at beside those before it, so that a long file of doubles is not read."""

    def __init__(self) -> None:
        self._examples: list[Example] = []
        self._seen: dict[str, Example] = {}
        self._unnamed: set[str] = set()  # ids that are pieces of digests
        self._shared: set[str] = set()  # those that several rows have

    def add(self, row: Mapping[str, Any], place: str) -> None:
        """One more row, made of JSON's own types.

        :raises ExampleError: when it is malformed, or its id is another's.
        """
        example = _example(row, place)
        self._examples.append(example)
        is_unnamed = row.get("id") is None
        other = self._seen.setdefault(_of_test_id(example), example)
        if other is example:
            if is_unnamed:
                self._unnamed.add(example.id)
        elif is_unnamed and example.id in self._unnamed and example.inputs_digest != other.inputs_digest:
            self._shared.add(example.id)
        else:
            self._refuse(example, other)

    def examples(self) -> tuple[Example, ...]:
        """All of them.

        :raises ExampleError: where longer pieces of digests are another's id.
        """
        for index, example in enumerate(self._examples if self._shared else ()):
            if example.id in self._shared:
                longer = replace(example, id=_id_of(example.inputs, _MORE_DIGITS))
                other = self._seen.setdefault(longer.id, longer)
                if other is not longer:
                    self._refuse(longer, other)
                self._examples[index] = longer
        return tuple(self._examples)

    def _refuse(self, example: Example, other: Example) -> None:
        if example.id == other.id and example.id[: 1 + _DIGITS] in self._unnamed and example.inputs == other.inputs:
            raise ExampleError(
                "two rows have the same inputs, and no id by which to tell them apart",
                where=example.where,
                next_step=f"the other is at {other.where}; remove one, or give each row an id",
            )
        raise ExampleError(
            f"two examples have the id {example.id!r}"
            if other.id == example.id
            else f"the ids {other.id!r} and {example.id!r} both become {slug(example.id)!r} in a test id",
            where=example.where,
            next_step=f"the other is at {other.where}; give one of them another id",
        )


def _id_of(inputs: Mapping[str, Any], digits: int) -> str:
    """The id of a row that has none."""
    return f"x{digest(canonical_json(inputs))[:digits]}"


def _of_test_id(example: Example) -> str:
    """What the example is called in a test id: the id itself, and no copy of it, where that will do."""
    short = slug(example.id)
    return example.id if short == example.id else short


def _rows(source: object, base: Path, where: str) -> Iterator[Row]:
    """The rows with their places, made of JSON's own types."""
    if isinstance(source, str | Path):
        files = expand(source, base)
        if files is None and "://" in str(source):
            raise ExampleError(
                f"{str(source)!r} is an address, and examples are read from files",
                where=where,
                next_step="save it as a file, or give the rows themselves: a list or a DataFrame",
            )
        if files is None:
            raise ExampleError(
                f"there is no example file {display_path(base / source)}",
                where=where,
                next_step=missing(source, base, f"write {FORM} into it"),
            )
        room = Room()
        for path in files:
            yield from read_rows(path, room)
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):  # a DataFrame, without importing pandas
        for index, record in enumerate(source.to_dict("records")):
            place = f"{where} (row {index})"
            yield place, plain_row(record, place)
    elif isinstance(source, list | tuple):
        for index, row in enumerate(source):
            yield _from_list(row, f"{where} (row {index})")
    else:
        raise ExampleError(
            f"examples= takes a path, a list of dicts or a DataFrame, not {type(source).__name__}",
            where=where,
            next_step='write examples="rows.jsonl", or a list of rows such as {"id": "t-1", "text": "..."}',
        )


def _from_list(row: object, place: str) -> Row:
    if isinstance(row, Example):
        wire = row.to_wire()
        place = wire.pop("where") or place
        return place, plain_row(wire, place)
    place = place_of(row, place)
    return place, plain_row(row, place)


def _example(values: Mapping[str, Any], where: str) -> Example:
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
        raise ExampleError(
            "id is neither text nor a number, or it is empty",
            where=where,
            next_step='write "id": "t-1", or leave it out',
        )
    return Example(
        id=_id_of(inputs, _DIGITS) if identity is None else str(identity),
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
        raise ExampleError(f"{name} is not a list of texts", where=where, next_step=f'write "{name}": ["...", "..."]')
    return tuple(lines)
