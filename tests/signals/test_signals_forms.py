"""The form of an answer: there at all, JSON with its shape, text or code, its language, its length."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.signals import Finding, look
from pytest_promptreg.signals.kind import Kind, kind

KEPT = Finding(1.0, "")
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.lists(JSONS, max_size=3) | st.dictionaries(st.text(max_size=5), JSONS, max_size=3)

CODE = 'def area(w, h):\n    """The area."""\n    # in square metres\n    total = w * h\n    return total\n'
PROSE = "The area of a rectangle is its width times its height. Both are given in metres."
LIST = "Take these:\n\n- flour\n- eggs\n- milk"
MIXED = f"Multiply both sides:\n\n```python\n{CODE}```\n\nThat is all."
FENCED = f"```python\n{CODE}```"


def found(name: str, output: str, baseline: str) -> Finding:
    return look(output, baseline, [name])[name]


@pytest.mark.parametrize("output", ["", " \n\t ", "\u200b", "\ufeff\n", "\u00a0\u3000", "\x00"])
def test_nothing_to_see_is_empty(output: str) -> None:
    """White space and invisible characters are no answer where the baseline has one."""
    assert found("nonempty", output, "Yes.").value == 0
    assert found("nonempty", output, "  ") == KEPT
    assert found("nonempty", "Yes.", output) == KEPT


def test_an_emoji_is_an_answer() -> None:
    """What can be seen is no emptiness."""
    assert found("nonempty", "👍", "Yes.") == KEPT


@pytest.mark.parametrize(
    ("output", "detail"),
    [
        ('{"a": 1', "JSON -> JSON that does not end"),
        ("{'a': 1}", "JSON -> broken JSON"),
        ('Here it is: {"a": 1}', "JSON -> text"),
        ('```json\n{"a": 1}\n```', "JSON -> code fence"),
        ("", "JSON -> nothing"),
        ('{"a": NaN}', "JSON -> broken JSON"),
    ],
)
def test_json_that_is_none_any_more_is_named(output: str, detail: str) -> None:
    """Truncated, broken, wrapped or explained JSON is not valid, and the detail says which."""
    for name in ("json_valid", "json_shape"):
        assert found(name, output, '{"a": 1}') == Finding(0.0, detail)


def test_a_baseline_that_is_no_json_asks_for_none() -> None:
    """Text, numbers and quoted strings are no documents."""
    for baseline in ("Yes.", "42", '"yes"', "", "{not json}"):
        assert found("json_valid", "No.", baseline) == KEPT
        assert found("json_shape", '{"a": 1}', baseline) == KEPT


def test_fenced_json_is_read_through_its_fence() -> None:
    """Where the baseline's JSON stands in a fence, so may the output's, and its shape counts all the same."""
    baseline = '```json\n{"age": 36}\n```'
    assert found("json_shape", '```json\n{"age": 37}\n```', baseline) == KEPT
    assert found("json_shape", '```json\n{"age": "37"}\n```', baseline).detail == "$.age number -> string"
    assert found("json_valid", '```json\n{"age": 3\n```', baseline).value == 0


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ({"a": 2, "b": "y"}, {"b": "x", "a": 1}, 1, ""),
        ({"a": "36"}, {"a": 36}, 1 / 3, "$.a number -> string"),
        ({"a": 1}, {"a": 1, "total": 2.5}, 2 / 3, "lost $.total (number)"),
        ({"a": 1, "total": 2.5}, {"a": 1}, 2 / 3, "gained $.total (number)"),
        ({"sum": 1}, {"total": 1}, 1 / 3, "lost $.total (number); gained $.sum (number)"),
        ({"a": 1.0}, {"a": 1}, 1, ""),
        ({"a": True}, {"a": 1}, 1 / 3, "$.a number -> boolean"),
        ([], {}, 0, "$ object -> array"),
        ({"items": []}, {"items": [{"id": 1}]}, 1, ""),
        ({"items": [{"id": 1}]}, {"items": []}, 1, ""),
        ({"items": [{"id": 1}, {"id": 2}]}, {"items": [{"id": 7}]}, 1, ""),
        ({"items": [{"id": "1"}]}, {"items": [{"id": 7}]}, 3 / 5, "$.items[].id number -> string"),
        ({"items": [1]}, {"items": {"id": 7}}, 1 / 5, None),
        ({"items": [{"id": 1}]}, {"items": [{"id": 1, "note": "x"}, {"id": 2}]}, 1, ""),
        ({"a": "unknown"}, {"a": None}, 1 / 3, "$.a null -> string"),
        ({"a": {"b": 1}}, {"a": None}, 1 / 4, None),
        ({"a": None}, {"a": 3}, 1 / 3, "$.a number -> null"),
        ({}, {"a": None}, 1 / 2, "lost $.a (null)"),
        ({"l": [2, 3]}, {"l": [1, None]}, 1, ""),
        ({"l": [{"a": 1}]}, {"l": [{"a": None}, {"a": 2}]}, 1, ""),
        ({"l": [1]}, {"l": [1, None]}, 1, ""),
        ({"l": [None]}, {"l": [1, None]}, 1, ""),
        ({"a": "x"}, {"a": {"b": 1, "c": [1]}}, 1 / 6, "$.a object -> string"),
        ({"odd key": 1}, {"odd key": "1"}, 1 / 3, "$['odd key'] string -> number"),
    ],
)
def test_a_shape_is_keys_and_types(output: Any, baseline: Any, value: float, detail: str | None) -> None:
    """Lost keys and changed types are named; values, order, empty arrays and optional fields do not count."""
    finding = found("json_shape", json.dumps(output), json.dumps(baseline))
    assert finding.value == pytest.approx(value)
    if detail is not None:
        assert finding.detail == detail


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=150)
def test_shapes_lie_between_0_and_1(output: Any, baseline: Any) -> None:
    """Any two documents have a shape score, a document fits itself, and a change is named."""
    text, other = json.dumps(output), json.dumps(baseline)
    finding = found("json_shape", text, other)
    assert 0 <= finding.value <= 1
    assert bool(finding.detail) == (finding.value < 1)
    assert found("json_shape", text, text) == KEPT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Kind.EMPTY),
        (PROSE, Kind.TEXT),
        (LIST, Kind.LIST),
        ("1. Wash it.\n2. Dry it.", Kind.LIST),
        ("# Title\n\nOne line of text.\n\n## More\n\nAnother line.", Kind.TEXT),
        ("x = 3\ny = 4", Kind.TEXT),
        ("Force = mass x acceleration", Kind.TEXT),
        ("Return the book by Friday.", Kind.TEXT),
        ("If it rains, then:", Kind.TEXT),
        ("for example:", Kind.TEXT),
        ("return to sender (or not).", Kind.TEXT),
        ("<b>Hi</b> there", Kind.TEXT),
        ("name = Ann\nage = 5", Kind.TEXT),
        ("Select a colour from the menu.", Kind.TEXT),
        ("Use `pip install x` first; then run it.", Kind.TEXT),
        ("It costs 5 euros (or 6);\nit weighs 2 kg.", Kind.TEXT),
        (CODE, Kind.CODE),
        ("return a + b", Kind.CODE),
        ("count = 0\nfor digit in str(n):\n    count += int(digit)\nreturn count", Kind.CODE),
        ("SELECT name FROM users WHERE age > 30;", Kind.CODE),
        ("const total = items.reduce((a, b) => a + b, 0);\nconsole.log(total);", Kind.CODE),
        ("<ul>\n  <li>One</li>\n</ul>", Kind.CODE),
        (FENCED, Kind.FENCED),
        ("~~~\nx\n~~~", Kind.FENCED),
        ("````\n```\n````", Kind.FENCED),
        ("```python\nx = 1```", Kind.FENCED),
        ("```x = 1```", Kind.FENCED),
        ("```a\n1\n```\n\n```b\n2\n```", Kind.FENCED),
        (MIXED, Kind.MIXED),
        ("```python\nx = 1\n", Kind.UNCLOSED),
        ("Here:\n```\nx = 1", Kind.UNCLOSED),
        ("Write ``` to open a fence.", Kind.TEXT),
        ('{"a": 1}', Kind.JSON),
        ("[1, 2]", Kind.JSON),
        ('{"a": "```"}', Kind.JSON),
        ("[see below]", Kind.TEXT),
    ],
)
def test_the_form_of_an_answer(text: str, expected: Kind) -> None:
    """Text, list, bare code, JSON and code fences are told apart, and an unclosed fence is its own form."""
    assert kind(text) is expected


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        (FENCED, CODE, 0, "bare code -> code fence"),
        (MIXED, CODE, 0, "bare code -> text with a code block"),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 0, "JSON -> code fence"),
        (PROSE, '{"a": 1}', 0, "JSON -> text"),
        (FENCED[:-3], FENCED, 0, "code fence -> code fence without its end"),
        (LIST, PROSE, 0.5, "text -> list"),
        (PROSE, MIXED, 0.5, "text with a code block -> text"),
        (MIXED, FENCED, 0.5, "code fence -> text with a code block"),
        (PROSE, FENCED, 0, "code fence -> text"),
        (PROSE, "Another text.", 1, ""),
        (FENCED, "```js\nlet a;\n```", 1, ""),
        ("", PROSE, 0, "text -> nothing"),
    ],
)
def test_a_change_of_form(output: str, baseline: str, value: float, detail: str) -> None:
    """What breaks a reader scores 0; what models do by themselves scores half and meets the default gate."""
    assert found("output_kind", output, baseline) == Finding(value, detail)


FRENCH = "Le musée est ouvert tous les jours et il est gratuit pour les enfants de la ville."
GERMAN = "Das Museum ist jeden Tag geöffnet und der Eintritt ist für die Kinder der Stadt nicht zu bezahlen."
ENGLISH = "The museum is open every day and it is free for the children of the town."
SPANISH = "El museo está abierto todos los días y es gratis para los niños de la ciudad."
ITALIAN = "Il museo è aperto tutti i giorni ed è gratuito per i bambini della città che non sono grandi."
PORTUGUESE = "O museu está aberto todos os dias e é gratuito para as crianças da cidade que não são grandes."
DUTCH = "Het museum is elke dag open en het is gratis voor de kinderen van de stad."
LANGUAGES = [ENGLISH, FRENCH, GERMAN, SPANISH, ITALIAN, PORTUGUESE, DUTCH]


@pytest.mark.parametrize("output", LANGUAGES)
@pytest.mark.parametrize("baseline", LANGUAGES)
def test_a_language_of_europe_that_changed_is_seen(output: str, baseline: str) -> None:
    """Another language in the same letters is a change, the same one is none."""
    finding = found("script", output, baseline)
    assert finding.value == float(output == baseline)
    assert (" -> " in finding.detail) == (output != baseline)


@pytest.mark.parametrize(
    ("output", "baseline", "value"),
    [
        ("Да, конечно.", "Yes, of course.", 0),
        ("这是一个很好的问题。", "That is a good question.", 0),
        ("東京は晴れです。", "今天天气很好。", 0),
        ("是", "Yes", 0),
        ("α", "x", 1),
        ("42", "forty-two", 1),
        ("👍", "Да", 1),
        ("", "Yes", 1),
        ("Use pandas 的 read_csv 函数读取文件 data.csv", "用 pandas 的 read_csv 函数读取 data.csv", 1),
        ("The word for peace is мир.", "The word for peace is paix.", 1),
        ("Rodin: Le Penseur, La Porte de l'Enfer, Les Bourgeois de Calais.", "He made The Thinker and The Gates.", 1),
        ("John as Tom, Ann as Kim, Joe as Sam, Lea as Pat", "The cast of the film is not known to me at all.", 1),
        ("Oui.", "Yes.", 1),
    ],
)
def test_a_writing_system_that_changed_is_seen(output: str, baseline: str, value: float) -> None:
    """Other main letters are a change; single signs, names, labels and mixtures are none."""
    assert found("script", output, baseline).value == value


@pytest.mark.parametrize(
    ("output", "baseline", "ratio", "detail"),
    [
        ("ab  \n cd", "ab cd", 1, ""),
        ("", "", 1, ""),
        (" ", "\n", 1, ""),
        ("abcd", "", 4, ""),
        ("", "a" * 40, 0, "0% of the length (0 characters, the baseline 40)"),
        ("a" * 100, "a" * 25, 4, "4.0 times as long (100 characters, the baseline 25)"),
        ("a" * 10, "a" * 40, 0.25, "25% of the length (10 characters, the baseline 40)"),
        ("a" * 60, "a" * 40, 1.5, ""),
        ("positive, I think", "no", 8.5, ""),
    ],
)
def test_the_length_ratio_is_plain(output: str, baseline: str, ratio: float, detail: str) -> None:
    """Characters for characters, white space runs as one; of two labels nothing is said."""
    assert found("length_ratio", output, baseline) == Finding(ratio, detail)
