"""When two outputs say the same: what may differ, and what may not."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_promptreg.equality import NO_JSON, normal, parse_json, parsed, same

PIECES = st.sampled_from(
    [
        *'ab.é1{}[]:,"',
        "e\u0301",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\n\n\n",
        "\u2028",
        "\x85",
        "\xa0",
        "\u3000",
        "\x0c",
    ]
)
TEXTS = st.lists(PIECES, max_size=20).map("".join) | st.text(max_size=30)
LINES = st.lists(st.text(alphabet="ab é", max_size=8).map(str.strip), min_size=1, max_size=6)
KEYS = st.text(alphabet="abé \u0301", max_size=4).map(lambda key: unicodedata.normalize("NFC", key))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
JSON = st.lists(VALUES, max_size=4) | st.dictionaries(KEYS, VALUES, max_size=4)


def shuffled(value: Any) -> Any:
    """The value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(TEXTS, TEXTS)
@settings(max_examples=150)
def test_sameness_is_mutual(text: str, other: str) -> None:
    """Every text is the same as itself, and as another one only if that is the same as it."""
    assert same(text, text)
    assert same(text, other) == same(other, text)


@given(TEXTS)
@example(" a \n\n\n\n b ")
@settings(max_examples=200)
def test_the_normal_form_is_the_same_text_in_its_final_form(text: str) -> None:
    """It says the same as the text, and normalising it again changes nothing; words neither come nor go."""
    form = normal(text)
    assert same(text, form)
    assert normal(form) == form
    assert form.split() == unicodedata.normalize("NFC", text).split()


@given(LINES)
@settings(max_examples=100)
def test_line_ends_and_spaces_at_their_ends_do_not_count(lines: list[str]) -> None:
    """Whichever line ends a text has, and whatever white space before them, it says the same."""
    text = "\n".join(lines)
    for end in ("\r\n", "\r", " \n", "\t\r\n", "\u2028"):
        assert same(end.join(lines) + end, text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Paris.", " Paris.\n"),
        ("a b", "a  b"),
        ("a b", "a\xa0b"),
        ("one\n\ntwo", "one\n\n\n\ntwo"),
        ("one\n\ntwo", "one\n \t\ntwo"),
        ("café", "cafe\u0301"),
        ("", " \n\t"),
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
        ('{"é": 1}', '{"e\u0301": 1}'),
        ("[1, 2]", "\n[\n  1,\n  2\n]\n"),
    ],
)
def test_white_space_form_and_spelling_of_json_do_not_count(text: str, other: str) -> None:
    """These say the same."""
    assert same(text, other)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Paris.", "Paris"),
        ("Yes", "yes"),
        ("ab", "a b"),
        ("one\ntwo", "one two"),
        ("one\ntwo", "one\n\ntwo"),
        ("if x:\n    y", "if x:\n  y"),
        ("if x:\n    y", "if x:\ny"),
        ("a\tb", "ab"),
        ("", "\u200b"),
        ("2", "²"),
        ('{"a": 36}', '{"a": "36"}'),
        ('{"a": 36}', '{"a": 36.0}'),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": null}', "{}"),
        ('{"a": 0}', '{"a": -0.0}'),
        ("[1, 2]", "[2, 1]"),
        ("[1, 2]", "[1, 2"),
        ('{"a": 1}', '{"a": 1, "a": 1}'),
        ('{"a": 1}', '```json\n{"a": 1}\n```'),
        ("[NaN]", "[ NaN ]"),
        ("36", "36.0"),
        ('"a"', "'a'"),
    ],
)
def test_everything_else_counts(text: str, other: str) -> None:
    """Words, case, punctuation, line breaks, indentation, types and order of lists are what a text says."""
    assert not same(text, other)


@given(JSON, st.sampled_from([None, 0, 2]))
@settings(max_examples=150)
def test_json_says_the_same_in_any_layout(value: Any, indent: int | None) -> None:
    """Key order, indentation and escapes do not count."""
    other = json.dumps(shuffled(value), indent=indent, ensure_ascii=False)
    assert same(json.dumps(value), f" {other}\n")
    assert parsed(other) == parsed(json.dumps(value)) != NO_JSON


@given(JSON, JSON)
@settings(max_examples=150)
def test_json_of_other_values_is_not_the_same(value: Any, other: Any) -> None:
    """Two values that JSON itself tells apart do not say the same, white space within their texts aside."""
    one, another = (json.dumps(item, sort_keys=True) for item in (value, other))
    assume(" ".join(one.split()) != " ".join(another.split()))
    assert not same(one, another)


@given(JSON)
@settings(max_examples=100)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    """An object or array comes back with its values and their types."""
    assert json.dumps(parse_json(f"\n {json.dumps(value)} ")) == json.dumps(value)


@given(JSON)
@settings(max_examples=100)
def test_a_truncated_json_is_none(value: Any) -> None:
    """No beginning of an object or array is one."""
    text = json.dumps(value)
    assert all(parse_json(text[:end]) is NO_JSON for end in range(len(text)))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "]",
            "36",
            "null",
            '"text"',
            "{]",
            "[1,]",
            "{'a': 1}",
            '{"a": 1} {"b": 2}',
            "[1] and [2]",
            "{{ name }}",
        ),
        *("[NaN]", "[Infinity]", '{"a": 1, "a": 2}', '[{"a": {"b": 1, "b": 1}}]', '```\n{"a": 1}\n```', "[1] # one"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="deep"),
        pytest.param("[" + "1" * 5000 + "]", id="more digits than Python reads"),
    ],
)
def test_what_is_no_json_object_or_array(text: str) -> None:
    """Bare values, broken or ambiguous JSON, and JSON among other text are none; nothing is raised."""
    assert parse_json(text) is NO_JSON
    assert parsed(text) is NO_JSON


def test_null_within_json_is_a_value() -> None:
    """What stands for no JSON is no value of JSON."""
    assert parse_json("[null]") == [None]
    assert parsed("[]") is not NO_JSON


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ('{"a": "x  y"}', '{"a": "x y"}'),
        ('{"a": "x "}', '{"a": "x"}'),
        ("    x = 1\n    y = 2", "x = 1\n    y = 2"),
        ("[1e999]", "[1e998]"),
    ],
)
def test_what_only_looks_the_same_is_not(text: str, other: str) -> None:
    """White space inside JSON's texts counts, and so does the indentation of a first line among indented ones."""
    assert not same(text, other)


@pytest.mark.parametrize("run", [" ", "\t", "\n", " \n", "\u00a0", "[", "{"])
def test_long_runs_of_white_space_are_read_in_one_go(run: str) -> None:
    """A model that loops over spaces does not hold the run up."""
    text = f"a{run * 200_000}b"
    assert same(text, text + " ")
    assert not same(text, "b")


def test_columns_and_digits_count() -> None:
    """A lost cell of a table, and a number beyond a float's digits, are changes."""
    assert not same("Ada\t\tLovelace", "Ada\tLovelace")
    assert not same("Ada\tLovelace\t\t\n", "Ada\tLovelace\t\n")
    assert not same("[9007199254740993.0]", "[9007199254740992.0]")
    assert same("[1.50]", "[1.5]")
    assert same("[1e2]", "[100.0]")
