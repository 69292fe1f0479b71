"""Which values of a JSON document stand in another one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.metrics import MetricSettings, Pair, create
from pytest_promptreg.metrics.fields import LONGEST, is_document

PROSE = "The customer says that the parcel came late, and asks when."
TICKET = {"category": "return", "priority": "high", "order": 17, "tags": ["late", "parcel"], "summary": PROSE}
VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text("ab ", max_size=60)
DOCUMENTS = st.recursive(
    VALUES, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("xyz"), below), max_leaves=8
).map(lambda value: value if isinstance(value, dict | list) else [value])


def share(output: Any, baseline: Any) -> float:
    """What two documents, or texts, score."""
    texts = [text if isinstance(text, str) else json.dumps(text) for text in (output, baseline)]
    (score,) = create("json_fields", MetricSettings()).score([Pair(texts[0], texts[1])])
    return score


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 1.0),
        ({"priority": "low"}, 4 / 5),
        ({"order": 17.0}, 1.0),
        ({"order": "17"}, 4 / 5),
        ({"order": None}, 4 / 5),
        ({"tags": ["parcel", "late"]}, 1.0),
        ({"tags": ["late"]}, 8 / 9),
        ({"tags": []}, 6 / 9),
        ({"tags": ["late", "parcel", "new"]}, 10 / 11),
        ({"summary": "Another sentence, which says the same in quite other words."}, 1.0),
        ({"summary": "n/a"}, 10 / 12),
        ({"more": True}, 10 / 11),
        ({"priority": "low", "category": "other", "order": 1, "tags": ["a", "b"]}, 0.0),
    ],
)
def test_values_are_compared_place_by_place(change: dict[str, Any], expected: float) -> None:
    """A value that flips counts in full, prose that is told otherwise not at all, and neither does an array's order."""
    assert share({**TICKET, **change}, TICKET) == pytest.approx(expected)


def test_true_is_not_one_and_a_number_has_every_digit() -> None:
    """Values of other kinds are others, and numbers are read as they stand."""
    assert share([True], [1]) == share([None], ["None"]) == share([{}], [[]]) == share(["empty"], [[]]) == 0.0
    assert share("[0.1]", "[0.10]") == 1.0
    assert share("[1.00000000000000000001]", "[1]") == 0.0


@pytest.mark.parametrize(
    ("output", "baseline", "expected"),
    [
        ("Broken {", '{"a": 1}', 0.0),
        ('{"a": 1}', "Some text.", 0.0),
        ("One text.", "Another text.", 0.0),
        ("One  text.", "One text.", 1.0),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 1.0),
        (f'["{"x" * (LONGEST + 1)}"]', f'["{"y" * (LONGEST + 1)}"]', 1.0),
        (f'["{"x" * LONGEST}"]', f'["{"y" * LONGEST}"]', 0.0),
    ],
)
def test_what_is_no_document_has_no_values(output: str, baseline: str, expected: float) -> None:
    """Broken JSON has lost everything; of documents of prose alone nothing can be lost; a code fence is read over."""
    assert share(output, baseline) == expected


def test_what_counts_as_a_document() -> None:
    """Objects and arrays, also in a code fence; no bare values, and no text."""
    found = [is_document(text) for text in ("{}", " [1] ", "```\n[1]\n```", "12", "text", "", "```\ntext\n```")]
    assert found == [True, True, True, False, False, False, False]


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=100)
def test_a_share_is_the_same_from_either_side(one: Any, other: Any) -> None:
    """Between 0 and 1, symmetric, and 1 for what is the same."""
    assert 0.0 <= share(one, other) == share(other, one) <= 1.0
    assert share(one, one) == 1.0
    assert share([one, other], [other, one]) == 1.0
