"""Servers are strangers too: whatever they answer is an output or a clear error, and costs no more than it may."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from mutations import distorted

from pytest_promptreg.calls.retrying import trouble_of
from pytest_promptreg.embedders.endpoint import Endpoint
from pytest_promptreg.errors import MetricError, PredictError
from pytest_promptreg.model import Output, Request
from pytest_promptreg.sources import bodies
from pytest_promptreg.sources.predict import predict_from
from pytest_promptreg.sources.replies import read
from pytest_promptreg.sources.web import CallError, Reply, Web
from tests.soak import tries

if TYPE_CHECKING:
    from tests.servers import JsonServer

REQUEST = Request("Say it.", [{"role": "user", "content": "Say it."}], {"q": "x"}, {}, "v1", "e")
KEY = "sk-" + "k3y" * 12
REPLIES: list[Any] = [
    {
        "choices": [{"message": {"role": "assistant", "content": "Said."}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.1},
    },
    {"choices": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": '{"a": [1]}'}}]}}]},
    {"choices": [{"message": {"content": None, "refusal": "No."}}, {"text": "two"}]},
    {"output": [{"type": "message", "content": [{"text": "a"}, {"refusal": "b"}]}]},
    {"output": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
    {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"type": "text", "text": "a"}]}]},
    {"predictions": [{"answer": "x", "score": 0.5}]},
    {"error": {"message": "no", "detail": [{"error": {"message": "deeper"}}]}},
]
VECTORS: Any = {"data": [{"index": 0, "embedding": [0.5, 0.5]}, {"index": 1, "embedding": [1, 0]}]}


@pytest.fixture
def server(json_server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> JsonServer:
    """The server that OPENAI_BASE_URL names, with a key."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{json_server.port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return json_server


def ask(address: str = "openai:/m") -> Output:
    return predict_from(address, "t.py:1")(REQUEST)


def embed() -> object:
    return Endpoint("m").encode(["a", "b"])


def refusal_of(call: Callable[[], object]) -> PredictError | MetricError:
    kinds: tuple[type[PredictError | MetricError], ...] = (CallError, MetricError)
    with pytest.raises(kinds) as caught:
        call()
    return caught.value


@pytest.mark.soak
def test_answers_of_the_wrong_kind_are_outputs_or_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are missing, doubled, or numbers where texts belong never end in another exception."""
    random = Random("answers")  # noqa: S311
    answer: list[Any] = []
    monkeypatch.setattr(Web, "post", lambda *_: Reply(answer[0], {"x-litellm-response-cost": "nan"}))
    for _ in range(tries(300, 200_000)):
        answer[:] = [distorted(random.choice(REPLIES), random)]
        for address in ("openai:/m", "http://host/invocations"):
            try:
                said = ask(address)
            except PredictError:
                continue
            assert isinstance(said.text, str)
            said.text.encode()


@pytest.mark.soak
def test_embeddings_of_the_wrong_kind_are_errors(server: JsonServer) -> None:
    """What is no list of vectors of numbers, one for each text, is the endpoint's error."""
    random = Random("vectors")  # noqa: S311
    for _ in range(tries(25, 5_000)):
        data = json.dumps(distorted(VECTORS, random)).encode()
        server.answers(data)
        try:
            found: Any = embed()
        except MetricError:
            continue
        assert len(found) == 2, data


@pytest.mark.parametrize("call", [ask, embed])
def test_an_answer_without_end_is_left(
    server: JsonServer, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    """Gigabytes, sent as they are or as kilobytes that unpack to them, are left after a bounded part of them."""
    monkeypatch.setattr(bodies, "MOST_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(100_000_000), 9)
    for data, headers in ((b"x" * 2_000_000, {}), (bomb, {"Content-Encoding": "gzip"})):
        for status in (200, 500 if call is ask else 400):
            server.answers(data, status, headers)
            tracemalloc.start(1)
            try:
                assert "an answer of more than 1 MB" in refusal_of(call).what
                assert tracemalloc.get_traced_memory()[1] < 40_000_000
            finally:
                tracemalloc.stop()


def test_an_answer_that_drips_is_left(server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that keeps sending, piece by piece, is left when its time is over."""
    monkeypatch.setattr(bodies, "_LONGEST_S", -1.0)
    server.answers({"choices": []})
    assert "had no end" in refusal_of(ask).what
    assert "had no end" in refusal_of(embed).what


@pytest.mark.parametrize("call", [ask, embed])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" * 200_000, "deep|RecursionError"),
        (b'{"error":' * 900 + b"1" + b"}" * 900, "deep|no choices|RecursionError|KeyError"),
        (b"9" * 5_000, "no JSON|no list|ValueError"),
        (b"\xff\xfe\x00", "no JSON|no list"),
        (b"\x1b]0;title\x07::error::x", "no JSON|no list"),
    ],
)
def test_what_is_no_answer_is_told_in_a_line(
    server: JsonServer, call: Callable[[], object], data: bytes, said: str
) -> None:
    """Nesting without end, numbers without end, and what is no text are errors of one short line of harmless text."""
    server.answers(data)
    error = refusal_of(call)
    assert any(word in error.what for word in said.split("|")), error.what
    assert len(str(error)) < 700
    assert str(error).replace("\n", "").isprintable()


@pytest.mark.parametrize("call", [ask, embed])
@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "gopher://x", "\x1b[2J", ""]
)
def test_no_redirection_is_followed(server: JsonServer, call: Callable[[], object], target: str) -> None:
    """Where a server sends us is told and not asked: not another host, not a file, and never with the key."""
    server.answers({}, 307, {"Location": target.encode("ascii", "ignore").decode()})
    error = refusal_of(call)
    assert "a redirection" in error.what
    assert len(server.paths) == 1
    assert str(error).replace("\n", "").isprintable()


def test_a_wait_without_end_is_not_waited_for(server: JsonServer) -> None:
    """A server that asks for a year's patience, or for none that is a number, makes no call wait for it."""
    for asked in ("31536000", "1e308", "inf", "nan", "-1", "x", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400):
        server.answers({}, 429, {"Retry-After": asked})
        trouble = trouble_of(refusal_of(ask))
        assert trouble is None or (trouble.pause_s or 0.0) <= 300


@pytest.mark.parametrize("call", [ask, embed])
def test_a_key_that_a_server_repeats_is_hidden(server: JsonServer, call: Callable[[], object]) -> None:
    """The key is in no message, wherever in its answer the server has put it."""
    errors = ({"message": f"bad key {KEY}"}, {"code": 1, "param": KEY})
    for answer in (KEY.encode(), {"detail": KEY}, *({"error": error} for error in errors)):
        server.answers(answer, 401)
        said = str(refusal_of(call))
        assert KEY not in said
        assert "***" in said


def test_a_model_that_returns_itself_is_no_output() -> None:
    """A value that is nested in itself, or deeper than can be written, is an error of predict's."""
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = "x"
    for _ in range(5_000):
        deep = {"a": [deep]}
    for value in (circle, deep, [deep, deep], {"choices": [{"message": {"content": deep}}]}):
        with pytest.raises(PredictError) as caught:
            read(value)
        assert len(caught.value.what) < 400
    for value in (circle, deep):
        with pytest.raises(PredictError, match="no JSON"):
            Output.of(value)
