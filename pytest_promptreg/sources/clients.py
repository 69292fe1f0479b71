"""What the client packages of model providers return for a call, as an output.

None of them is imported: a reply is known by what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import PredictError
from ..model import Output
from .replies import excerpt, jsonable, number, parts_text, read_chat, with_calls

_Reply = Mapping[str, Any]
_NEXT_STEP = "return its text itself, or pytest_promptreg.Output(text, input_tokens=..., output_tokens=...)"


class _Form(NamedTuple):
    """How the replies of one client look.

    :param fits: whether a reply looks so.
    :param read: its output; may raise LookupError, TypeError, ValueError or AttributeError for one that is damaged.
    """

    fits: Callable[[_Reply], bool]
    read: Callable[[_Reply], Output]


def read_reply(reply: object) -> Output:
    """The output in what a client returned: its text and tokens, and its cost where the reply says it.

    It knows the replies of ``openai`` (chat completions and responses), ``litellm``, ``anthropic``, ``ollama``,
    LangChain's messages, and what an agent of LangGraph returns, as objects or as the dicts that they are made of.

    Where a reply has no text, the refusal is the text. Tool calls are JSON (``{"tool_calls": [{"name": ...,
    "arguments": ...}]}``, with the text as ``content``), without their ids, which are drawn anew for each call.

    :raises PredictError: when it is no such reply.
    """
    said = jsonable(reply)
    try:
        form = next((form for form in _FORMS if isinstance(said, Mapping) and form.fits(said)), None)
        output = form.read(said) if form else None
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise PredictError(f"a reply without a message: {excerpt(said)}", next_step=_NEXT_STEP) from exc
    if output is None:
        raise PredictError(f"{type(reply).__name__} is no reply of a client that is known", next_step=_NEXT_STEP)
    return output if output.cost_usd is not None else replace(output, cost_usd=_litellm_cost(reply))


def _from_anthropic(reply: _Reply) -> Output:
    calls = [(part["name"], part["input"]) for part in reply["content"] if part["type"] == "tool_use"]
    spoken = [part for part in reply["content"] if part["type"] == "text"]
    return _output(parts_text(spoken), calls, reply.get("usage"), ("input_tokens", "output_tokens"))


def _from_langchain(message: _Reply) -> Output:
    text = parts_text(message.get("content")) or parts_text((message.get("additional_kwargs") or {}).get("refusal"))
    calls = [(call["name"], call["args"]) for call in message.get("tool_calls") or ()]
    return _output(text, calls, message.get("usage_metadata"), ("input_tokens", "output_tokens"))


def _from_ollama(reply: _Reply) -> Output:
    message = reply["message"]
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or ()]
    return _output(parts_text(message.get("content")), calls, reply, ("prompt_eval_count", "eval_count"))


def _output(text: str, calls: Sequence[tuple[str, Any]], usage: Any, names: tuple[str, str]) -> Output:
    """An output of what was said and called, with the tokens that ``usage`` has under these names."""
    usage = usage if isinstance(usage, Mapping) else {}
    sent, made = (number(usage.get(name)) for name in names)
    said = with_calls(text, [{"name": name, "arguments": arguments} for name, arguments in calls])
    return Output(
        said,
        input_tokens=None if sent is None else int(sent),
        output_tokens=None if made is None else int(made),
    )


def _litellm_cost(reply: object) -> float | None:
    """What LiteLLM says that a call cost, beside the reply's own fields; None where it knows no price."""
    hidden = getattr(reply, "_hidden_params", None)
    return number(hidden.get("response_cost")) if isinstance(hidden, Mapping) else None


def _is_langchain(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("type") in {"ai", "AIMessageChunk"}


def _last_message(reply: _Reply) -> Any:
    messages = reply.get("messages")
    return messages[-1] if isinstance(messages, list) and messages else None


_FORMS = (
    _Form(lambda reply: reply.get("type") == "message" and isinstance(reply.get("content"), list), _from_anthropic),
    _Form(_is_langchain, _from_langchain),
    _Form(lambda reply: _is_langchain(_last_message(reply)), lambda reply: _from_langchain(_last_message(reply))),
    _Form(lambda reply: isinstance(reply.get("message"), Mapping), _from_ollama),
    _Form(lambda reply: any(isinstance(reply.get(n), list) for n in ("choices", "output", "messages")), read_chat),
)
