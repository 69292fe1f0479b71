"""predict: what it may be, what it may return, when it is called, and how its failures are told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

LOG = """
def log(name, line):
    with open(name, "a") as file:
        file.write(line + "\\n")
"""


# -- what it may be


@pytest.mark.parametrize(
    "fixture",
    [
        pytest.param("    return follow", id="function"),
        pytest.param("    return lambda request: follow(request)", id="lambda"),
        pytest.param(
            """
    async def predict(request):
        await asyncio.sleep(0)
        return follow(request)
    return predict
""",
            id="async-function",
        ),
        pytest.param(
            """
    class Client:
        def __call__(self, request):
            return follow(request)
    return Client()
""",
            id="object",
        ),
        pytest.param(
            """
    class Client:
        async def __call__(self, request):
            return follow(request)
    return Client()
""",
            id="async-object",
        ),
        pytest.param(
            """
    class Client:
        async def complete(self, request):
            return follow(request)
    return Client().complete
""",
            id="async-method",
        ),
        pytest.param(
            """
    async def predict(request):
        return follow(request)
    return lambda request: predict(request)
""",
            id="function-of-a-coroutine",
        ),
        pytest.param("    return functools.partial(lambda style, request: follow(request), 'plain')", id="partial"),
    ],
)
def test_whatever_can_be_called(project: Project, fixture: str) -> None:
    """Functions, objects, methods and partials, sync and async: each is called and answers."""
    head = 'import asyncio, functools\n\n@pytest.fixture(scope="session")\ndef promptreg_predict():\n'
    project.suite(fixture=head + fixture.strip("\n") + "\n")
    project.store()
    assert project.outputs()["b"] == "red orange yellow green blue indigo"
    project.pytester.runpytest_inprocess("-W", "error").assert_outcomes(passed=3)


def test_the_address_of_a_function(project: Project, run: Run) -> None:
    """predict="module:function" names a function of the project, also within a class."""
    project.write(
        "app.py",
        """
        class Service:
            @staticmethod
            def answer(request):
                return f"{request.version} said {request.inputs['text'][:3]}"
        """,
    )
    project.suite(marker='predict="app:Service.answer"')
    run("--promptreg-update").assert_outcomes(passed=3)
    assert project.outputs() == {"a": "v1 said one", "b": "v1 said red", "c": "v1 said do "}


def test_what_predict_is_given(project: Project) -> None:
    """The request has the rendered text, messages, inputs, version, example and the prompt's model config."""
    project.write(
        "prompts/v1.md", "---\nmodel_config: {temperature: 0.5}\n---\nKeep 6 words of the text.\n\n{{ text }}\n"
    )
    project.suite(
        predict="""
        def follow(request):
            return {
                "text": request.text, "messages": request.messages, "inputs": dict(request.inputs),
                "version": request.version, "example": request.example, "config": dict(request.model_config),
            }
        """,
        body="""
        import json
        said = json.loads(promptreg.check().output)
        text = "Keep 6 words of the text.\\n\\n" + promptreg.example.inputs["text"]
        assert said == {
            "text": text, "messages": [{"role": "user", "content": text}], "inputs": promptreg.example.inputs,
            "version": "v1", "example": promptreg.example.id, "config": {"temperature": 0.5},
        }
        """,
    )
    project.store()


