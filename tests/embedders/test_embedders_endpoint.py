"""An endpoint that speaks OpenAI's embeddings, against a server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.embedders import create, endpoint
from pytest_promptreg.embedders.endpoint import Endpoint
from pytest_promptreg.errors import MetricError

if TYPE_CHECKING:
    from tests.servers import JsonServer

KEY = "sk-very-secret"


def embeddings(texts: list[str]) -> dict[str, Any]:
    """An answer in the form of OpenAI's, in another order than asked."""
    rows = [{"index": n, "embedding": [float(len(text)), 3.0, 4.0]} for n, text in enumerate(texts)]
    return {"object": "list", "data": rows[::-1]}


@pytest.fixture
def server(json_server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> JsonServer:
    """A server that gives embeddings, and that the environment names; nobody pauses before asking it again."""
    json_server.answer = lambda body: (200, {}, embeddings(body["input"]))
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:word@127.0.0.1:{json_server.port}/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(endpoint, "_PAUSE_S", 0.0)
    return json_server


def test_texts_are_sent_in_batches(server: JsonServer) -> None:
    """All texts are answered for, in order, with the model's name, the key, and so many texts in a request."""
    texts = ["x" * n for n in range(1, 101)]
    vectors = Endpoint("small").encode(texts)
    assert [int(row[0]) for row in vectors] == list(range(1, 101))
    assert [len(asked["input"]) for asked in server.asked] == [64, 36]
    assert set(server.paths) == {"/v1/embeddings"}
    assert {asked["model"] for asked in server.asked} == {"small"}
    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_a_score_by_an_endpoint(server: JsonServer) -> None:
    """``openai:NAME`` is a model like any other: unit vectors, and a fingerprint without a password."""
    found = create("openai:small", threads=0, cache=None)
    assert float((found.whole(["a"])["a"] ** 2).sum()) == pytest.approx(1)
    assert found.fingerprint.startswith("openai:small|at:127.0.0.1:")
    assert "word" not in found.fingerprint


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: JsonServer, status: int) -> None:
    """A passing fault is got over; a pause that the server asks for is kept within bounds."""
    good = server.answer
    busy: list[tuple[int, dict[str, str], object]] = [(status, {"Retry-After": "0"}, {}), (status, {}, {})]
    server.answer = lambda body: busy.pop(0) if busy else good(body)
    assert len(Endpoint("small").encode(["a"])) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "says", "times"),
    [
        ((500, {}, {"error": {"message": "overloaded"}}), "HTTP 500: overloaded", 3),
        ((401, {}, {"error": {"message": f"wrong key {KEY}"}}), r"HTTP 401: wrong key \*\*\*", 1),
        ((404, {}, b"<html>\n\x1b[31mno such page"), "HTTP 404: <html>", 1),
        ((302, {"Location": "http://127.0.0.1:1/"}, {}), "a redirection to http://127.0.0.1:1/", 1),
        ((200, {}, b"no json"), "no list of embeddings", 1),
        ((200, {}, {"data": []}), "0 embeddings for 2 texts", 1),
        ((200, {}, {"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1, 2]}]}), "lengths", 1),
        ((200, {}, {"data": [{"index": 0, "embedding": "no"}, {"index": 1, "embedding": "no"}]}), "no numbers", 1),
    ],
)
def test_a_fault_of_the_server_is_an_error(server: JsonServer, answer: Any, says: str, times: int) -> None:
    """Whatever a server answers but vectors is an error with its address and a next step, never with a secret."""
    server.answer = lambda _: answer
    with pytest.raises(MetricError, match=says) as error:
        Endpoint("small").encode(["a", "b"])
    assert len(server.asked) == times
    assert str(error.value.where).startswith("http://127.0.0.1:")
    assert "OPENAI_BASE_URL" in str(error.value.next_step)
    assert not any(secret in str(error.value) for secret in (KEY, "user:word", "\x1b"))


@pytest.mark.parametrize(
    ("url", "says"), [("http://127.0.0.1:9", r"no answer \(\w+\) in 3 tries"), ("nowhere", "no request to be made")]
)
def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    """No server at all is an error that says so, and that the key is not set."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(endpoint, "_PAUSE_S", 0.0)
    with pytest.raises(MetricError, match=says) as error:
        Endpoint("small").encode(["a"])
    assert "OPENAI_API_KEY, which is not set" in str(error.value.next_step)
