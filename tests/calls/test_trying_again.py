"""Calls that are tried again, held for a rate, or made fewer at once: by the runner, on a clock of real time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from subprocess import run
from typing import Any

import pytest

from pytest_promptreg.calls import Caller, Runner
from pytest_promptreg.calls import retrying as retrying_module
from pytest_promptreg.calls.ahead import Queue
from pytest_promptreg.calls.rate import Rate
from pytest_promptreg.errors import PredictError
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.model import CaseKey, Key, Output, PromptVersion, Request
from pytest_promptreg.suites.samples import calls_of

VERSION = PromptVersion("v1", "{{ n }}")


def key(number: int, suite: str = "suite") -> CaseKey:
    return CaseKey(suite, "v1", str(number))


def request(asked: Key) -> Request:
    return render(VERSION, asked.example, {"n": asked.example})


class ThrottledError(Exception):
    """A server's 429."""

    status_code = 429


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runners wait a hundredth of the time before another try."""
    waits = retrying_module.wait_s
    monkeypatch.setattr("pytest_promptreg.calls.runner.wait_s", lambda *asked: waits(*asked) / 100)


def failing(times: int, failure: Callable[[], Exception]) -> Callable[[Request], str]:
    """A predict that fails so many times for each case before it answers."""
    lock = threading.Lock()
    left: dict[str, int] = {}

    def predict(asked: Request) -> str:
        with lock:
            left[asked.text] = left.get(asked.text, times) - 1
            fails = left[asked.text] >= 0
        if fails:
            raise failure()
        return f"echo {asked.text}"

    return predict


def asynchronous(predict: Callable[[Request], str]) -> Callable[[Request], Any]:
    async def predict_later(asked: Request) -> str:
        await asyncio.sleep(0)
        return predict(asked)

    return predict_later


def test_what_is_left_out_is_not_tried_again(make: Callable[..., Runner]) -> None:
    """A call that nobody wants any more may fail, and that is the end of it."""
    begun, release, tries = threading.Event(), threading.Event(), []

    def predict(asked: Request) -> str:
        tries.append(asked.text)
        begun.set()
        release.wait(20)
        raise ConnectionResetError

    runner = make()
    runner.submit(key(1), Caller(predict, request))
    assert begun.wait(20)
    assert runner.leave_out([key(1)]) == {key(1)}
    release.set()
    assert isinstance(runner.take(key(1)).failure, ConnectionResetError)
    assert tries == ["1"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_call_that_fails_twice_is_had_by_the_third_try(make: Callable[..., Runner], kind: str) -> None:
    """The output is there, with what it took, and the run counts it."""
    predict = failing(2, ConnectionResetError)
    runner = make()
    caller = Caller(asynchronous(predict) if kind == "async" else predict, request)
    for number in range(5):
        runner.submit(key(number), caller)
    for number in range(5):
        answer = runner.take(key(number))
        assert answer.output is not None
        assert answer.output.text == f"echo {number}"
        assert answer.retries == ("connection", "connection")
    assert runner.tally().retried == {"connection": 10}


def test_the_last_failure_is_told(make: Callable[..., Runner]) -> None:
    """When no try is left, the failure is handed over as it was raised, with what was tried."""
    runner = make(retries=2)
    failures: list[Exception] = []

    def predict(asked: Request) -> str:
        failures.append(TimeoutError(len(failures)))
        raise failures[-1]

    runner.submit(key(1), Caller(predict, request))
    answer = runner.take(key(1))
    assert answer.failure is failures[2]
    assert answer.retries == ("timeout", "timeout")


@pytest.mark.parametrize(("retries", "failure"), [(2, TypeError), (2, KeyError), (0, TimeoutError)])
def test_some_failures_are_told_at_once(make: Callable[..., Runner], retries: int, failure: type[Exception]) -> None:
    """A programming error is never tried again, and with no retries nothing is."""
    runner, made = make(retries=retries), []

    def predict(asked: Request) -> str:
        made.append(asked.text)
        raise failure("x")

    runner.submit(key(1), Caller(predict, request))
    answer = runner.take(key(1))
    assert isinstance(answer.failure, failure)
    assert (len(made), answer.retries) == (1, ())


def test_a_try_that_takes_too_long_is_followed_by_another(make: Callable[..., Runner]) -> None:
    """The limit is that of a try; what the first one says late is nobody's, and nobody keeps it."""
    release, over, tries = threading.Event(), threading.Event(), itertools.count()
    kept: list[str] = []

    class Late(str):
        """An output whose reading is seen."""

        def __del__(self) -> None:
            over.set()

    def predict(asked: Request) -> str:
        if next(tries) == 0:
            release.wait(20)
            return Late("late")
        return "in time"

    runner = make(concurrency=1, timeout_s=0.05)
    runner.submit(key(1), Caller(predict, request, keep=lambda _, output: kept.append(output.text)))
    answer = runner.take(key(1))
    release.set()
    assert over.wait(20)
    assert answer.output is not None
    assert (answer.output.text, answer.retries) == ("in time", ("timeout",))
    assert kept == ["in time"]


