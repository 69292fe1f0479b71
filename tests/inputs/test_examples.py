"""Every form of example file, frame and row: what is read, and where a mistake is said to be."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import ExampleError
from pytest_promptreg.inputs.examples import load_examples
from pytest_promptreg.model import Example
from pytest_promptreg.text import slug

ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "Why?", "reference": "Because.", "tags": ["x", "y"], "gates": ["semantic >= 0.5"]},
    {"id": "b", "question": "Wie, „so“?\nZwei Zeilen", "reference": None, "tags": [], "gates": []},
]
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def load(folder: Path, source: object) -> tuple[Example, ...]:
    return load_examples(source, base=folder, where="test_x.py:7")


def refused(folder: Path, source: object) -> ExampleError:
    with pytest.raises(ExampleError) as error:
        load(folder, source)
    assert error.value.next_step, "a refusal says what to do"
    return error.value


def as_csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "tags": " ".join(row["tags"]), "gates": "; ".join(row["gates"])})
    return buffer.getvalue()


FORMS = {
    "rows.jsonl": "\n".join(json.dumps(row) for row in ROWS) + "\n",
    "rows.ndjson": "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "rows.json": json.dumps(ROWS, indent=2, ensure_ascii=False),
    "rows.yaml": yaml.safe_dump(ROWS, allow_unicode=True),
    "rows.yml": yaml.safe_dump(ROWS),
    "rows.csv": as_csv(ROWS),
    "rows.CSV": as_csv(ROWS),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_form_says_the_same(tmp_path: Path, name: str, encoding: str, ending: str) -> None:
    """JSONL, JSON, YAML and CSV give equal examples, with a byte order mark or CRLF as well."""
    (tmp_path / name).write_bytes(FORMS[name].replace("\n", ending).encode(encoding))
    one, two = load(tmp_path, name)
    assert (one.id, one.reference, one.tags, one.gates) == ("a", "Because.", ("x", "y"), ("semantic >= 0.5",))
    assert one.inputs == {"question": "Why?"}
    assert (two.id, two.reference, two.inputs) == ("b", None, {"question": "Wie, „so“?\nZwei Zeilen"})


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("r.jsonl", '{"id": 1}\n\n  \n{"id": 2}\n', [1, 4]),
        ("r.json", '[\n  {"id": 1},\n  {\n   "id": 2},\n\n  {"id": 3}]', [2, 3, 6]),
        ("r.json", '[{"id": 1}, {"id": 2},\n{"id": 3}]', [1, 1, 2]),
        ("r.yaml", "# head\n- id: 1\n  q: |\n    a\n    b\n- id: 2\n", [2, 6]),
        ("r.csv", 'id,q\n1,"a\nb"\n\n2,c\n', [2, 5]),
    ],
)
def test_each_row_knows_its_line(tmp_path: Path, name: str, text: str, lines: list[int]) -> None:
    """An example's place is the line on which its row begins."""
    (tmp_path / name).write_text(text)
    assert [int(example.where.rpartition(":")[2]) for example in load(tmp_path, name)] == lines


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("r.jsonl", '{"id": 1}\n{"id": 2,}\n', 2, "not a row of JSON"),
        ("r.jsonl", '{"id": 1}\n{"id": 2\n', 2, "not a row of JSON"),
        ("r.jsonl", '{"id": 1}\n[1, 2]\n', 2, "a row is list"),
        ("r.jsonl", '{"id": 1}\n"text"\n', 2, "a row is str"),
        ("r.jsonl", '{"id": 1}\n{"id": 2} {"id": 3}\n', 2, "not a row of JSON"),
        ("r.jsonl", '{"id": 1}\n' + '{"a":' * 100_000, 2, "nested too deep"),
        ("r.jsonl", '{"id": 1}\n{"n": ' + "9" * 5000 + "}", 2, "not a row of JSON"),
        ("r.jsonl", '{"id": 1}\n{"id": ["x"]}\n', 2, "id is neither"),
        ("r.jsonl", '{"id": 1}\n{"id": " "}\n', 2, "id is neither"),
        ("r.jsonl", '{"id": 1}\n{"id": true}\n', 2, "id is neither"),
        ("r.jsonl", '{"id": 1}\n{"id": 2, "gates": 5}\n', 2, "gates is not a list"),
        ("r.jsonl", '{"id": 1}\n{"id": 2, "tags": [1]}\n', 2, "tags is not a list"),
        ("r.jsonl", '{"id": 1}\n<<<<<<< HEAD\n=======\n{"id": 2}\n>>>>>>> x\n', 2, "it holds a merge conflict"),
        ("r.json", '[\n{"id": 1},\n{"id": 2\n]', 4, "not a list of rows in JSON"),
        ("r.json", '[\n{"id": 1}\n{"id": 2}\n]', 3, "a comma or ] is missing"),
        ("r.json", '[\n{"id": 1},\n5]', 3, "a row is int"),
        ("r.json", '[\n{"id": 1}', 2, "a comma or ] is missing"),
        ("r.json", '[\n{"id": 1}]\n{"id": 2}', 3, "something after the list"),
        ("r.json", '{"rows": []}', 1, "does not begin with ["),
        ("r.json", "", 1, "does not begin with ["),
        ("r.json", "[\n" + "[" * 100_000, 2, "nested too deep"),
        ("r.yaml", "- id: 1\n- id: 'x\n", 3, "not valid YAML"),
        ("r.yaml", "- id: 1\n- q: a: b\n", 2, "not valid YAML"),
        ("r.yaml", "- id: 1\n- q: {{ x }}\n", 2, "not valid YAML"),
        ("r.yaml", "- id: 1\n- d: 2024-02-31\n", 2, "not valid YAML"),
        ("r.yaml", "- id: 1\n- d: !!python/object:os.system {}\n", 2, "not valid YAML"),
        ("r.yaml", "- id: 1\n- d: \x07\n", 2, "not valid YAML"),
        ("r.yaml", "- id: 1\n- d: !!binary aGk=\n", 2, "bytes is no JSON value"),
        ("r.yaml", "- id: 1\n- &a {again: *a}\n", 2, "nested too deep"),
        ("r.yaml", "rows:\n- id: 1\n", 1, "not a list of rows"),
        ("r.yaml", "- id: 1\n- text\n", 2, "a row is str"),
        ("r.csv", "id,q\n1,a\n2\n", 3, "1 cells where the header has 2"),
        ("r.csv", 'id,q\n1,"a\nb"\n2,b,c\n', 4, "3 cells where the header has 2"),
        ("r.csv", "id,q,q\n1,a,b\n", 1, "names a column twice"),
        ("r.csv", "id,,q\n1,a,b\n", 1, "has no name"),
        ("r.csv", "id;q\n1;a\n", 1, "the header is one column, 'id;q'"),
        ("r.csv", 'id,q\n1,a\n2,"b\n3,c\n4,d\n', 3, "not valid CSV"),
        ("r.csv", 'id,q\n1,a\n2,"b"c\n', 3, "not valid CSV"),
        ("r.csv", "id,q\n1,a\n,b\n", 3, "id is neither"),
        ("r.csv", f"id,q\n1,{'x' * 140_000}\n", 2, "a cell has more than 131,072 characters"),
    ],
)
def test_a_broken_row_is_refused_at_its_line(tmp_path: Path, name: str, text: str, line: int, said: str) -> None:
    """A malformed row is refused with file and line, whatever is wrong with it."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    error = refused(tmp_path, name)
    assert said in error.what
    assert str(error.where).endswith(f"{name}:{line}")


def test_json_over_several_lines_is_known(tmp_path: Path) -> None:
    """A list of rows in a file that should have one in each line is told where it belongs."""
    (tmp_path / "r.jsonl").write_text('[\n  {"id": 1}\n]\n')
    assert "a file that ends in .json" in str(refused(tmp_path, "r.jsonl").next_step)


def test_marks_of_a_conflict_may_stand_in_a_cell(tmp_path: Path) -> None:
    """Between the quotation marks of a CSV file a text is a text."""
    (tmp_path / "r.csv").write_text('id,q\n1,"\n<<<<<<< a\n=======\n>>>>>>> b\n"\n')
    (example,) = load(tmp_path, "r.csv")
    assert "\n=======\n" in example.inputs["q"]


@pytest.mark.parametrize("name", ["r.jsonl", "r.json", "r.yaml", "r.csv"])
def test_not_utf8_is_refused_at_its_line(tmp_path: Path, name: str) -> None:
    """A file in another encoding is refused with the line of the first byte that shows it."""
    rows = b'{"id": 1}\n{"id": 2}\n' if name == "r.jsonl" else b"id\nok\n"  # which are read one at a time
    (tmp_path / name).write_bytes(rows + b"caf\xe9\n")
    error = refused(tmp_path, name)
    assert "not UTF-8: byte 0xe9" in error.what
    assert str(error.where).endswith(f"{name}:3")


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.jsonl", ""), ("r.jsonl", "\n \n"), ("r.json", "[]"), ("r.yaml", ""), ("r.yaml", "[]"), ("r.csv", "id,q\n")],
)
def test_an_empty_file_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """No rows is an error with the file's name: a gate over nothing would pass."""
    (tmp_path / name).write_text(text)
    error = refused(tmp_path, name)
    assert error.what.startswith("no examples")
    assert str(error.where).endswith(name)


