"""What models answer, in the forms that are about, becomes one output."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import PredictError
from pytest_promptreg.model import Output
from pytest_promptreg.sources.replies import read, read_chat
from pytest_promptreg.text import canonical_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "messages", "content", "output", "type", "role", "tool_calls", "usage", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@dataclass
class Answer:
    """One of MLflow's own classes, as far as it matters here."""

    text: str

    def to_dict(self) -> dict[str, str]:
        """As MLflow's classes are turned into JSON."""
        return {"text": self.text, "more": ""}


def message(**parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **parts}}]}


CALL = {"id": "call_9f3", "type": "function", "function": {"name": "find", "arguments": '{"b": 1, "a": "x"}'}}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("a", "a"),
        ("", ""),
        (["a"], "a"),
        (("a",), "a"),
        ([""], ""),
        (["a", "b"], canonical_json(["a", "b"], indent=2)),
        ([], "[]"),
        ({"b": 1, "a": 2}, '{\n  "a": 2,\n  "b": 1\n}'),
        ({"a": "x"}, '{\n  "a": "x"\n}'),
        ([{"a": "x"}], "x"),
        ([{"a": {"b": 1}}], '{\n  "b": 1\n}'),
        ([{"a": "x", "b": "y"}], canonical_json({"a": "x", "b": "y"}, indent=2)),
        (3, "3"),
        (True, "true"),
        ([0.5], "0.5"),
        (np.array(["a"]), "a"),
        (np.array([1, 2]), canonical_json([1, 2], indent=2)),
        (np.float64(0.5), "0.5"),
        (pd.Series(["a"], index=[7]), "a"),
        (pd.DataFrame({"out": ["a"]}), "a"),
        (pd.DataFrame({"out": ["a"], "n": [np.int64(1)]}), canonical_json({"n": 1, "out": "a"}, indent=2)),
        (Answer("a"), canonical_json({"text": "a", "more": ""}, indent=2)),
        ([Answer("a")], canonical_json({"text": "a", "more": ""}, indent=2)),
        (Output("a", cost_usd=1.0), "a"),
        (message(content="a"), "a"),
        ([message(content="a")], "a"),
        ({"choices": [{"text": "a"}]}, "a"),
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}, "a"),
        (
            {"output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "a"}]}]},
            "a",
        ),
        ({"messages": ["not a chat"], "n": 1}, canonical_json({"messages": ["not a chat"], "n": 1}, indent=2)),
        ({"output": "a", "n": 1}, canonical_json({"output": "a", "n": 1}, indent=2)),
    ],
)
def test_an_answer_is_an_output(answer: Any, text: str) -> None:
    """One element is that element, a row of one column its value, a chat reply its text, anything else JSON."""
    assert read(answer).text == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"content": None}, ""),
        ({"content": ""}, ""),
        ({}, ""),
        ({"content": None, "refusal": "I cannot."}, "I cannot."),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, "no"),
        ({"content": "a", "tool_calls": []}, "a"),
        ({"content": "a", "tool_calls": None}, "a"),
    ],
)
def test_a_message_without_calls_is_its_text(parts: dict[str, Any], text: str) -> None:
    """Parts are joined, a refusal is a text, and nothing is an empty output."""
    assert read_chat(message(**parts)).text == text


def test_tool_calls_are_json_without_their_ids() -> None:
    """The same calls are the same output, whatever ids were drawn for them; a text beside them is kept."""
    call = {"name": "find", "arguments": {"a": "x", "b": 1}}
    assert json.loads(read_chat(message(content=None, tool_calls=[CALL])).text) == {"tool_calls": [call]}
    spelled = {**CALL, "id": "other", "function": {"name": "find", "arguments": '{"a":"x","b":1}'}}
    assert read_chat(message(tool_calls=[CALL])) == read_chat(message(tool_calls=[spelled]))
    assert json.loads(read_chat(message(content="Well.", tool_calls=[CALL])).text) == {
        "content": "Well.",
        "tool_calls": [call],
    }
    broken = {"function": {"name": "find", "arguments": '{"a"'}}
    assert json.loads(read_chat(message(tool_calls=[broken])).text)["tool_calls"][0]["arguments"] == '{"a"'
    item = {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"}
    assert json.loads(read({"output": [item]}).text) == {"tool_calls": [{"name": "find", "arguments": {}}]}


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 0}, (5, 0)),
        ({"input_tokens": 5, "output_tokens": 2}, (5, 2)),
        ({"prompt_tokens": "5", "completion_tokens": None}, (None, None)),
        (None, (None, None)),
        ("many", (None, None)),
    ],
)
def test_tokens_are_the_replys(usage: object, tokens: tuple[int | None, int | None]) -> None:
    """Under either name; what is no number is not known."""
    output = read_chat({**message(content="a"), "usage": usage})
    assert (output.input_tokens, output.output_tokens) == tokens


@pytest.mark.parametrize("answer", [None, [None], object(), [object()], {"a": object()}])
def test_what_is_no_output_is_an_error(answer: object) -> None:
    """Nothing at all is not an empty output."""
    with pytest.raises(PredictError):
        read(answer)


@settings(max_examples=300)
@given(JSON)
def test_any_json_is_an_output_or_an_error(answer: Any) -> None:
    """No answer of a server's ends in a traceback."""
    for reader in (read, read_chat) if isinstance(answer, dict) else (read,):
        with contextlib.suppress(PredictError):
            assert isinstance(reader(answer).text, str)
