"""Chat endpoints and scoring servers as predict, against a server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.calls import Caller, Runner, Terms
from pytest_promptreg.errors import PredictError
from pytest_promptreg.model import CaseKey, Request
from pytest_promptreg.sources import web
from pytest_promptreg.sources.predict import describe, predict_from
from pytest_promptreg.sources.web import CallError

if TYPE_CHECKING:
    from tests.servers import JsonServer

KEY = "sk-very-secret"


def request(config: Mapping[str, Any] | None = None, text: str = "Summarize: cat", **inputs: Any) -> Request:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return Request(text, messages, inputs or {"ticket": "cat"}, config or {}, "v1", "e1")


def completion(content: object = "A cat.", **message: Any) -> dict[str, Any]:
    """A chat completion in the form of OpenAI's."""
    return {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content, **message}}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


@pytest.fixture
def server(json_server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> JsonServer:
    """A server that answers with a completion, and that the environment names."""
    json_server.answers(completion())
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://user:word@127.0.0.1:{json_server.port}/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return json_server


def failure(address: str, config: Mapping[str, Any] | None = None) -> PredictError:
    with pytest.raises(PredictError) as error:
        predict_from(address, "test_x.py:3")(request(config))
    assert not any(secret in str(error.value) for secret in (KEY, "user:", "word", "\x1b"))
    return error.value


def test_a_chat_model_is_asked_with_the_messages_and_the_model_config(server: JsonServer) -> None:
    """Messages, the address's model and each parameter arrive as they are, with the key; text and tokens come back."""
    config = {"temperature": 0, "max_tokens": 40, "seed": 7, "response_format": {"type": "json_object"}, "odd": [1]}
    output = predict_from("openai:/gpt-4o-mini", "test_x.py:3")(request(config))
    assert (output.text, output.input_tokens, output.output_tokens, output.cost_usd) == ("A cat.", 11, 3, None)
    assert server.asked == [{**config, "model": "gpt-4o-mini", "messages": request().messages}]
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_the_prompt_registrys_spelling_is_understood(server: JsonServer) -> None:
    """model_name is the model, provider is not sent, stop_sequences is stop, extra_params are parameters."""
    config = {
        "provider": "openai",
        "model_name": "gpt-5",
        "stop_sequences": ["END"],
        "top_p": None,
        "extra_params": {"logprobs": True},
        "stream": True,
    }
    predict_from("openai:/gpt-4o-mini", "test_x.py:3")(request(config))
    assert server.asked == [{"model": "gpt-5", "stop": ["END"], "logprobs": True, "messages": request().messages}]


def test_a_secret_in_the_model_config_is_never_sent(server: JsonServer) -> None:
    """Neither at the top nor below it; a tool's property that is called password is described all the same."""
    tool = {"function": {"name": "login", "parameters": {"properties": {"password": {"type": "string"}}}}}
    config = {"api_key": KEY, "extra_body": {"auth_token": KEY, "x": {"secret": KEY, "y": 1}}, "tools": [tool]}
    predict_from("openai:/small", "test_x.py:3")(request(config))
    assert server.asked == [{"model": "small", "x": {"y": 1}, "tools": [tool], "messages": request().messages}]


def test_another_variable_names_the_server_too(server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_API_BASE is the older name of OPENAI_BASE_URL; without a key, user and password of the URL are sent."""
    monkeypatch.setenv("OPENAI_API_BASE", f"http://user:word@127.0.0.1:{server.port}/v2")
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    predict_from("openai:/small", "test_x.py:3")(request())
    assert server.paths == ["/v2/chat/completions"]
    assert server.headers[0]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("usage", "headers", "config", "cost"),
    [
        ({"cost": 0.25}, {"X-LiteLLM-Response-Cost": "0.5"}, {}, 0.25),
        ({}, {"X-LiteLLM-Response-Cost": "0.5"}, {}, 0.5),
        ({}, {}, {"input_cost_per_token": 0.01, "output_cost_per_token": "0.1"}, 11 * 0.01 + 3 * 0.1),
        ({}, {}, {"input_cost_per_token": 0.01}, None),
        ({"cost": True}, {"X-LiteLLM-Response-Cost": "none"}, {}, None),
        ({}, {"X-LiteLLM-Response-Cost": "nan"}, {"input_cost_per_token": "x", "output_cost_per_token": 1}, None),
    ],
)
def test_the_cost_is_what_is_known_of_it(
    server: JsonServer, usage: dict[str, Any], headers: dict[str, str], config: dict[str, Any], cost: float | None
) -> None:
    """The reply's own, a gateway's header, or the model config's prices, which are not sent."""
    reply = completion()
    reply["usage"].update(usage)
    server.answers(reply, headers=headers)
    assert predict_from("openai:/small", "test_x.py:3")(request(config)).cost_usd == pytest.approx(cost)
    assert not set(config) & set(server.asked[0])


def test_calls_run_at_the_same_time_and_keep_their_connections(server: JsonServer) -> None:
    """Eight calls are at the server at once; each gets its own answer; a thread's next call uses its connection."""
    together = threading.Barrier(8, timeout=10)

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, str], object]:
        together.wait()
        return 200, {}, completion(body["messages"][1]["content"])

    server.answer = answer
    predict = predict_from("openai:/small", "test_x.py:3")
    runner = Runner(Terms(concurrency=8, timeout_s=20))
    keys = [CaseKey("s", "v1", str(n)) for n in range(32)]
    caller = Caller(predict, lambda key: request(text=key.example))
    for key in keys:
        runner.submit(key, caller)
    assert [runner.result(key).text for key in keys] == [key.example for key in keys]
    assert len(server.connections) == 8
    runner.stop()