# -- what it may return


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("'plain'", "plain"),
        ("''", ""),
        ("{'b': 1, 'a': ['é']}", '{\n  "a": [\n    "é"\n  ],\n  "b": 1\n}'),
        ("[1, None]", "[\n  1,\n  null\n]"),
        ("Output('counted', input_tokens=3, output_tokens=1, cost_usd=0.5)", "counted"),
        ("'line\\r\\nline\\x00\\x1b[31m'", "line\r\nline\x00\x1b[31m"),
        ("'lone \\ud800 surrogate'", "lone ? surrogate"),
    ],
    ids=["str", "empty", "dict", "list", "output", "controls", "surrogate"],
)
def test_what_predict_may_return(project: Project, value: str, output: str) -> None:
    """A text, a dict or list as canonical JSON, or an Output; stored as it is and equal to itself when read again."""
    project.suite(predict=f"from pytest_promptreg import Output\ndef follow(request):\n    return {value}\n")
    project.store()
    assert project.outputs()["a"] == output
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*version*cases*unchanged*"])


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("None", "NoneType"),
        ("7", "int"),
        ("b'bytes'", "bytes"),
        ("{'a': object()}", "no JSON"),
        ("[{1, 2}]", "no JSON"),
        ("Output(None)", "NoneType"),
        ("(word for word in 'ab')", "generator"),
    ],
    ids=["none", "int", "bytes", "dict-of-objects", "list-of-sets", "output-of-none", "generator"],
)
def test_what_predict_may_not_return(project: Project, value: str, named: str) -> None:
    """Anything else is an error that names the type and says what to return; it is never stored."""
    project.suite(predict=f"from pytest_promptreg import Output\ndef follow(request):\n    return {value}\n")
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["predict failed for v1 x a: *" + named + "*"])
    assert result.ret == 1
    assert not project.baseline_file().exists()
    assert "INTERNALERROR" not in result.stdout.str()


# -- failures


FAILING = """
def ask(text):
    raise ConnectionError("the model is away")

def follow(request):
    if request.inputs["text"].startswith("red"):
        ask(request.text)
    return request.inputs["text"]
"""


def test_a_failing_predict_is_an_error_and_no_regression(project: Project, run_each_way: Run) -> None:
    """Its test is E, not F, and its verdict error; the traceback has the user's own lines and none of the plugin's."""
    project.ini("promptreg_retries = 0\n")
    project.suite(predict="def follow(request):\n    return request.inputs['text']\n")
    project.store()
    before = project.baseline_file().read_bytes()
    project.suite(predict=FAILING)
    for flags, counted in (([], "error"), (["--promptreg-update"], "not written")):
        result = run_each_way(*flags)
        result.assert_outcomes(passed=2, errors=1)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            [
                "predict failed for v1 x b: ConnectionError: the model is away",
                "*Traceback*",
                '*test_answer.py", line *, in follow',
                "*ask(request.text)",
                '*test_answer.py", line *, in ask',
                '*raise ConnectionError("the model is away")',
                f"*version*cases*unchanged*{counted}*",
                "ERROR *v1-b* - *predict failed for v1 x b: ConnectionError*",
            ]
        )
        assert "pytest_promptreg/" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*not written: b: predict failed for v1 x b: ConnectionError: the model is away"])
    assert project.baseline_file().read_bytes() == before


def test_an_async_predict_fails_in_the_same_words(project: Project) -> None:
    """An exception out of a coroutine keeps the user's own traceback as well."""
    project.ini("promptreg_retries = 0\n")
    source = FAILING.replace("def follow", "async def follow").replace("def ask", "async def ask")
    project.suite(predict=source.replace("ask(request.text)", "await ask(request.text)"))
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["predict failed for v1 x b: ConnectionError: *", "*in follow", "*in ask"])
    assert sorted(project.outputs()) == ["a", "c"]


@pytest.mark.parametrize(
    "exception",
    ["SystemExit(2)", "asyncio.CancelledError()", "pytest.fail.Exception('no')", "ExceptionGroup('g', [OSError()])"],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_whatever_predict_raises_is_an_error(project: Project, exception: str, kind: str) -> None:
    """SystemExit, a cancelled task, pytest's own failure: each is an error of its case, and the run goes on."""
    project.suite(
        predict=f"import asyncio\n{kind} follow(request):\n    if request.example == 'b':\n        raise {exception}\n"
        "    return 'fine'\n"
    )
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["predict failed for v1 x b: *"])
    assert sorted(project.outputs()) == ["a", "c"]


def test_an_error_message_of_the_model_is_made_safe(project: Project) -> None:
    """Escape sequences in an exception's text do not reach the terminal."""
    project.suite(predict="def follow(request):\n    raise ValueError('\\x1b[2Jgone\\u202e')\n")
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.assert_outcomes(errors=3)
    assert "\x1b[2J" not in result.stdout.str()
    assert "\u202e" not in result.stdout.str()


