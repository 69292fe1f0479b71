"""The values that travel: outputs as predict returns them."""

from __future__ import annotations

import decimal
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.errors import PredictError
from pytest_promptreg.model import Output


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_is_an_output(text: str) -> None:
    """A str, lone surrogates included, becomes an output that a file can hold, and an output stays itself."""
    output = Output.of(text)
    assert output.text.encode() == text.encode("utf-8", "replace")
    assert Output.of(output) is output


@pytest.mark.parametrize("value", [{"b": 1, "a": "é"}, [1, {"x": None}], {}, []])
def test_values_are_kept_as_canonical_json(value: Any) -> None:
    """A dict or list becomes its JSON, sorted and on lines, whatever the order of its keys was."""
    text = Output.of(value).text
    assert json.loads(text) == value
    assert text == json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"x", (1,), {1, 2}, object(), {"a": object()}, [{1: 0, "b": 0}]])
def test_anything_else_is_refused(value: object) -> None:
    """None and everything that is neither text nor JSON is an error of predict, named by its type."""
    with pytest.raises(PredictError, match=f"{type(value).__name__} .*is no output"):
        Output.of(value)


def test_a_cycle_is_refused() -> None:
    """A value that contains itself is an error, not a hang."""
    value: list[object] = []
    value.append(value)
    with pytest.raises(PredictError, match="no JSON"):
        Output.of(value)


@pytest.mark.parametrize("text", [None, 5, {"a": 1}, b"x"])
def test_the_text_of_an_output_is_text(text: Any) -> None:
    """Output(text=...) of anything but a str is refused at once, with what to do."""
    with pytest.raises(PredictError, match="takes a str") as error:
        Output(text)
    assert "json.dumps" in str(error.value.next_step)


def test_numbers_are_pythons_own() -> None:
    """Tokens, cost and latency of any number type become int and float: what travels between processes."""
    output = Output("x", np.int64(3), np.float64(4.0), decimal.Decimal("0.25"), np.float32(0.5))  # type: ignore[arg-type]
    assert output == Output("x", 3, 4, 0.25, 0.5)
    kinds = [type(value) for value in (output.input_tokens, output.output_tokens, output.cost_usd, output.latency_s)]
    assert kinds == [int, int, float, float]
    assert Output("x").input_tokens is None


@pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "cost_usd", "latency_s"])
@pytest.mark.parametrize("value", ["many", object(), [1]])
def test_what_is_no_number_is_refused(field: str, value: object) -> None:
    """Usage that is no number is refused by the name of its field."""
    with pytest.raises(PredictError, match=field):
        Output("x", **{field: value})  # type: ignore[arg-type]