@pytest.mark.parametrize("source", [[], (), pd.DataFrame(), pd.DataFrame({"id": [], "q": []})])
def test_no_rows_are_refused(tmp_path: Path, source: object) -> None:
    """An empty list or frame is refused at the marker."""
    error = refused(tmp_path, source)
    assert error.what.startswith("no examples")
    assert error.where == "test_x.py:7"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nothing.jsonl", "no example file"),
        ("https://example.org/rows.jsonl", "'https://example.org/rows.jsonl' is an address"),
        ("*.jsonl", "no example file"),
        ("x" * 5000, "no example file"),
        ({"id": "a"}, "not dict"),
        (5, "not int"),
        ([5], "a row is int"),
        ([{"q": object()}], "object is no JSON value"),
        ([Example("", {})], "id is neither"),
        ([Example("a", {"q": object()})], "object is no JSON value"),
    ],
)
def test_a_source_that_is_none_is_refused(tmp_path: Path, source: object, said: str) -> None:
    """What names no examples is refused at the marker, in one sentence."""
    error = refused(tmp_path, source)
    assert said in error.what
    assert str(error.where).startswith("test_x.py:7")


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    """A file of another kind is refused with the kinds that are known."""
    (tmp_path / "r.xlsx").touch()
    assert ".jsonl" in str(refused(tmp_path, "r.xlsx").next_step)


