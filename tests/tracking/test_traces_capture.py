"""What is kept of a call while it lasts, and that nothing else notices."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.model import CallKey, CaseKey, Request
from pytest_promptreg.results.outcome import CaseOutcome
from pytest_promptreg.tracking.traces.capture import Capture
from pytest_promptreg.tracking.traces.tidy import MOST_CHARACTERS, MOST_SPANS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow
    from mlflow.tracing import provider as tracing


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    """Keeps every trace; MLflow's own tracing has not begun, and would make a database in an empty folder."""
    monkeypatch.chdir(tmp_path)
    tracing.provider.reset()
    found = Capture("all")
    yield found
    found.stop()
    assert list(tmp_path.iterdir()) == []
    assert tracing.provider.get() is None


def key_of(name: str) -> CaseKey:
    """A case of the one suite."""
    return CaseKey("suite", "v1", name)


def request_of(name: str) -> Request:
    """What predict is given for it."""
    return Request(name, [{"role": "user", "content": name}], {"text": name}, {}, "v1", name)


def take(capture: Capture, name: str, **fields: Any) -> Any:
    """What was kept of a case."""
    told = capture.take(CaseOutcome("suite", "v1", name, "unchanged", **fields))
    return json.loads(told) if told else {}


def names(kept: dict[str, Any]) -> list[str]:
    """Its spans by name, each after the span that it lies under."""
    by_id = {span["span_id"]: span["name"] for span in kept["spans"]}
    return [f"{by_id.get(span['parent_span_id'], '')}/{span['name']}" for span in kept["spans"]]


def inner(text: str) -> str:
    """A step of an application, traced."""
    return str(traced(text))


@mlflow.trace(name="inner")  # type: ignore[untyped-decorator]
def traced(text: str) -> str:
    """What it does."""
    with mlflow.start_span(f"step of {text}"):
        return text.upper()


def test_each_sample_of_a_case_is_kept(capture: Capture) -> None:
    """Of a case with several samples the calls are kept by their numbers; one that was not called for has none."""
    case = key_of("a")
    for sample in (0, 2):
        capture.wrap(CallKey(case, sample), lambda asked: inner(asked.text))(request_of(f"text {sample}"))
    kept = take(capture, "a", samples=("TEXT 0", "recorded", "TEXT 2"))
    assert isinstance(kept, list)
    assert [names(one)[-1] if one else None for one in kept] == ["inner/step of text 0", None, "inner/step of text 2"]
    assert take(capture, "a") == {}


def test_a_case_that_failed_keeps_what_its_samples_did(capture: Capture) -> None:
    """Without outputs there are as many calls as were made; none of them is left for another case."""
    for sample in range(2):
        capture.wrap(CallKey(key_of("a"), sample), lambda _: inner("text"))(request_of("a"))
    kept = take(capture, "a")
    assert isinstance(kept, list)
    assert len(kept) == 2
    assert take(capture, "a") == {}


def test_spans_of_predict_lie_under_one_root(capture: Capture) -> None:
    """Decorated functions and spans opened by hand, in the order in which they began."""
    assert capture.wrap(key_of("a"), lambda request: inner(request.text))(request_of("a")) == "A"
    kept = take(capture, "a")
    assert names(kept) == ["/predict", "predict/inner", "inner/step of a"]
    assert {span["status"]["code"] for span in kept["spans"]} == {"STATUS_CODE_OK"}
    assert json.loads(kept["spans"][0]["attributes"]["promptreg.messages"]) == request_of("a").messages