def test_a_call_that_waits_gives_its_place_to_others(make: Callable[..., Runner], monkeypatch: Any) -> None:
    """With one place, calls behind one that waits for its next try are made meanwhile."""
    go = threading.Event()
    monkeypatch.setattr("pytest_promptreg.calls.runner.wait_s", lambda *asked: 0 if go.is_set() else 3600.0)
    runner = make(concurrency=1)
    runner.submit(key(1), Caller(failing(1, ConnectionError), request))
    for number in (2, 3):
        runner.submit(key(number), Caller(lambda asked: "there", request))
        assert runner.result(key(number)).text == "there"
    assert runner.progress().waiting == 1
    assert runner.submitted(key(1))


def test_stop_ends_every_wait(make: Callable[..., Runner], monkeypatch: Any) -> None:
    """Whoever waits for a call that waits for its next try is told that the run ended."""
    monkeypatch.setattr("pytest_promptreg.calls.runner.wait_s", lambda *asked: 3600.0)
    runner, answers = make(), []
    runner.submit(key(1), Caller(failing(1, ConnectionError), request))
    waiter = threading.Thread(target=lambda: answers.append(runner.take(key(1))), daemon=True)
    waiter.start()
    runner.stop()
    waiter.join(20)
    assert isinstance(answers[0].failure, PredictError | ConnectionError)


def test_fewer_calls_run_at_once_while_a_server_refuses(make: Callable[..., Runner]) -> None:
    """A server that takes four calls at once and refuses the fifth: every call is had in the end, none fails."""
    lock, flying = threading.Lock(), 0

    def predict(asked: Request) -> str:
        nonlocal flying
        with lock:
            flying += 1
            refused = flying > 4
        try:
            if refused:
                raise ThrottledError
            time.sleep(0.002)
            return "there"
        finally:
            with lock:
                flying -= 1

    runner, caller = make(concurrency=32), Caller(predict, request)
    for number in range(200):
        runner.submit(key(number), caller)
    assert [runner.result(key(number)).text for number in range(200)] == ["there"] * 200
    tally = runner.tally()
    assert tally.decreases
    assert tally.lowest < 32
    assert tally.retried["429"] > 2


def test_a_server_that_refuses_everything_is_not_asked_for_ever(make: Callable[..., Runner]) -> None:
    """Where no call gets through, each counts its tries: an exhausted quota is an error, not a run without end."""
    made: list[str] = []

    def predict(asked: Request) -> str:
        made.append(asked.text)
        raise ThrottledError

    runner, caller = make(concurrency=4, retries=2), Caller(predict, request)
    for number in range(6):
        runner.submit(key(number), caller)
    for number in range(6):
        assert isinstance(runner.take(key(number)).failure, ThrottledError)
    assert len(made) == 18


def test_nothing_starts_while_a_server_asks_for_patience(make: Callable[..., Runner]) -> None:
    """After Retry-After no call starts before that time is over, and the wait is counted."""
    first, starts = threading.Event(), []

    class PatienceError(Exception):
        status_code, pause_s = 503, 0.3

    def predict(asked: Request) -> str:
        starts.append(time.monotonic())
        if not first.is_set():
            first.set()
            raise PatienceError
        return "there"

    runner, caller = make(concurrency=1), Caller(predict, request)
    for number in range(3):
        runner.submit(key(number), caller)
    for number in range(3):
        assert runner.result(key(number)).text == "there"
    assert starts[1] - starts[0] >= 0.29
    assert runner.tally().asked_s > 0


def test_calls_keep_to_the_rate(make: Callable[..., Runner]) -> None:
    """Twenty calls a second: eleven of them take at least the time that ten take, less what may be caught up on."""
    runner, starts = make(concurrency=16, rate=Rate(20.0)), []
    began = time.monotonic()  # and not when the first of them starts, which may be late where there is much to do

    def predict(asked: Request) -> str:
        starts.append(time.monotonic())
        return "there"

    caller = Caller(predict, request)
    for number in range(11):
        runner.submit(key(number), caller)
    for number in range(11):
        runner.result(key(number))
    assert max(starts) - began >= 10 / 20 - 0.11
    assert runner.tally().rate_s > 0


# -- the window ahead of the test that runs


def ahead(runner: Runner, predict: Callable[[Request], Any], count: int, **more: Any) -> list[int]:
    """Call ahead for so many cases; what is returned grows with the keys that the runner pulls."""
    pulled: list[int] = []

    def keys() -> Iterator[CaseKey]:
        for number in range(count):
            pulled.append(number)
            yield key(number)

    runner.call_ahead("suite", Caller(predict, request, **more), lambda: Queue(keys(), count))
    return pulled


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def test_calls_keep_within_a_window_ahead_of_the_test(make: Callable[..., Runner]) -> None:
    """No more is called than the window allows before a test takes its answer; then more once half of it is used up."""
    runner, made = make(concurrency=2, window=10), []

    def predict(asked: Request) -> str:
        made.append(asked.text)
        return "there"

    pulled = ahead(runner, predict, 100_000)
    wait_for(lambda: len(made) == 10)
    assert len(pulled) == 10
    assert runner.progress().expected == 100_000
    for number in range(4):
        runner.result(key(number))
    assert len(pulled) == 10
    runner.result(key(4))
    wait_for(lambda: len(made) == 15)
    assert len(pulled) == 15
    assert sorted(map(int, made)) == list(range(15))