def test_several_files_are_read_in_order(tmp_path: Path) -> None:
    """A folder or glob gives the rows of its files, sorted by name."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "2.jsonl").write_text('{"id": "c"}')
    (tmp_path / "d" / "1.csv").write_text("id\na\nb\n")
    for source in ("d", "d/*", tmp_path / "d"):
        assert [example.id for example in load(tmp_path, source)] == ["a", "b", "c"]


def test_mlflows_form_is_understood(tmp_path: Path) -> None:
    """``inputs`` as a mapping holds the inputs, and ``expectations.expected_response`` is the reference."""
    rows = [
        {"inputs": {"q": "Why?"}, "expectations": {"expected_response": "Because."}},
        {"id": "own", "inputs": {"q": "How?"}, "expectations": {"other": 1}, "reference": "So."},
        {"inputs": {"q": "Who?"}},
    ]
    one, two, three = load(tmp_path, rows)
    assert (one.inputs, one.reference) == ({"q": "Why?"}, "Because.")
    assert (two.id, two.reference) == ("own", "So.")
    assert three.reference is None


def test_a_row_without_id_keeps_its_name(tmp_path: Path) -> None:
    """Rows without ids are known by their inputs, in whatever order they stand."""
    rows = [{"q": "a", "reference": "1"}, {"q": "b"}]
    forth, back = load(tmp_path, rows), load(tmp_path, rows[::-1])
    assert {example.id for example in forth} == {example.id for example in back}
    assert forth[0].id == load(tmp_path, [{"q": "a", "reference": "2"}])[0].id


def test_a_frame_is_read(tmp_path: Path) -> None:
    """A DataFrame's columns become inputs; missing values are none, and numbers are Python's own."""
    frame = pd.DataFrame(
        {
            "id": ["a", "b"],
            "q": ["x", None],
            "n": np.array([1, 2]),
            "f": [0.5, np.nan],
            "reference": ["r", np.nan],
            "when": [pd.Timestamp("2024-02-03"), pd.NaT],
        }
    )
    one, two = load(tmp_path, frame)
    assert one.inputs == {"q": "x", "n": 1, "f": 0.5, "when": "2024-02-03T00:00:00"}
    assert two.inputs == {"q": None, "n": 2, "f": None, "when": None}
    assert (one.reference, two.reference) == ("r", None)
    assert {type(value) for value in one.inputs.values()} == {str, int, float}
    assert one.where == "test_x.py:7 (row 0)"


def test_a_frame_in_mlflows_form_is_read(tmp_path: Path) -> None:
    """``mlflow.genai`` data sets come as frames with mappings in their cells."""
    frame = pd.DataFrame({"inputs": [{"q": "x"}], "expectations": [{"expected_response": "r"}]})
    (example,) = load(tmp_path, frame)
    assert (example.inputs, example.reference) == ({"q": "x"}, "r")


@pytest.mark.parametrize(
    ("reference", "expected"), [(5, "5"), (True, "true"), ({"b": 1, "a": [2]}, '{\n  "a": [\n    2\n  ],\n  "b": 1\n}')]
)
def test_a_reference_that_is_no_text_is_json(tmp_path: Path, reference: object, expected: str) -> None:
    """A reference answer may be a value: it is compared as the canonical JSON that predict's values become."""
    assert load(tmp_path, [{"id": "a", "reference": reference}])[0].reference == expected