@pytest.mark.parametrize(
    ("status", "body", "says", "step"),
    [
        (401, {"error": {"message": f"wrong key {KEY}"}}, "HTTP 401: wrong key ***", "OPENAI_API_KEY"),
        (404, {"error": "no model 'small'"}, "HTTP 404: no model 'small'", "the model's name"),
        (400, {"message": "bad \x1b[31mseed"}, r"HTTP 400: bad \x1b[31mseed", "model_config"),
        (500, b"<html>\n oops", "HTTP 500: <html> oops", "--lf"),
        (503, b"", "HTTP 503: Service Unavailable", "--lf"),
        (200, b"no json", "no JSON: no json", "chat completions"),
        (200, b"", "no JSON: an empty answer", "chat completions"),
        (200, [1], "no choices: no object", "chat completions"),
        (200, {"choices": []}, "no choices in its reply", "chat completions"),
        (200, {"choices": [{}]}, 'a reply without a message: {"choices": [{}]}', "chat completions"),
        (200, {"choices": [{"message": "a"}]}, "a reply without a message", "chat completions"),
        (200, {"error": {"message": "no credit", "code": 402}}, "no choices: no credit", "chat completions"),
    ],
)
def test_a_fault_of_the_server_is_an_error(server: JsonServer, status: int, body: object, says: str, step: str) -> None:
    """The address, the status, what the server said and a next step are named; nothing is tried twice."""
    server.answers(body, status)
    error = failure("openai:/small")
    assert says in error.what
    assert error.where == f"http://127.0.0.1:{server.port}/v1/chat/completions"
    assert step in str(error.next_step)
    assert isinstance(error, CallError)
    assert error.status == status
    assert len(server.asked) == 1


def test_a_long_message_of_a_server_is_shortened(server: JsonServer) -> None:
    """A page of HTML does not become the error's text."""
    server.answers(b"x" * 100_000, 502)
    assert len(str(failure("openai:/small"))) < 700


def test_a_server_that_asks_for_a_pause_is_heard(server: JsonServer) -> None:
    """Who tries again later can know when, and how to ask less at a time."""
    server.answers({"error": {"message": "slow down"}}, 429, {"Retry-After": "7"})
    error = failure("openai:/small")
    assert isinstance(error, CallError)
    assert error.pause_s == 7
    assert "promptreg_concurrency" in str(error.next_step)


def test_a_redirection_is_not_followed(server: JsonServer) -> None:
    """The key would go along to wherever it leads."""
    server.answers({}, 307, {"Location": "http://user:word@127.0.0.1:1/elsewhere?token=word"})
    assert "a redirection (HTTP 307) to http://127.0.0.1:1/elsewhere" in failure("openai:/small").what


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/v1", "no connection: Connection refused"),
        ("http://host.invalid/v1", "no connection"),
        ("nowhere", "could not be asked (MissingSchema)"),
        ("http://[", "could not be asked"),
    ],
)
def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    """It says at once that there is no connection, and why."""
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    monkeypatch.setenv("NO_PROXY", "*")
    error = failure("openai:/small")
    assert says in error.what
    assert "OPENAI_BASE_URL" in str(error.next_step)


def test_without_a_key_openai_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither a key nor another server is named, no call is made, and what to set is said."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    error = failure("openai:/small")
    assert (
        error.what
        == "OPENAI_API_KEY is not set, so 'small' at https://api.openai.com/v1/chat/completions was not asked"
    )
    assert str(error.next_step).startswith("export OPENAI_API_KEY=")


def test_openai_itself_that_cannot_be_reached_blames_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that nobody has set is not what is wrong."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    step = str(failure("openai:/small").next_step)
    assert "HTTPS_PROXY" in step
    assert "OPENAI_BASE_URL" not in step