def test_outputs_that_no_test_came_for_are_let_go(make: Callable[..., Runner]) -> None:
    """Tests that skip themselves leave their outputs; a window behind the test that runs these are dropped."""
    runner = make(concurrency=1, window=4)
    ahead(runner, lambda asked: "there", 60)
    for number in range(0, 60, 5):
        runner.submit(key(number), Caller(lambda asked: "there", request))
        assert runner.result(key(number)).text == "there"
    assert len(runner.ready()) <= 8


def test_what_is_not_wanted_is_not_called_and_what_is_recorded_neither(make: Callable[..., Runner]) -> None:
    """A case that is not wanted is passed over; a recorded output is handed over without a call; others are kept."""
    made: list[str] = []
    kept: dict[str, str] = {}

    def predict(asked: Request) -> str:
        made.append(asked.text)
        return f"live {asked.text}"

    runner = make(concurrency=2)
    ahead(
        runner,
        predict,
        6,
        wanted=lambda asked: asked.example != "1",
        recorded=lambda asked: Output("recorded") if asked.example in "23" else None,
        keep=lambda asked, output: kept.update({asked.example: output.text}),
    )
    assert [runner.result(key(n)).text for n in (0, 2, 3, 4, 5)] == [
        "live 0",
        "recorded",
        "recorded",
        "live 4",
        "live 5",
    ]
    assert sorted(made) == ["0", "4", "5"]
    assert kept == {"0": "live 0", "4": "live 4", "5": "live 5"}
    assert not runner.submitted(key(1))


def test_a_record_that_cannot_be_read_is_the_calls_failure(make: Callable[..., Runner]) -> None:
    """No call is paid for because a recorded output could not be looked for."""
    made: list[str] = []

    def broken(asked: CaseKey) -> Output | None:
        raise PredictError("the store cannot be read")

    runner = make()
    ahead(runner, lambda asked: made.append(asked.text), 2, recorded=broken)
    with pytest.raises(PredictError, match="the store cannot be read"):
        runner.result(key(0))
    assert made == []


def test_cases_that_are_given_away_are_not_called(make: Callable[..., Runner]) -> None:
    """Only what was not called for is given away, and nothing of that is called ahead any more."""
    runner = make(concurrency=1, window=3)
    made: list[str] = []
    given: list[CaseKey] = []

    def predict(asked: Request) -> str:
        made.append(asked.text)
        return "there"

    ahead(runner, predict, 10)
    wait_for(lambda: len(made) == 3)
    runner.give_away([key(2), key(3), key(8), key(9)], given.extend)
    assert given == [key(3), key(8), key(9)]
    for number in (0, 1, 2, 4, 5, 6, 7):
        with contextlib.suppress(KeyError):
            runner.result(key(number))
    wait_for(lambda: len(made) == 7)
    assert sorted(made) == ["0", "1", "2", "4", "5", "6", "7"]


def test_a_case_is_given_away_with_all_its_samples_or_not(make: Callable[..., Runner]) -> None:
    """A case of which one sample was called for stays, and its other samples are called here too."""
    runner = make(concurrency=1, window=3)
    made: list[str] = []
    given: list[CaseKey] = []
    cases = [key(number) for number in range(4)]

    def predict(asked: Request) -> str:
        made.append(asked.text)
        return "there"

    calls = [call for case in cases for call in calls_of(case, 2)]
    runner.call_ahead("suite", Caller(predict, request), lambda: Queue(iter(calls), len(calls)))
    wait_for(lambda: len(made) == 3)  # both samples of the first case, and one of the second
    runner.give_away(cases, given.extend)
    assert given == cases[2:]
    for call in calls[:4]:
        wait_for(partial(runner.submitted, call))
        runner.result(call)
    assert made == ["0", "0", "1", "1"]


def test_nothing_is_imported_for_a_run_without_a_failure() -> None:
    """tenacity is imported by the first call that is tried again, and not before."""
    program = """
import sys
from pytest_promptreg.calls import Caller, Runner, Terms
from pytest_promptreg.calls.retrying import Trouble, wait_s
from pytest_promptreg.model import CaseKey, Request
runner = Runner(Terms(4, retries=2))
key = CaseKey("s", "v", "1")
runner.submit(key, Caller(lambda asked: "there", lambda key: Request("", [], {}, {}, "v", "1")))
assert runner.result(key).text == "there"
assert "tenacity" not in sys.modules
wait_s(Trouble("429"), 1)
assert "tenacity" in sys.modules
"""
    assert run([sys.executable, "-c", program], check=False).returncode == 0