def test_predict_may_skip_its_case(project: Project) -> None:
    """pytest.skip() in predict skips the case: nothing is stored for it, and it is no failure."""
    project.suite(
        predict="""
        def follow(request):
            if request.example == "b":
                pytest.skip("no quota for b")
            return "fine"
        """
    )
    result = project.pytester.runpytest_inprocess("--promptreg-update", "-rs")
    result.assert_outcomes(passed=2, skipped=1)
    assert sorted(project.outputs()) == ["a", "c"]


def test_a_call_that_takes_too_long_is_an_error(project: Project, run: Run) -> None:
    """promptreg_timeout bounds each call, sync or async; the message names the option, and the other cases go on."""
    project.ini("promptreg_timeout = 0.3\npromptreg_retries = 0\n")
    project.suite(
        predict="""
        import asyncio, time

        def follow(request):
            if request.example == "a":
                time.sleep(30)
            return "sync"

        async def aflow(request):
            if request.example == "a":
                await asyncio.sleep(30)
            return "async"
        """,
        marker="predict=follow",
    )
    for name in ("follow", "aflow"):
        text = (project.path / "test_answer.py").read_text(encoding="utf-8")
        project.write("test_answer.py", re.sub(r"predict=\w+", f"predict={name}", text))
        result = run("--promptreg-update")
        result.assert_outcomes(passed=2, errors=1)
        result.stdout.fnmatch_lines(["*predict failed for v1 x a: *no answer in 0.3 s*", "*promptreg_timeout*"])
        assert sorted(project.outputs()) == ["b", "c"]
        project.baseline_file().unlink()


# -- when it is called

COUNTING = """
import threading, time
LOCK = threading.Lock()
flying = most = 0

def follow(request):
    global flying, most
    with LOCK:
        flying += 1
        most = max(most, flying)
    deadline = time.monotonic() + 5
    while most < WANTED and time.monotonic() < deadline:
        time.sleep(0.01)
    with LOCK:
        flying -= 1
    with open("most", "a") as file:
        file.write(f"{most}\\n")
    return "x"
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_calls_run_at_the_same_time_up_to_the_limit(project: Project, kind: str) -> None:
    """With promptreg_concurrency = 4, four of twelve calls are in flight at once, and never five."""
    project.ini("promptreg_concurrency = 4\n")
    project.examples({f"e{number}": "text" for number in range(12)})
    source = COUNTING.replace("WANTED", "4")
    if kind == "async":
        source = source.replace("def follow", "async def follow").replace("time.sleep", "await asyncio.sleep")
        source = "import asyncio\n" + source
    project.suite(predict=source)
    project.pytester.runpytest_inprocess("--promptreg-update").assert_outcomes(passed=12)
    counts = [int(line) for line in project.lines("most")]
    assert len(counts) == 12
    assert max(counts) == 4


def test_concurrency_one_calls_when_the_test_runs(project: Project) -> None:
    """With promptreg_concurrency = 1 a case's call is made in its own test, not ahead of it."""
    project.ini("promptreg_concurrency = 1\n")
    project.suite(
        predict=LOG + "\ndef follow(request):\n    log('order', 'call ' + request.example)\n    return 'x'\n",
        body="log('order', 'test ' + promptreg.example.id)\npromptreg.check()",
    )
    project.store()
    assert project.lines("order") == ["call a", "test a", "call b", "test b", "call c", "test c"]


def test_calls_run_ahead_of_their_tests(project: Project) -> None:
    """By default the first test of a suite starts the calls of all its cases, in order."""
    project.suite(
        predict=LOG
        + """
import threading
STARTED = threading.Barrier(3, timeout=10)

def follow(request):
    STARTED.wait()
    return "x"
""",
        body="promptreg.check()",
    )
    project.store()
    assert sorted(project.outputs()) == ["a", "b", "c"]


