"""Model providers on this machine: what OpenAI, Anthropic and Ollama answer, of a model that knows what to say.

Each speaks its provider's protocol as far as the clients of the recipes look; what they were asked is kept.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_THINKS_S = 0.08  # what takes less than 50 ms is no model's, and reports leave its time out
Say = Callable[[Mapping[str, Any]], "str | ToolCall"]


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool that the model asks for in place of an answer."""

    name: str
    arguments: Mapping[str, Any]


@dataclass
class Provider:
    """A server of all these protocols.

    :param say: what the model says to a request's body.
    :param url: where it is, without a path.
    :param asked: the path and the body of each request.
    :param refuse: statuses of the next requests, which are then used up.
    """

    say: Say
    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuse: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What makes the clients ask here, with keys that open nothing."""
        return {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": "none",
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "none",
            "OLLAMA_HOST": self.url,
        }


def text_of(body: Mapping[str, Any]) -> str:
    """All that a request says to the model, as one text."""
    parts = [body.get("system", ""), body.get("input", "")]
    parts += [message.get("content") for message in body.get("messages", ())]
    return "\n".join(part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts if part)


class _Server(ThreadingHTTPServer):
    """Takes as many connections at once as a run opens; more than five would be refused else."""

    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def serving(say: Say) -> Iterator[Provider]:
    """A provider whose model says this, for the time of a block."""
    provider = Provider(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            provider.asked.append((self.path, body))
            time.sleep(_THINKS_S)
            status = provider.refuse.pop(0) if provider.refuse else 200
            answer = {"error": {"message": "not now"}} if status != 200 else _ANSWERS[self.path](body, provider.say)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield provider
        server.shutdown()
        thread.join()


def _tokens(text: str) -> int:
    return math.ceil(len(text) / 4)


def _openai(body: Mapping[str, Any], say: Say) -> dict[str, Any]:
    said = say(body)
    message: dict[str, Any] = {"role": "assistant", "content": said, "refusal": None}
    if isinstance(said, ToolCall):
        function = {"name": said.name, "arguments": json.dumps(dict(said.arguments))}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    sent, made = _tokens(text_of(body)), _tokens(str(said))
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795000000,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}],
        "usage": {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made},
    }


def _anthropic(body: Mapping[str, Any], say: Say) -> dict[str, Any]:
    assert all(message["role"] in {"user", "assistant"} for message in body["messages"])
    said = say(body)
    part: dict[str, Any] = {"type": "text", "text": said}
    if isinstance(said, ToolCall):
        part = {"type": "tool_use", "id": "toolu_1", "name": said.name, "input": dict(said.arguments)}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [part],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _tokens(text_of(body)), "output_tokens": _tokens(str(said))},
    }


def _ollama(body: Mapping[str, Any], say: Say) -> dict[str, Any]:
    assert body["stream"] is False
    said = say(body)
    message: dict[str, Any] = {"role": "assistant", "content": said}
    if isinstance(said, ToolCall):
        message |= {
            "content": "",
            "tool_calls": [{"function": {"name": said.name, "arguments": dict(said.arguments)}}],
        }
    return {
        "model": body["model"],
        "created_at": "2026-11-21T12:00:00Z",
        "message": message,
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": _tokens(text_of(body)),
        "eval_count": _tokens(str(said)),
    }


_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Say], dict[str, Any]]] = {
    "/v1/chat/completions": _openai,
    "/v1/messages": _anthropic,
    "/api/chat": _ollama,
}
