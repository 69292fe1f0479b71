"""Calls of predict: in order, bounded, each with its limit, and none that the end of a run has to wait for."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_promptreg.calls import Caller, Progress, Runner
from pytest_promptreg.calls.retrying import NoAnswerError
from pytest_promptreg.errors import BudgetError, PredictError, PromptError
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.model import CaseKey, Key, Output, PromptVersion, Request

WHERE: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")
PATIENCE_S = 20.0  # a test that waits this long has failed; none that passes waits


def key(number: int) -> CaseKey:
    return CaseKey("suite", "v1", str(number))


def request(asked: Key) -> Request:
    return render(PromptVersion("v1", "{{ n }}"), asked.example, {"n": asked.example})


def submit(runner: Runner, predict: Callable[[Request], Any], *numbers: int) -> None:
    caller = Caller(predict, request)
    for number in numbers:
        runner.submit(key(number), caller)


@pytest.fixture
def make(make: Callable[..., Runner]) -> Callable[..., Runner]:
    """Makes runners that try nothing again."""
    return functools.partial(make, retries=0)


def sync_echo(asked: Request) -> str:
    return f"echo {asked.text}"


async def async_echo(asked: Request) -> str:
    await asyncio.sleep(0)
    return f"echo {asked.text}"


def handing(predict: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """A plain function that hands the coroutine of an asynchronous one on."""

    def predict_by(asked: Request) -> Any:
        return predict(asked)

    return predict_by


class SyncApp:
    """An application as an object."""

    def __call__(self, asked: Request) -> str:
        """Its answer."""
        return sync_echo(asked)


class AsyncApp:
    """An asynchronous application as an object."""

    async def __call__(self, asked: Request) -> str:
        """Its answer."""
        return await async_echo(asked)

    async def method(self, asked: Request) -> str:
        """Its answer."""
        return await async_echo(asked)


KINDS: dict[str, Callable[[Request], Any]] = {
    "function": sync_echo,
    "async function": async_echo,
    "callable": SyncApp(),
    "async callable": AsyncApp(),
    "async method": AsyncApp().method,
    "partial": functools.partial(sync_echo),
    "async partial": functools.partial(async_echo),
    "returns a coroutine": handing(async_echo),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_predict_is_called(make: Callable[..., Runner], kind: str) -> None:
    """Functions and callables, sync, async, or handing a coroutine on, give their output and the time it took."""
    runner = make()
    submit(runner, KINDS[kind], 1, 2)
    for number in (2, 1):
        output = runner.result(key(number))
        assert output.text == f"echo {number}"
        assert output.latency_s is not None
        assert output.latency_s >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_calls_start_in_order(make: Callable[..., Runner], kind: str) -> None:
    """One at a time, calls are made in the order in which they were submitted."""
    runner = make(concurrency=1)
    started: list[str] = []

    def predict(asked: Request) -> Any:
        started.append(asked.text)
        return KINDS[kind](asked)

    async def async_predict(asked: Request) -> Any:
        started.append(asked.text)
        return await async_echo(asked)

    submit(runner, async_predict if "async" in kind else predict, *range(8))
    for number in reversed(range(8)):
        runner.result(key(number))
    assert started == [str(number) for number in range(8)]


class Gauge:
    """Counts the calls in flight; a call waits until it is let go."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = 0
        self.most = 0
        self.go = threading.Event()

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_so_many_calls_are_in_flight_and_no_more(
    make: Callable[..., Runner], concurrency: int, asynchronous: bool
) -> None:
    """The limit is reached and never passed."""
    gauge, runner = Gauge(), make(concurrency)

    def predict(asked: Request) -> str:
        with gauge:
            assert gauge.go.wait(PATIENCE_S)
            return asked.text

    async def async_predict(asked: Request) -> str:
        with gauge:
            while not gauge.go.is_set():
                await asyncio.sleep(0.001)
            return asked.text

    submit(runner, async_predict if asynchronous else predict, *range(12))
    wait_for(lambda: gauge.now == concurrency)
    assert runner.progress() == Progress(0, 12, concurrency)
    assert runner.ready() == {}
    gauge.go.set()
    assert [runner.result(key(number)).text for number in range(12)] == [str(number) for number in range(12)]
    assert gauge.most == concurrency
    assert runner.progress() == Progress(12, 12, 0)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def hang(asked: Request, release: threading.Event) -> str:
    release.wait(PATIENCE_S)
    return "late"


async def hang_async(asked: Request) -> str:
    await asyncio.sleep(PATIENCE_S)
    return "late"