def test_a_case_without_a_baseline_is_not_called_in_a_plain_run(project: Project, run: Run) -> None:
    """What cannot be compared is not paid for: missing and incomparable cases are told without a call."""
    calling = LOG + "\ndef follow(request):\n    log('calls', request.example)\n    return 'x'\n"
    project.suite(predict=calling)
    run().assert_outcomes(failed=3)
    assert project.lines("calls") == []
    run("--promptreg-update", "-k", "v1-a or v1-b").assert_outcomes(passed=2)
    assert sorted(project.lines("calls")) == ["a", "b"]
    project.examples({"a": "one two", "b": "other words than before", "c": "new"})
    project.rows(
        {"id": "a", "text": "one two three four five six seven eight nine ten"},
        {"id": "b", "text": "other words than before"},
        {"id": "c", "text": "never stored"},
    )
    run().assert_outcomes(passed=1, failed=2)
    assert sorted(project.lines("calls")) == ["a", "a", "b"]


def test_only_selected_cases_are_called(project: Project, run: Run) -> None:
    """-k, --promptreg-versions and a skip mark save the calls of what they leave out."""
    project.prompt("v2", keep=6)
    project.suite(
        predict=LOG + "\ndef follow(request):\n    log('calls', request.version + request.example)\n    return 'x'\n"
    )
    project.write(
        "conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "v1-c" in item.nodeid:
                    item.add_marker(pytest.mark.skip(reason="not today"))
        """,
    )
    run("--promptreg-update").assert_outcomes(passed=2, skipped=1)
    run("-k", "v1 and not a]", "--promptreg-versions", "v1")
    assert sorted(project.lines("calls")) == ["v1a", "v1b", "v1b"]


@pytest.mark.parametrize(
    "dist", ["load", *(pytest.param(f"load{by}", marks=pytest.mark.slow) for by in ("file", "scope", "group"))]
)
def test_each_call_is_made_once_however_xdist_distributes(project: Project, dist: str) -> None:
    """With -n 2 no case is called by two workers, or twice by one, and the baseline is whole."""
    project.examples({f"e{number:02}": f"text {number}" for number in range(30)})
    project.suite(
        predict=LOG + "\nimport time\ndef follow(request):\n    log('calls', request.example)\n"
        "    time.sleep(0.01)\n    return request.example\n"
    )
    result = project.pytester.runpytest_inprocess("-n2", "--dist", dist, "--promptreg-update")
    result.assert_outcomes(passed=30)
    assert sorted(project.lines("calls")) == sorted(project.outputs())
    assert len(project.outputs()) == 30


def test_a_worker_gives_no_case_away_that_it_has_called_for(project: Project) -> None:
    """With --dist worksteal, a worker out of work takes cases of another's queue, and no call is made twice."""
    project.ini("promptreg_concurrency = 64\n")
    project.examples({f"e{number:02}": f"text {number}" for number in range(60)})
    project.suite(
        predict=LOG + "\nimport time\ndef follow(request):\n    log('calls', request.example)\n"
        "    time.sleep(0.02)\n    return request.example\n",
        body="import time\ntime.sleep(0.05 if promptreg.example.id < 'e30' else 0)\npromptreg.check()",
    )
    result = project.pytester.runpytest_inprocess("-n2", "--dist", "worksteal", "--promptreg-update")
    result.assert_outcomes(passed=60)
    assert sorted(project.lines("calls")) == sorted(project.outputs())
    assert len(project.outputs()) == 60


def test_what_was_tried_again_is_counted_and_told(project: Project, run_each_way: Run) -> None:
    """The closing section says what was retried, from all workers together; a failure names the tries of its case."""
    project.suite(predict="def follow(request):\n    return 'the accepted answer'\n")
    project.store()
    project.suite(
        predict="""
        import os

        class Overloaded(Exception):
            status_code = 503

        def follow(request):
            if not os.path.exists(request.example):
                open(request.example, "w").close()
                raise Overloaded("later")
            return "another answer"
        """
    )
    result = run_each_way()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["the call was tried again: 503", "calls: 3 retried (503: 3)"])


def test_calls_keep_to_the_rate_that_is_set(project: Project) -> None:
    """promptreg_rate holds calls back, and the wait is told; a rate that is none is refused."""
    project.ini("promptreg_rate = 10/s\n")
    project.suite(predict="def follow(request):\n    return 'x'\n")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["calls: waited 0.* s for the rate limit"])
    project.ini("promptreg_rate = often\n")
    refused = project.pytester.runpytest_inprocess("-p", "no:xdist")
    assert refused.ret != 0
    assert "'often' is no rate" in refused.stdout.str() + refused.stderr.str()