def test_objects_are_taken(tmp_path: Path) -> None:
    """Example objects keep what they say, know a place, and hold JSON's own types."""
    given_one = Example("a", {"q": np.float64(0.5), "t": (1,)}, "r", ("semantic >= 0.5",), ("x",))
    (example,) = load(tmp_path, [given_one])
    assert (example.id, example.reference, example.gates, example.tags) == ("a", "r", ("semantic >= 0.5",), ("x",))
    assert example.inputs == {"q": 0.5, "t": [1]}
    assert type(example.inputs["q"]) is float
    assert example.where == "test_x.py:7 (row 0)"


def test_an_objects_input_named_inputs_stays(tmp_path: Path) -> None:
    """An Example's inputs are its inputs, whatever their names are."""
    (example,) = load(tmp_path, [Example("a", {"inputs": {"x": 1}, "id": 5, "expectations": {}})])
    assert example.inputs == {"inputs": {"x": 1}, "id": 5, "expectations": {}}


def test_equal_ids_are_refused_with_both_places(tmp_path: Path) -> None:
    """Two rows of one id are refused, and both lines are named."""
    (tmp_path / "r.csv").write_text("id,q\na,1\nb,2\na,3\n")
    error = refused(tmp_path, "r.csv")
    assert "two examples have the id 'a'" in error.what
    assert str(error.where).endswith("r.csv:4")
    assert "r.csv:2" in str(error.next_step)


@pytest.mark.parametrize(("one", "other"), [("a b", "a-b"), ("naïve", "naive"), (1, "1"), ("é", "e"), ("a", " a ")])
def test_ids_that_slug_alike_are_refused(tmp_path: Path, one: object, other: object) -> None:
    """Ids that would share a test id are refused, and both are named."""
    error = refused(tmp_path, [{"id": one}, {"id": other}])
    assert str(other) in error.what
    assert "row 0" in str(error.next_step)


def test_equal_rows_without_ids_are_refused(tmp_path: Path) -> None:
    """A row that was pasted twice is found although neither has an id."""
    error = refused(tmp_path, [{"q": "a"}, {"q": "b"}, {"q": "a"}])
    assert "two rows have the same inputs, and no id" in error.what
    assert "row 0" in str(error.next_step)


def test_rows_without_ids_that_share_a_piece_of_their_digests_have_longer_ids(tmp_path: Path) -> None:
    """Both of them and no other row, whatever their order; one that is there twice is found all the same."""
    rows = [{"a": 37458}, {"a": 1}, {"a": 46323}]
    ids = {example.inputs["a"]: example.id for example in load(tmp_path, rows)}
    assert ids[37458][:9] == ids[46323][:9] == "x921736e3"
    assert [len(ids[row["a"]]) for row in rows] == [17, 9, 17]
    assert {example.inputs["a"]: example.id for example in load(tmp_path, rows[::-1])} == ids
    assert "the same inputs" in refused(tmp_path, [*rows, {"a": 46323}]).what
    assert "the same inputs" in refused(tmp_path, [*rows, {"a": 37458}]).what
    assert "have the id" in refused(tmp_path, [{"id": "x921736e3"}, *rows]).what
    assert "have the id" in refused(tmp_path, [*rows, {"id": ids[46323]}]).what


@given(
    st.lists(
        st.fixed_dictionaries({"id": TEXT.filter(str.strip), "q": TEXT, "n": st.integers() | st.none()}),
        min_size=1,
        max_size=5,
        unique_by=lambda row: slug(str(row["id"])),
    )
)
@settings(max_examples=60)
def test_any_rows_read_alike(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    """Whatever the texts are, each form that can carry the rows gives the same examples."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    (folder / "any.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "any.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    wanted = [(row["id"], {"q": row["q"], "n": row["n"]}) for row in rows]
    for source in ("any.jsonl", "any.json", "any.yaml", rows, pd.DataFrame(rows, dtype=object)):
        assert [(example.id, example.inputs) for example in load(folder, source)] == wanted


@given(st.text(alphabet='[]{},:"\\ \n01aé-#&*!|>', max_size=60), st.sampled_from(["jsonl", "json", "yaml", "csv"]))
@settings(max_examples=300)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str) -> None:
    """Whatever is in a file, it gives examples or an ExampleError that names it, and nothing else."""
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"fuzz.{suffix}"
    path.write_text(text, encoding="utf-8")
    try:
        examples = load(folder, path)
    except ExampleError as error:
        places = [str(error.where)]
    else:
        places = [example.where for example in examples]
    assert all(place.startswith(str(path)) for place in places)


def test_examples_survive_the_wire(tmp_path: Path) -> None:
    """Plain values and back give equal examples."""
    for example in load(tmp_path, ROWS):
        assert Example.from_wire(example.to_wire()) == example
