"""What models answer, in the forms that are about, as an output."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PredictError
from ..model import Output
from ..report.escape import one_line
from ..text import DEEPEST, canonical_json, plain

_TOKENS = (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens"))


def read(value: Any) -> Output:
    """The output in what a model returned for one example.

    - a text is the output;
    - a list, frame, series or array of one element is that element, and a row of one column its value;
    - ``{"choices": ...}``, ``{"output": [...]}`` and ``{"messages": [...]}``, as chat models and agents answer, are the
      text of the message: see :func:`read_chat`;
    - any other dict or list is kept as canonical JSON, and so is a number.

    :raises PredictError: for what is none of these, None included.
    """
    if isinstance(value, Output | str):
        return Output.of(value)
    value = jsonable(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
        if isinstance(value, dict) and len(value) == 1 and not _is_chat(value):
            value = next(iter(value.values()))
    if isinstance(value, dict) and _is_chat(value):
        return read_chat(value)
    if isinstance(value, bool | int | float):
        value = canonical_json(value)
    return Output.of(value)


def read_chat(reply: Mapping[str, Any]) -> Output:
    """The output in a chat completion, a response of OpenAI's Responses or what an MLflow ChatAgent returns.

    The text is the message's; where it has none, its refusal. Tool calls are JSON, name and arguments without the
    ids, which are drawn anew for each call. A message with nothing in it is an empty output.

    :raises PredictError: when there is no message.
    """
    usage = reply.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    tokens = [
        next((n for pair in _TOKENS if (n := number(usage.get(pair[side]))) is not None), None) for side in (0, 1)
    ]
    return Output(
        _chat_text(reply),
        input_tokens=None if tokens[0] is None else int(tokens[0]),
        output_tokens=None if tokens[1] is None else int(tokens[1]),
        cost_usd=number(usage.get("cost")),
    )


def _is_chat(value: Mapping[str, Any]) -> bool:
    return any(
        isinstance(items := value.get(name), list)
        and items
        and isinstance(items[0], dict)
        and bool(marks & set(items[0]))
        for name, marks in (("choices", {"message", "text"}), ("messages", {"role"}), ("output", {"type"}))
    )


def _chat_text(reply: Mapping[str, Any]) -> str:
    try:
        if "choices" in reply:
            choice = reply["choices"][0]
            return str(choice["text"]) if "message" not in choice else _message_text(choice["message"])
        if "messages" in reply:
            return _message_text(reply["messages"][-1])
        items = reply["output"]
        parts = [parts_text(item["content"]) for item in items if item.get("type") == "message"]
        calls = [_call(item) for item in items if item.get("type") == "function_call"]
        return with_calls("".join(parts), calls)
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as exc:
        raise PredictError(f"a reply without a message: {excerpt(reply)}") from exc


def _message_text(message: Mapping[str, Any]) -> str:
    text = parts_text(message.get("content")) or parts_text(message.get("refusal"))
    return with_calls(text, [_call(call["function"]) for call in message.get("tool_calls") or ()])


def parts_text(content: Any) -> str:
    """The text of a message's content, which is a text or a list of parts; what a model thinks aloud is not said."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = (part if isinstance(part, str) else part.get("text") or part.get("refusal") or "" for part in content)
    return "".join(map(str, texts))


def with_calls(text: str, calls: Sequence[dict[str, Any]]) -> str:
    """The text of a message; with tool calls, both as JSON.

    :param calls: of each its ``name`` and ``arguments``.
    """
    if not calls:
        return text
    return canonical_json({"content": text, "tool_calls": calls} if text else {"tool_calls": calls}, indent=2)


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    """A tool call with its arguments as JSON where they are some."""
    arguments = function.get("arguments")
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        arguments = plain(json.loads(arguments)) if isinstance(arguments, str) else arguments
    return {"name": function["name"], "arguments": arguments}


def jsonable(value: Any, _room: int = DEEPEST) -> Any:
    """``value`` made of JSON's own types; rows of a frame are dicts.

    :raises PredictError: for what has no such form, or is nested too deep.
    """
    if not _room:
        raise PredictError(f"the model returned no output: it is nested too deep ({DEEPEST} levels)")
    if hasattr(value, "model_dump"):  # pydantic
        value = value.model_dump(mode="json", warnings=False)  # of a reply that was parsed, pydantic warns
    elif hasattr(value, "to_dict") and hasattr(value, "columns"):  # a frame, without importing pandas
        value = value.to_dict("records")
    elif hasattr(value, "to_dict") and not hasattr(value, "tolist"):  # MLflow's own dataclasses
        value = value.to_dict()
    if isinstance(value, list):
        return [jsonable(item, _room - 1) for item in value]
    if isinstance(value, dict):
        value = {name: jsonable(item, _room - 1) for name, item in value.items()}
    try:
        return plain(value)
    except TypeError as exc:
        raise PredictError(f"the model returned no output: {exc}") from exc


def number(value: Any) -> float | None:
    """A number of JSON's that is finite; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with contextlib.suppress(OverflowError):  # a whole number that is no float any more
        return float(value) if math.isfinite(value) else None
    return None


def excerpt(reply: Any) -> str:
    """The beginning of a reply, for a message."""
    try:
        return one_line(json.dumps(reply, ensure_ascii=False, default=str)[:2_000], 200)
    except (ValueError, RecursionError):
        return "one that is nested too deep"