@pytest.mark.parametrize("predict", ["lambda request: TENANT.get()", "asynchronous"])
def test_context_variables_of_the_test_reach_predict(project: Project, predict: str) -> None:
    """A context variable that a session fixture has set is seen in the call, in thread and event loop alike."""
    project.suite(
        fixture=f"""
        import contextvars
        TENANT = contextvars.ContextVar("tenant", default="nobody")

        async def asynchronous(request):
            return TENANT.get()

        @pytest.fixture(scope="session")
        def promptreg_predict():
            TENANT.set("acme")
            return {predict}
        """
    )
    project.store()
    assert set(project.outputs().values()) == {"acme"}


def test_what_predict_prints_is_captured(project: Project, run: Run) -> None:
    """Words that predict prints or logs do not run into pytest's own."""
    project.suite(
        predict="import logging\ndef follow(request):\n    print('noise ' * 3)\n    logging.warning('more noise')\n"
        "    return 'x'\n"
    )
    result = run("--promptreg-update")
    result.assert_outcomes(passed=3)
    assert "noise" not in result.stdout.str() + result.stderr.str()


def test_what_fails_all_calls_is_told_once_in_full(project: Project, run: Run) -> None:
    """A wrong key: the first case has the traceback, the others say which; with -v all have it."""
    project.store()
    project.suite(predict="def follow(request):\n    raise PermissionError('no such key')\n")
    result = run()
    result.assert_outcomes(errors=3)
    assert str(result.stdout).partition("short test summary")[0].count("Traceback") == 1
    for example in "bc":
        result.stdout.fnmatch_lines(
            [
                f"predict failed for v1 x {example}: PermissionError: no such key",
                "  as of v1 x a, where all of it is told*",
            ]
        )
    assert str(run("-v").stdout).partition("short test summary")[0].count("Traceback") == 3


def test_promptreg_output_calls_when_it_is_first_asked_for(project: Project) -> None:
    """In a plain run, a test may look at the output of a case that has no baseline: that makes the call."""
    project.suite(
        predict=LOG + "\ndef follow(request):\n    log('calls', request.example)\n    return 'seen'\n",
        body="assert promptreg.output.text == 'seen'\npromptreg.check()",
    )
    project.pytester.runpytest_inprocess("-k", "v1-a").assert_outcomes(failed=1, deselected=2)
    assert project.lines("calls") == ["a"]


# -- stopping