@pytest.mark.parametrize("kind", ["sync", "async", "returns a coroutine"])
def test_a_call_that_takes_too_long_is_given_up(make: Callable[..., Runner], kind: str) -> None:
    """Beyond its limit a call is an error that names the option, and the calls behind it get their turn."""
    release = threading.Event()
    hanging: dict[str, Callable[[Request], Any]] = {
        "sync": functools.partial(hang, release=release),
        "async": hang_async,
        "returns a coroutine": handing(hang_async),
    }
    runner = make(concurrency=1, timeout_s=0.05)
    submit(runner, hanging[kind], 1, 2)
    submit(runner, sync_echo, 3)
    for number in (1, 2):
        with pytest.raises(PredictError, match=r"no answer in 0\.05 s") as error:
            runner.result(key(number))
        assert "promptreg_timeout" in str(error.value.next_step)
    assert runner.result(key(3)).text == "echo 3"
    release.set()
    wait_for(lambda: not runner.ready())
    assert runner.progress() == Progress(3, 3, 0)


def test_a_late_answer_is_nobodys(make: Callable[..., Runner]) -> None:
    """What a given-up call says later is dropped: it does not become the output of the same case called again."""
    release, runner = threading.Event(), make(concurrency=1, timeout_s=0.05)
    submit(runner, functools.partial(hang, release=release), 1)
    with pytest.raises(PredictError):
        runner.result(key(1))
    submit(runner, sync_echo, 1)
    release.set()
    assert runner.result(key(1)).text == "echo 1"


def test_without_a_limit_none_is_given_up(make: Callable[..., Runner]) -> None:
    """A limit of 0 is no limit."""
    release, runner = threading.Event(), make(concurrency=1, timeout_s=0)
    submit(runner, functools.partial(hang, release=release), 1)
    waited: list[Progress] = []

    def on_wait(progress: Progress) -> None:
        waited.append(progress)
        release.set()

    assert runner.result(key(1), on_wait).text == "late"
    assert waited[0] == Progress(0, 1, 1)


class OwnError(Exception):
    """An error of the user's."""


@pytest.mark.parametrize("error", [OwnError("no key"), SystemExit(3), KeyboardInterrupt(), StopIteration("x")])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_predict_raises_is_handed_over(
    make: Callable[..., Runner], error: BaseException, asynchronous: bool
) -> None:
    """The very exception reaches the caller, and the next call is made all the same."""
    runner = make(concurrency=1)

    def predict(asked: Request) -> str:
        raise error

    async def async_predict(asked: Request) -> str:
        raise error

    submit(runner, async_predict if asynchronous else predict, 1)
    submit(runner, async_echo if asynchronous else sync_echo, 2)
    with pytest.raises((type(error), RuntimeError)) as raised:  # Python turns StopIteration in a coroutine into that
        runner.result(key(1))
    assert raised.value is error or raised.value.__cause__ is error
    assert runner.result(key(2)).text == "echo 2"


@pytest.mark.parametrize("value", [None, 5, b"bytes", object(), {1, 2}, {"a": object()}])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_no_output_is_an_error(make: Callable[..., Runner], value: object, asynchronous: bool) -> None:
    """predict that returns None or anything else that is no output fails by name, and is never an empty text."""
    runner = make()

    async def async_predict(asked: Request) -> object:
        return value

    submit(runner, async_predict if asynchronous else lambda asked: value, 1)
    with pytest.raises(PredictError, match="is no output"):
        runner.result(key(1))
    assert runner.ready() == {}


def test_a_prompt_that_cannot_be_rendered_is_the_calls_failure(make: Callable[..., Runner]) -> None:
    """The request is made in the call, and what that raises is handed over as well."""
    runner = make()
    version = PromptVersion("v1", "{{ 1 // n }}", syntax="jinja2", where="v1.j2")
    runner.submit(key(1), Caller(sync_echo, lambda asked: render(version, "1", {"n": 0})))
    with pytest.raises(PromptError, match="Jinja2 could not render it"):
        runner.result(key(1))


@pytest.mark.parametrize("kind", ["sync", "async", "returns a coroutine"])
def test_context_variables_are_the_callers(make: Callable[..., Runner], kind: str) -> None:
    """Each call sees the context variables as they were when it was submitted."""

    async def async_predict(asked: Request) -> str:
        await asyncio.sleep(0)
        return WHERE.get()

    kinds: dict[str, Callable[[Request], Any]] = {
        "sync": lambda asked: WHERE.get(),
        "async": async_predict,
        "returns a coroutine": handing(async_predict),
    }
    runner = make(concurrency=1)
    token = WHERE.set("first")
    submit(runner, kinds[kind], 1)
    WHERE.set("second")
    submit(runner, kinds[kind], 2)
    WHERE.reset(token)
    assert (runner.result(key(1)).text, runner.result(key(2)).text) == ("first", "second")