def test_a_server_that_does_not_answer_is_an_error(server: JsonServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call has a time limit of its own, far above what the runner allows it."""
    assert web._TIMEOUT_S[1] > 120
    monkeypatch.setattr(web, "_TIMEOUT_S", (1.0, 0.05))
    hold = threading.Event()
    server.answer = lambda _: (hold.wait(10) and 200, {}, completion()) and (200, {}, completion())
    assert "no answer in 0.05 s" in failure("openai:/small").what
    hold.set()


def test_a_connection_that_breaks_off_is_an_error(server: JsonServer) -> None:
    """Half an answer is none."""
    server.answer = lambda _: (200, {"Content-Length": "1000", "Connection": "close"}, b'{"choices": [')
    assert "no" in failure("openai:/small").what


def test_inputs_that_are_no_json_are_an_error(server: JsonServer) -> None:
    """A date is sent as text; what has no form as JSON is refused by name."""
    assert "object is no JSON value" in failure("openai:/small", {"odd": object()}).what
    assert server.asked == []


def test_a_scoring_server_is_sent_one_row(server: JsonServer) -> None:
    """By default a record of the inputs and the prompt, with the model config as params; no key of another server's."""
    server.answers({"predictions": ["A cat."]})
    address = f"http://user:word@127.0.0.1:{server.port}/invocations"
    output = predict_from(address, "test_x.py:3")(request({"temperature": 0, "api_key": KEY}))
    assert output.text == "A cat."
    assert server.asked == [
        {
            "dataframe_records": [{"ticket": "cat", "prompt": "Summarize: cat"}],
            "params": {"temperature": 0, "prompt": "Summarize: cat"},
        }
    ]
    assert server.headers[0]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("inputs", {"inputs": ["Summarize: cat"], "params": {"seed": 1, "prompt": "Summarize: cat"}}),
        ("messages", {"messages": request().messages, "seed": 1}),
        ("input", {"input": request().messages, "seed": 1}),
    ],
)
def test_the_address_says_what_a_scoring_server_takes(server: JsonServer, form: str, body: dict[str, Any]) -> None:
    """What stands after the # is not sent: it names the form."""
    output = predict_from(f"http://127.0.0.1:{server.port}/invocations#{form}", "test_x.py:3")(request({"seed": 1}))
    assert output.text == "A cat."
    assert server.asked == [body]
    assert server.paths == ["/invocations"]


def test_a_scoring_server_that_refuses_is_an_error(server: JsonServer) -> None:
    """MLflow's message is shown, and which forms there are."""
    server.answers({"error_code": "BAD_REQUEST", "message": "Failed to enforce schema"}, 400)
    error = failure(f"http://user:word@127.0.0.1:{server.port}/invocations?token={KEY}")
    assert "HTTP 400: Failed to enforce schema" in error.what
    assert "#messages" in str(error.next_step)
    server.answers({"predictions": [None]})
    assert "no prediction: NoneType" in failure(f"http://127.0.0.1:{server.port}/invocations").what


def test_what_is_under_test_is_described_without_a_call(server: JsonServer) -> None:
    """Model and host of a chat model, the URL of a server, without user, password and query."""
    assert describe("openai:/org/small") == {
        "model": "org/small",
        "host": f"127.0.0.1:{server.port}",
        "url": f"http://127.0.0.1:{server.port}/v1",
    }
    assert describe("https://user:word@example.org/invocations?token=x#messages") == {
        "url": "https://example.org/invocations"
    }
    assert server.asked == []


def test_many_threads_share_one_predict(server: JsonServer) -> None:
    """Answers never get to another call than their own."""
    server.answer = lambda body: (200, {}, completion(body["messages"][1]["content"]))
    predict = predict_from("openai:/small", "test_x.py:3")
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda n: predict(request(text=f"text {n}")).text, range(60)))
    assert texts == [f"text {n}" for n in range(60)]


ASKED_BY_PYTEST = """
import pytest
from pytest_promptreg.sources.predict import predict_from

@pytest.fixture(scope="session")
def promptreg_predict():
    return predict_from("openai:/small", "test_it.py:5")

@pytest.mark.promptreg(
    prompts="v1.md",
    examples=[{"id": "a", "inputs": {"x": "1"}}, {"id": "b", "inputs": {"x": "2"}}],
    gates=["rouge_l >= 0.9"],
)
def test_it(promptreg):
    promptreg.check()
    assert promptreg.output.input_tokens == 11
"""


def test_a_pytest_run_asks_the_model(server: JsonServer, pytester: pytest.Pytester) -> None:
    """Through the plugin, every case's prompt is sent; a fault of the server is an error of set-up and no failure."""
    pytester.makefile(".md", v1="Say {{ x }}.")
    pytester.makepyfile(test_it=ASKED_BY_PYTEST)
    pytester.runpytest_inprocess("-W", "error", "-p", "no:xdist", "--promptreg-update").assert_outcomes(passed=2)
    assert sorted(asked["messages"][0]["content"] for asked in server.asked) == ["Say 1.", "Say 2."]
    server.answers({"error": {"message": "no such model"}}, 404)
    result = pytester.runpytest_inprocess("-p", "no:xdist")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*HTTP 404: no such model*", "*see that OPENAI_BASE_URL and the model's name are right*"]
    )
