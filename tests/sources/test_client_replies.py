"""What client packages return becomes one output, with its tokens and its cost."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg import Output, read_reply
from pytest_promptreg.errors import PredictError

CALL = {"name": "find", "arguments": {"a": "x"}}
USAGE = {"input_tokens": 5, "output_tokens": 2}


class Reply:
    """An object such as clients build with pydantic, as far as it matters here."""

    def __init__(self, said: dict[str, Any], **hidden: object) -> None:
        self.said = said
        self._hidden_params = hidden

    def model_dump(self, *, mode: str, warnings: bool) -> dict[str, Any]:
        """As pydantic's models are turned into JSON."""
        assert (mode, warnings) == ("json", False)
        return self.said


def openai(**message: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return {"choices": [{"message": {"role": "assistant", **message}}], "usage": usage}


def responses(*items: dict[str, Any]) -> dict[str, Any]:
    return {"object": "response", "output": [{"type": "reasoning", "summary": []}, *items], "usage": USAGE}


def anthropic(*parts: dict[str, Any]) -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    return {"type": "message", "role": "assistant", "content": [thought, *parts], "usage": USAGE}


def langchain(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "ai", "content": content, "usage_metadata": {**USAGE, "total_tokens": 7}, **more}


def ollama(**message: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", **message}, "prompt_eval_count": 5, "eval_count": 2}


OPENAI_CALL = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"a": "x"}'}}
OUTPUT_TEXT = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
TEXTS = [
    openai(content="Hi"),
    responses(OUTPUT_TEXT),
    anthropic({"type": "text", "text": "H", "citations": None}, {"type": "text", "text": "i"}),
    langchain("Hi"),
    langchain([{"type": "reasoning", "reasoning": "hm"}, "H", {"type": "text", "text": "i"}]),
    {"messages": [{"type": "human", "content": "q"}, langchain("Hi", tool_calls=[])]},
    ollama(content="Hi", thinking="hm", tool_calls=None),
]
CALLS = [
    openai(content=None, tool_calls=[OPENAI_CALL]),
    responses({"type": "function_call", "call_id": "c", "name": "find", "arguments": '{"a": "x"}'}),
    anthropic({"type": "tool_use", "id": "t", "name": "find", "input": {"a": "x"}}),
    langchain("", tool_calls=[{"name": "find", "args": {"a": "x"}, "id": "c", "type": "tool_call"}]),
    ollama(content="", tool_calls=[{"function": {"name": "find", "arguments": {"a": "x"}}}]),
]


@pytest.mark.parametrize("reply", TEXTS)
def test_a_reply_is_its_text_with_its_tokens(reply: dict[str, Any]) -> None:
    """The same answer of each client is the same output, as an object or a dict; what it thought aloud is left out."""
    expected = Output("Hi", input_tokens=5, output_tokens=2)
    assert read_reply(reply) == read_reply(Reply(reply)) == expected


@pytest.mark.parametrize("reply", CALLS)
def test_tool_calls_are_the_same_json_of_each_client(reply: dict[str, Any]) -> None:
    """Name and arguments, without the ids that are drawn for each call."""
    output = read_reply(reply)
    assert json.loads(output.text) == {"tool_calls": [CALL]}
    assert (output.input_tokens, output.output_tokens) == (5, 2)


def test_a_refusal_is_the_text() -> None:
    """Where a model declines in a field of its own, that is what it said."""
    assert read_reply(openai(content=None, refusal="No.")).text == "No."
    assert read_reply(langchain("", additional_kwargs={"refusal": "No."})).text == "No."


def test_a_message_object_in_an_agents_state_is_read() -> None:
    """LangGraph returns a dict of message objects."""
    assert read_reply({"messages": [Reply({"type": "human", "content": "q"}), Reply(langchain("Hi"))]}).text == "Hi"


@pytest.mark.parametrize(
    ("hidden", "cost"), [({"response_cost": 0.25}, 0.25), ({"response_cost": None}, None), ({}, None)]
)
def test_litellms_cost_is_taken(hidden: dict[str, Any], cost: float | None) -> None:
    """It stands beside the reply's own fields; the reply's own cost is nearer."""
    assert read_reply(Reply(openai(content="Hi"), **hidden)).cost_usd == cost
    priced = {**openai(content="Hi"), "usage": {"cost": 0.5}}
    assert read_reply(Reply(priced, **hidden)).cost_usd == 0.5


@pytest.mark.parametrize("reply", [None, "Hi", 3, [], {}, {"text": "Hi"}, object(), openai(content=3), anthropic({})])
def test_what_is_no_reply_is_refused(reply: object) -> None:
    """It says what to return instead."""
    with pytest.raises(PredictError) as refused:
        read_reply(reply)
    assert refused.value.next_step is None or "Output(text" in refused.value.next_step


NAMES = ["choices", "message", "messages", "content", "output", "type", "tool_calls", "usage", "function", "name"]
JSON = st.recursive(
    st.none() | st.integers(-9, 9) | st.sampled_from(["ai", "message", "text", "tool_use", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6))
def test_any_json_is_an_output_or_an_error(reply: dict[str, Any]) -> None:
    """A damaged reply ends in no traceback."""
    with contextlib.suppress(PredictError):
        assert isinstance(read_reply(reply).text, str)