def test_a_case_that_is_asked_for_twice_is_called_twice(make: Callable[..., Runner]) -> None:
    """An output is handed over once; a test that is run again gets a fresh answer."""
    runner, answers = make(), iter(["one", "two"])
    submit(runner, lambda asked: next(answers), 1)
    submit(runner, lambda asked: "not this", 1)
    assert runner.submitted(key(1))
    assert runner.result(key(1)).text == "one"
    assert not runner.submitted(key(1))
    submit(runner, lambda asked: next(answers), 1)
    assert runner.result(key(1)).text == "two"


def test_what_is_ready_is_told(make: Callable[..., Runner]) -> None:
    """Outputs that nobody asked for yet can be looked at, failures and those handed over cannot."""
    runner = make()
    submit(runner, sync_echo, 1, 2)
    submit(runner, lambda asked: None, 3)
    wait_for(lambda: runner.progress().done == 3)
    assert {case.example: output.text for case, output in runner.ready().items()} == {"1": "echo 1", "2": "echo 2"}
    runner.result(key(1))
    assert list(runner.ready()) == [key(2)]


@pytest.mark.parametrize("predict", [sync_echo, async_echo, handing(async_echo)])
def test_an_output_is_kept_before_it_is_handed_over(make: Callable[..., Runner], predict: Any) -> None:
    """Whatever happens to the process after a case was told of, what was paid for is on the disk."""
    runner = make()
    kept: list[Key] = []

    def keep(asked: Key, _: Output) -> None:
        time.sleep(0.01)
        kept.append(asked)

    caller = Caller(predict, request, keep=keep)
    for number in range(8):
        runner.submit(key(number), caller)
    for number in range(8):
        runner.result(key(number))
        assert key(number) in kept


@pytest.mark.parametrize("predict", [sync_echo, async_echo])
def test_an_output_that_cannot_be_kept_is_a_failed_call(make: Callable[..., Runner], predict: Any) -> None:
    """A budget that cannot be counted is not overlooked, and nobody scores the output."""
    runner = make()

    def keep(*_: object) -> None:
        raise PromptError("nowhere to")

    runner.submit(key(1), Caller(predict, request, keep=keep))
    answer = runner.take(key(1))
    assert answer.output is None
    assert isinstance(answer.failure, PromptError)


def test_a_record_that_waits_for_its_file_holds_up_no_other_call(make: Callable[..., Runner]) -> None:
    """While one output waits for another process's lock, asynchronous calls go on."""
    runner = make()
    writes, answered = threading.Event(), threading.Event()
    in_time: list[bool] = []

    async def predict(asked: Request) -> str:
        while asked.example == "2" and not writes.is_set():
            await asyncio.sleep(0.001)
        if asked.example == "2":
            answered.set()
        return "echo"

    def keep(asked: Key, _: Output) -> None:
        if asked == key(1):
            writes.set()
            in_time.append(answered.wait(PATIENCE_S))

    caller = Caller(predict, request, keep=keep)
    for number in (1, 2):
        runner.submit(key(number), caller)
    assert runner.result(key(1)).text == runner.result(key(2)).text == "echo"
    assert in_time == [True]


def test_outputs_keep_what_they_know(make: Callable[..., Runner]) -> None:
    """Tokens, cost and a latency that predict measured itself stay; without one, the runner's is taken."""
    runner = make()
    submit(runner, lambda asked: Output("a", 1, 2, 0.5, latency_s=9.0), 1)
    submit(runner, lambda asked: Output("b", 1), 2)
    assert runner.result(key(1)) == Output("a", 1, 2, 0.5, latency_s=9.0)
    second = runner.result(key(2))
    assert (second.text, second.input_tokens) == ("b", 1)
    assert second.latency_s is not None
    assert second.latency_s < 9


@pytest.mark.parametrize("kind", ["sync", "async", "returns a coroutine"])
def test_stop_does_not_wait(make: Callable[..., Runner], kind: str) -> None:
    """With calls in flight, stop returns at once and starts no other; what still runs are daemons."""
    release, cancelled, started = threading.Event(), threading.Event(), threading.Event()
    calls: list[str] = []

    def predict(asked: Request) -> str:
        calls.append(asked.text)
        started.set()
        return hang(asked, release)

    async def async_predict(asked: Request) -> str:
        calls.append(asked.text)
        started.set()
        try:
            return await hang_async(asked)
        finally:
            cancelled.set()

    kinds: dict[str, Callable[[Request], Any]] = {
        "sync": predict,
        "async": async_predict,
        "returns a coroutine": handing(async_predict),
    }
    runner = make(concurrency=1)
    submit(runner, kinds[kind], 1, 2, 3)
    assert started.wait(PATIENCE_S)
    runner.stop()
    assert not release.is_set()
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("promptreg"))
    if kind != "sync":
        assert cancelled.wait(PATIENCE_S)
    release.set()
    submit(runner, kinds[kind], 4)
    wait_for(lambda: not any(thread.name == "promptreg-call" for thread in threading.enumerate()))
    assert calls == ["1"]
    runner.stop()


