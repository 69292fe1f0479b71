"""Files of rows that are too much: read a row at a time, and refused before there is no memory left."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_promptreg import files
from pytest_promptreg.errors import ExampleError
from pytest_promptreg.inputs import rows
from pytest_promptreg.inputs.examples import load_examples
from pytest_promptreg.inputs.rows import Room, read_rows

FORMS = {
    "r.jsonl": lambda ids: "".join(f'{{"id": {name}, "q": "{"x" * 990}"}}\n' for name in ids),
    "r.csv": lambda ids: "id,q\n" + "".join(f"{name},{'x' * 990}\n" for name in ids),
    "r.json": lambda ids: "[" + ",\n".join(f'{{"id": {name}, "q": "{"x" * 990}"}}' for name in ids) + "]",
}


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """Fails when more bytes than that are needed at once."""
    tracemalloc.start(1)
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def refused(path: Path) -> ExampleError:
    with pytest.raises(ExampleError) as caught:
        load_examples(path, base=path.parent, where="t.py:1")
    return caught.value


@pytest.mark.parametrize("name", FORMS)
def test_rows_are_read_one_at_a_time(tmp_path: Path, name: str) -> None:
    """Of 3 MB of JSON Lines and CSV only a row is in memory, and of JSON the text."""
    path = tmp_path / name
    path.write_text(FORMS[name](range(3_000)), encoding="utf-8")
    with memory_below(8_000_000 if name == "r.json" else 300_000):
        assert sum(1 for _ in read_rows(path, Room())) == 3_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.jsonl", '{"id": 1, "a": [%s[]]}' % ("[]," * 100_000)),
        ("r.json", '[{"id": 1, "a": [%s[]]}]' % ("[]," * 100_000)),
        ("r.csv", "id,q\n" + "".join(f"{name},\n" for name in range(20_000))),
        ("r.jsonl", "".join(f'{{"id":{name}}}\n' for name in range(20_000))),
        ("r.json", "[" + ",".join(f'{{"id":{name}}}' for name in range(20_000)) + "]"),
        ("r.yaml", "".join(f"- id: {name}\n" for name in range(20_000))),
    ],
)
def test_what_would_take_too_much_memory_is_refused_before_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """A dense file of some hundred kilobytes is refused, where there is room for two megabytes, without taking six."""
    monkeypatch.setattr(rows, "ROOM", 2_000_000)
    (tmp_path / name).write_text(text, encoding="utf-8")
    with memory_below(6_000_000):
        error = refused(tmp_path / name)
    assert "would take more than 2 MB of memory" in error.what
    assert f"{name}" in str(error.where)


def test_files_of_one_suite_share_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of files is refused at the one that is too much."""
    monkeypatch.setattr(rows, "ROOM", 100_000)
    for number in range(3):
        (tmp_path / f"{number}.jsonl").write_text(FORMS["r.jsonl"](range(number * 5, number * 5 + 5)))
    assert "2.jsonl:" in str(refused(tmp_path).where)


@pytest.mark.parametrize("name", [*FORMS, "r.yaml"])
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, name: str) -> None:
    """Its size is enough."""
    with (tmp_path / name).open("wb") as file:
        file.truncate(10**12)
    assert "a file of 1,000,000 MB is too large: at most 250 MB are read" in refused(tmp_path / name).what


@pytest.mark.parametrize("name", FORMS)
def test_a_row_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With its line."""
    for module in (files, rows):
        monkeypatch.setattr(module, "LONGEST_ROW", 2_000)
    (tmp_path / name).write_text(FORMS[name]([1]).replace("x" * 990, "x" * 3_000), encoding="utf-8")
    error = refused(tmp_path / name)
    assert "too long" in error.what
    assert str(error.where).endswith(f"{name}:{2 if name == 'r.csv' else 1}")


def test_long_yaml_is_to_be_written_as_json_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command in the message does it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rows, "_LARGEST_YAML", 20)
    Path("it's.yaml").write_text("- {id: é, d: 2024-02-29}\n- {id: b, q: [x]}\n", encoding="utf-8")
    error = refused(Path("it's.yaml"))
    assert "YAML of 43 characters would take minutes to read: at most 20 are" in error.what
    step = str(error.next_step)
    assert step.startswith("write it as JSON lines: python -c ")
    command, _, target = step.partition(": ")[2].rpartition(" > ")
    words = shlex.split(command)
    assert words[3:] == ["<", "it's.yaml"]
    assert shlex.split(target) == ["it's.jsonl"]
    with Path("it's.yaml").open("rb") as source:
        made = subprocess.run([sys.executable, *words[1:3]], stdin=source, capture_output=True, check=True).stdout
    assert [json.loads(line) for line in made.splitlines()] == [{"id": "é", "d": "2024-02-29"}, {"id": "b", "q": ["x"]}]


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    """Of a quote that is never closed not the whole file is read, and a long cell is told where it could stand."""
    (tmp_path / "r.csv").write_text('id,q\n1,"' + "x" * 200_000 + "\n" * 100)
    error = refused(tmp_path / "r.csv")
    assert "a cell has more than 131,072 characters" in error.what
    assert ".jsonl" in str(error.next_step)
    assert str(error.where).endswith("r.csv:2")


def test_lines_may_end_in_carriage_returns(tmp_path: Path) -> None:
    """Alone, as some systems had it, or before the line's end."""
    (tmp_path / "r.jsonl").write_bytes(b'{"id": 1}\r\r\n{"id": 2}\r{"id": 3}\r')
    found = load_examples("r.jsonl", base=tmp_path, where="t.py:1")
    assert [(one.id, one.where.rpartition(":")[2]) for one in found] == [("1", "1"), ("2", "3"), ("3", "4")]


def test_half_characters_in_rows_are_mended(tmp_path: Path) -> None:
    """In keys and values, however deep: no file could hold them."""
    (tmp_path / "r.jsonl").write_text(r'{"id": 1, "a\ud800": [{"b": ["\udfff", NaN, 1e999]}]}')
    (one,) = load_examples("r.jsonl", base=tmp_path, where="t.py:1")
    assert one.inputs == {"a?": [{"b": ["?", None, None]}]}