LONG = """
import time, asyncio, os

def follow(request):
    with open("started", "a") as file:
        file.write(request.example + "\\n")
    if request.example == "a":
        raise ValueError("the first call fails")
    time.sleep(10)
    with open("ended", "a") as file:
        file.write(request.example + "\\n")
    return "late"
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_exitfirst_does_not_wait_for_calls_in_flight(project: Project, kind: str, workers: str) -> None:
    """-x with a ten-second call in flight returns before that call could have ended, and writes no baseline."""
    source = LONG
    if kind == "async":
        source = source.replace("def follow", "async def follow").replace("time.sleep", "await asyncio.sleep")
    project.suite(predict=source)
    result = project.pytester.runpytest_subprocess(workers, "-x", "--promptreg-update", timeout=60)
    assert result.ret in {1, 2}
    assert "a" in project.lines("started")
    assert project.lines("ended") == []
    assert not project.baseline_file().exists()
    assert "Traceback" not in result.stderr.str()
    result.stdout.fnmatch_lines(["*no baseline was written*"])


def test_after_the_failure_that_ends_the_run_nothing_is_called(project: Project, run: Run) -> None:
    """Fixtures may take their time to be torn down: what is called meanwhile nobody will ask for."""
    project.examples({f"t-{number}": "one two three" for number in range(300)})
    project.suite(
        fixture="""
        @pytest.fixture(scope="session")
        def promptreg_predict():
            calls = []

            def follow(request):
                calls.append(request.example)
                time.sleep(0.002)
                return "x"

            yield follow
            ended = len(calls) + 2  # in flight
            time.sleep(0.1)
            assert len(calls) <= ended
        """,
        predict="import time",
    )
    project.ini("promptreg_concurrency = 2")
    run("-x", "-p", "no:cacheprovider").assert_outcomes(failed=1)


@pytest.mark.parametrize("flags", [["-x"], ["--maxfail=1", "--dist=worksteal"]])
def test_a_failure_that_ends_the_run_ends_it_in_every_worker(project: Project, flags: list[str]) -> None:
    """With -n 2 and -x the other worker leaves its ten-second call behind and is not taken for one that crashed."""
    project.ini("promptreg_concurrency = 2\n")  # one call at a time for each worker
    project.suite(
        predict="""
        import os, time
        from pathlib import Path

        WORKER = os.environ.get("PYTEST_XDIST_WORKER")

        def follow(request):
            Path(f"started-{WORKER}-{request.example}").touch()
            if WORKER == "gw0":
                while not list(Path().glob("started-gw1-*")):
                    time.sleep(0.02)
                raise ValueError("the first call fails")
            time.sleep(10)
            Path("ended").touch()
            return "late"
        """
    )
    result = project.pytester.runpytest_subprocess("-n2", *flags, "--promptreg-update", timeout=60)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    assert len(list(project.path.glob("started-gw1-*"))) == 1
    assert not (project.path / "ended").exists()
    assert not project.baseline_file().exists()
    result.stdout.fnmatch_lines(["*no baseline was written*", "*stopping after 1 failures*"])
    result.stdout.no_fnmatch_line("*crashed*")


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_ctrl_c_does_not_wait_for_calls_in_flight(project: Project, kind: str, workers: str) -> None:
    """Ctrl-C while every test waits returns before the calls could have ended, with exit status 2, nothing written."""
    source = LONG.replace('request.example == "a"', "False")
    if kind == "async":
        source = source.replace("def follow", "async def follow").replace("time.sleep", "await asyncio.sleep")
    project.suite(predict=source)
    interrupt(project, workers, when="started")
    assert project.lines("ended") == []
    assert not project.baseline_file().exists()


THROTTLED = """
class ThrottledError(Exception):
    status_code = 429
    headers = {"Retry-After": "60"}

def follow(request):
    with open("tries", "a") as file:
        file.write(request.example + "\\n")
    raise ThrottledError("later")
"""
TELLS_OF_WAITS = """
    import pytest_promptreg.calls.runner as runner

    wait_s = runner.wait_s

    def told(*asked):
        seconds = wait_s(*asked)
        with open("waits", "a") as file:
            file.write(f"{seconds}\\n")
        return seconds

    runner.wait_s = told
"""


@pytest.mark.parametrize(("workers", "kind"), [("-n0", "sync"), ("-n0", "async"), ("-n2", "sync")])
def test_ctrl_c_does_not_wait_for_another_try(project: Project, workers: str, kind: str) -> None:
    """While a call waits a minute because its server said so, Ctrl-C ends the run: no other try, nothing written."""
    project.write("conftest.py", TELLS_OF_WAITS)
    project.suite(predict=THROTTLED if kind == "sync" else THROTTLED.replace("def follow", "async def follow"))
    interrupt(project, workers, when="waits")
    assert min(map(float, project.lines("waits"))) >= 60
    assert len(project.lines("tries")) == len(set(project.lines("tries")))
    assert not project.baseline_file().exists()


def interrupt(project: Project, workers: str, when: str) -> None:
    """Ctrl-C in a refresh as soon as there is a file of that name: it ends soon, with exit status 2."""
    command = [sys.executable, "-m", "pytest", workers, "--promptreg-update"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not project.lines(when) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
    try:
        output, _ = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode == 2, output
    assert project.lines(when)


def test_a_run_that_ends_leaves_nothing_behind_that_warns(project: Project) -> None:
    """With warnings as errors: no open event loop, no coroutine never awaited, no thread's exception."""
    source = LONG.replace("def follow", "async def follow").replace("time.sleep(10)", "await asyncio.sleep(10)")
    project.suite(predict=source)
    result = project.pytester.runpytest_subprocess("-W", "error", "-x", "--promptreg-update", "-p", "no:xdist")
    assert result.ret == 1
    for word in ("Warning", "never awaited", "Task was destroyed", "unraisable"):
        assert word not in result.stdout.str() + result.stderr.str()