def test_nobody_waits_for_a_call_that_never_began(make: Callable[..., Runner]) -> None:
    """Whoever waits for a call that stop took from the queue is told so, and does not wait for ever."""
    release, runner = threading.Event(), make(concurrency=1)
    submit(runner, functools.partial(hang, release=release), 1, 2)
    told: list[BaseException] = []

    def wait() -> None:
        try:
            runner.result(key(2))
        except PredictError as error:
            told.append(error)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    runner.stop()
    waiter.join(5)
    release.set()
    assert len(told) == 1


def test_what_is_left_out_is_not_called_any_more(make: Callable[..., Runner]) -> None:
    """What has begun ends as it would; what has not is never begun, and whoever asks for it is told so."""
    release, runner, called = threading.Event(), make(concurrency=1), []

    def predict(asked: Request) -> str:
        called.append(asked.text)
        return hang(asked, release)

    submit(runner, predict, 1, 2, 3)
    wait_for(lambda: called == ["1"])
    assert runner.leave_out([key(number) for number in (1, 2, 4)]) == {key(1)}
    release.set()
    assert runner.result(key(3)).text
    assert runner.result(key(1)).text
    with pytest.raises(PredictError, match="left out"):
        runner.result(key(2))
    assert called == ["1", "3"]


def test_many_calls_use_few_threads(make: Callable[..., Runner]) -> None:
    """Threads are as many as calls may be in flight, not as many as there are calls."""
    runner, seen = make(concurrency=3), set()

    def predict(asked: Request) -> str:
        seen.add(threading.get_ident())
        return asked.text

    submit(runner, predict, *range(200))
    assert [runner.result(key(number)).text for number in range(200)] == [str(number) for number in range(200)]
    assert len(seen) <= 3


def test_a_call_that_was_given_up_before_it_began_is_not_made(make: Callable[..., Runner]) -> None:
    """What blocks the event loop for longer than a call may take costs the others' time, and no call."""
    made: list[str] = []
    began, let_go = threading.Event(), threading.Event()

    async def predict(asked: Request) -> str:
        made.append(asked.text)
        began.set()
        if asked.text == "1":
            let_go.wait(PATIENCE_S)
        return "x"

    runner = make(timeout_s=0.1)
    submit(runner, predict, 1)
    assert began.wait(PATIENCE_S)
    submit(runner, predict, 2)
    with pytest.raises(NoAnswerError):
        runner.result(key(2))
    let_go.set()
    submit(runner, predict, 3)
    assert runner.result(key(3)).text == "x"
    assert made == ["1", "3"]


def test_after_the_end_a_plain_function_begins_no_coroutine(make: Callable[..., Runner]) -> None:
    """It may have taken its time to make one: nobody waits for that any more, and it is not paid for."""
    made: list[str] = []
    began, let_go = threading.Event(), threading.Event()

    async def later(asked: Request) -> str:
        made.append(asked.text)
        return "x"

    def predict(asked: Request) -> Any:
        began.set()
        let_go.wait(PATIENCE_S)
        return later(asked)

    runner = make()
    submit(runner, predict, 1)
    assert began.wait(PATIENCE_S)
    runner.stop()
    let_go.set()
    with pytest.raises(PredictError, match="the run ended"):
        runner.result(key(1))
    assert made == []


def test_the_loop_goes_on_while_a_call_waits_to_be_admitted(make: Callable[..., Runner]) -> None:
    """A budget that processes share is behind a file lock, which another one may hold."""
    asks, ended = threading.Event(), threading.Event()
    waited: list[bool] = []

    def admit(asked: Key) -> None:
        if asked.example == "2":
            asks.set()
            waited.append(ended.wait(PATIENCE_S))

    async def predict(asked: Request) -> str:
        while asked.text == "1" and not asks.is_set():
            await asyncio.sleep(0)
        ended.set()
        return "x"

    runner, caller = make(), Caller(predict, request, admit=admit)
    for number in (1, 2):
        runner.submit(key(number), caller)
    assert [runner.result(key(number)).text for number in (1, 2)] == ["x", "x"]
    assert waited == [True]


@pytest.mark.parametrize("predict", [sync_echo, async_echo])
def test_what_admits_no_call_says_why(make: Callable[..., Runner], predict: Callable[[Request], Any]) -> None:
    """What it raises is the call's failure, and predict is not asked."""

    def admit(_: Key) -> None:
        raise BudgetError("nothing is left")

    runner = make()
    runner.submit(key(1), Caller(predict, request, admit=admit))
    with pytest.raises(BudgetError, match="nothing is left"):
        runner.result(key(1))