def test_concurrent_calls_in_threads_do_not_mix(capture: Capture) -> None:
    """Each trace has the spans of its own call, though all of them are open at once."""
    together = threading.Barrier(8)

    def predict(request: Request) -> str:
        with mlflow.start_span(f"outer {request.text}"):
            together.wait(10)
            return inner(request.text)

    cases = [f"c{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda case: capture.wrap(key_of(case), predict)(request_of(case)), cases))
    for case in cases:
        expected = ["/predict", f"predict/outer {case}", f"outer {case}/inner", f"inner/step of {case}"]
        assert names(take(capture, case)) == expected


def test_concurrent_calls_on_one_loop_do_not_mix(capture: Capture) -> None:
    """Nor do coroutines that take turns."""

    async def predict(request: Request) -> str:
        with mlflow.start_span(f"outer {request.text}"):
            await asyncio.sleep(0)
            return inner(request.text)

    async def all_at_once(cases: list[str]) -> None:
        await asyncio.gather(*(capture.wrap(key_of(case), predict)(request_of(case)) for case in cases))

    cases = [f"c{number}" for number in range(8)]
    asyncio.run(all_at_once(cases))
    for case in cases:
        assert names(take(capture, case))[1:3] == [f"predict/outer {case}", f"outer {case}/inner"]


def test_a_function_that_hands_a_coroutine_on_is_watched_to_its_end(capture: Capture) -> None:
    """It is no async function, and what it does is done when its coroutine is awaited."""

    async def later(text: str) -> str:
        await asyncio.sleep(0)
        return inner(text)

    assert asyncio.run(capture.wrap(key_of("a"), lambda request: later(request.text))(request_of("a"))) == "A"
    assert names(take(capture, "a")) == ["/predict", "predict/inner", "inner/step of a"]


def test_an_exception_passes_as_it_is_and_is_on_the_span(capture: Capture) -> None:
    """With what it said, without the password that it quoted."""
    error = ValueError("no answer from https://me:hunter2@host/")

    def predict(request: Request) -> str:
        raise error

    with pytest.raises(ValueError, match="no answer") as caught:
        capture.wrap(key_of("a"), predict)(request_of("a"))
    assert caught.value is error
    (root,) = take(capture, "a")["spans"]
    assert root["status"] == {"code": "STATUS_CODE_ERROR", "message": "ValueError: no answer from https://host/"}
    assert root["events"][0]["attributes"]["exception.type"] == "ValueError"
    assert "hunter2" not in json.dumps(root)


def test_the_users_own_trace_and_provider_are_left_alone(capture: Capture, tmp_path: Path) -> None:
    """A span around the test is no parent, is the current one again afterwards, and the usual way is put back."""
    usual = tracing.provider.get_or_init_tracer
    asked: list[str] = []
    own = Capture("all")
    own._start()
    own.stop()
    assert tracing.provider.get_or_init_tracer == usual
    tracing.provider.get_or_init_tracer = asked.append  # nothing is to be exported
    try:
        wrapped = capture.wrap(key_of("a"), lambda request: inner(request.text))
        tracing.get_current_otel_span()
        wrapped(request_of("a"))
        assert asked == []
        inner("outside of any call")
        assert asked != []
    finally:
        capture.stop()
        del tracing.provider.get_or_init_tracer
    assert take(capture, "a")["spans"][0]["parent_span_id"] is None


def test_the_last_call_of_a_case_counts(capture: Capture) -> None:
    """A call that is tried again leaves one trace, and it is handed over once."""
    said = iter(["first", "second"])
    wrapped = capture.wrap(key_of("a"), lambda _: inner(next(said)))
    wrapped(request_of("a"))
    wrapped(request_of("a"))
    assert names(take(capture, "a"))[-1] == "inner/step of second"
    assert take(capture, "a") == {}


def test_more_calls_than_mlflow_holds_can_be_ahead(capture: Capture) -> None:
    """MLflow gives up the oldest of a thousand traces; with many calls at once, more wait for their tests."""
    names = [str(number) for number in range(1100)]
    for name in names:
        capture.wrap(key_of(name), lambda request: request.text)(request_of(name))
    assert [name for name in names if "problem" in take(capture, name)] == []


def test_a_call_that_hangs_tells_what_it_has_done(capture: Capture) -> None:
    """Its open spans are ended, as errors, with the reason; when it goes on later, nothing comes of it."""
    begun, go_on = threading.Event(), threading.Event()

    def predict(request: Request) -> str:
        with mlflow.start_span("slow"):
            begun.set()
            go_on.wait(10)
        return inner(request.text)

    thread = threading.Thread(target=capture.wrap(key_of("a"), predict), args=(request_of("a"),))
    thread.start()
    begun.wait(10)
    kept = take(capture, "a")
    go_on.set()
    thread.join()
    assert names(kept) == ["/predict", "predict/slow"]
    assert {span["status"]["code"] for span in kept["spans"]} == {"STATUS_CODE_ERROR"}
    assert all(span["end_time_unix_nano"] >= span["start_time_unix_nano"] for span in kept["spans"])


def test_with_failed_the_spans_of_a_case_that_passed_are_dropped(capture: Capture) -> None:
    """They do not travel to the controller."""
    picky = Capture("failed")
    for name in ("kept", "dropped"):
        picky.wrap(key_of(name), lambda _: "x")(request_of(name))
    assert take(picky, "kept", passed=False)["spans"]
    assert take(picky, "dropped") == {}
    picky.stop()


def test_tracing_that_is_switched_off_is_a_problem_told_and_no_more(capture: Capture) -> None:
    """The call is made, and its output comes."""
    mlflow.tracing.disable()
    try:
        assert capture.wrap(key_of("a"), lambda request: inner(request.text))(request_of("a")) == "A"
        assert take(capture, "a") == {"problem": "RuntimeError: MLflow's tracing is disabled in this process"}
    finally:
        tracing.provider.reset()


def test_a_recorder_that_cannot_be_made_is_a_problem_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """An MLflow whose inside is another one day fails no call."""
    monkeypatch.delattr("mlflow.tracing.provider._TracerProviderWrapper.get_or_init_tracer")
    capture = Capture("all")
    assert capture.wrap(key_of("a"), lambda request: request.text)(request_of("a")) == "a"
    assert "get_or_init_tracer" in take(capture, "a")["problem"]


def test_secrets_are_hidden_and_long_texts_cut(capture: Capture) -> None:
    """By the names under which spans have them, at any depth; a store takes what is left."""

    def predict(request: Request) -> str:
        with mlflow.start_span("call") as span:
            span.set_inputs({"text": "x" * 50_000, "headers": {"Authorization": "Bearer hunter2"}, "nul": "a\0b"})
            span.set_attribute("api_key", "hunter2")
            span.set_attribute("endpoint", "https://me:hunter2@host/v1")
            span.set_attribute("tried", ["https://me:hunter2@host/v1"])
        mlflow.update_current_trace(tags={"team": "nlp", "api_key": "hunter2"})
        return "x"

    capture.wrap(key_of("a"), predict)(request_of("a"))
    kept = take(capture, "a")
    assert "hunter2" not in json.dumps(kept)
    assert kept["tags"] == {"team": "nlp", "api_key": "***"}
    inputs = json.loads(kept["spans"][1]["attributes"]["mlflow.spanInputs"])
    assert len(inputs["text"]) == 20_000
    assert inputs["nul"] == "a�b"


def test_a_trace_has_a_largest_size(capture: Capture) -> None:
    """Of too many spans the first are kept, of too long texts the beginnings, and the trace says so."""

    def predict(request: Request) -> str:
        for _ in range(MOST_SPANS + 50):
            with mlflow.start_span("call") as span:
                span.set_outputs(["y" * 10_000])
        return "x"

    capture.wrap(key_of("a"), predict)(request_of("a"))
    told = capture.take(CaseOutcome("suite", "v1", "a", "unchanged"))
    spans = json.loads(told)["spans"]
    assert len(spans) == MOST_SPANS
    assert len(told) < 2 * MOST_CHARACTERS
    assert json.loads(spans[0]["attributes"]["promptreg.spans_cut"]) == 51


def test_seeded_random_numbers_are_the_tests_own(capture: Capture) -> None:
    """Ids neither use up a seeded sequence nor repeat with it."""
    found = []
    for name in ("a", "b"):
        random.seed(7)
        capture.wrap(key_of(name), lambda request: inner(request.text))(request_of(name))
        assert random.random() == random.Random(7).random()  # noqa: S311  no secret
        found.append(take(capture, name)["spans"][0]["trace_id"])
    assert found[0] != found[1]
