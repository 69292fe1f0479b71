"""Calls on executors: threads, processes that die, and a cluster of Dask's on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.calls import Caller, Runner
from pytest_promptreg.errors import ConfigError, PredictError
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.model import CaseKey, Key, PromptVersion, Request
from pytest_promptreg.session.executors import check_address, connected

COUNT = 20


def key(number: int) -> CaseKey:
    return CaseKey("suite", "v1", str(number))


def request(asked: Key) -> Request:
    return render(PromptVersion("v1", "{{ n }}"), asked.example, {"n": asked.example})


def echo(asked: Request) -> str:
    return f"echo {asked.text}"


async def echo_later(asked: Request) -> str:
    return f"echo {asked.text}"


def die(asked: Request) -> str:
    os._exit(3)


def die_once(asked: Request) -> str:
    """Ends its process when it is first asked for case 7."""
    mark = Path(os.environ["PROMPTREG_TEST_MARK"])
    if asked.text == "7" and not mark.exists():
        mark.touch()
        os._exit(3)
    return f"echo {asked.text}"


def outputs(runner: Runner, predict: Callable[[Request], Any], executor: Executor) -> list[str]:
    caller = Caller(predict, request, executor=executor)
    for number in range(COUNT):
        runner.submit(key(number), caller)
    return [runner.result(key(number)).text for number in range(COUNT)]


ECHOED = [f"echo {number}" for number in range(COUNT)]


@pytest.mark.parametrize("predict", [echo, echo_later])
def test_calls_run_on_threads_of_the_user(make: Callable[..., Runner], predict: Callable[[Request], Any]) -> None:
    """Sync and async predicts run on an executor, bounded by the concurrency, and give what they give anywhere."""
    with ThreadPoolExecutor(2) as executor:
        assert outputs(make(), predict, executor) == ECHOED


def test_calls_run_in_other_processes(make: Callable[..., Runner]) -> None:
    """A predict at the top of a module is sent; a lambda is refused with what to do about it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert outputs(make(), echo, executor) == ECHOED
        runner = make()
        runner.submit(key(1), Caller(lambda asked: "x", request, executor=executor))
        with pytest.raises(PredictError, match="cannot be sent to the executor") as error:
            runner.result(key(1))
        assert "top of a module" in str(error.value)


def test_a_process_that_dies_is_an_error(make: Callable[..., Runner]) -> None:
    """A pool that is broken stays so: tried again, then told as it is, and never an output."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        runner = make(retries=1)
        runner.submit(key(1), Caller(die, request, executor=executor))
        answer = runner.take(key(1))
    assert isinstance(answer.failure, BrokenProcessPool)
    assert answer.retries == ("worker lost",)


def test_a_call_on_an_executor_has_its_limit(make: Callable[..., Runner]) -> None:
    """A call that takes too long is given up there too."""
    with ThreadPoolExecutor(1) as executor:
        runner = make(retries=0, timeout_s=0.05)
        runner.submit(key(1), Caller(lambda asked: time.sleep(0.5), request, executor=executor))
        with pytest.raises(PredictError, match="no answer"):
            runner.result(key(1))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "dask", "dask+http://x", "ray://x", ""])
def test_an_address_of_no_cluster_is_refused(address: str) -> None:
    """What names no scheduler is refused, with how to write it."""
    with pytest.raises(ConfigError, match="names no cluster"):
        check_address(address)


class LosesTheFirst(Executor):
    """Takes the result of its first call for a failure, as Dask does whose worker dies while the result is fetched."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Make the call here and now."""
        self.calls += 1
        future: Future[Any] = Future()
        result = fn(*args, **kwargs)
        if self.calls > 1:
            future.set_result(result)
        else:
            self._cascade_future(result, future)
        return future

    def _cascade_future(self, result: tuple[Any, ...], future: Future[Any]) -> None:
        try:
            _, _, _ = result
        except ValueError as exc:
            future.set_exception(exc)


def test_a_result_that_dask_takes_for_a_failure_is_made_again(make: Callable[..., Runner]) -> None:
    """A worker that is lost with a result which was being fetched counts as any lost worker."""
    runner = make(retries=1)
    runner.submit(key(1), Caller(echo, request, executor=LosesTheFirst()))
    answer = runner.take(key(1))
    assert (answer.output and answer.output.text, answer.retries) == ("echo 1", ("worker lost",))


def test_a_value_error_of_predict_is_its_own(make: Callable[..., Runner]) -> None:
    """It is told as it is, and predict is not asked again."""

    def unpack(asked: Request) -> str:
        first, second, third = list(asked.text)
        return first + second + third

    with ThreadPoolExecutor(1) as executor:
        runner = make(retries=1)
        runner.submit(key(1), Caller(unpack, request, executor=executor))
        answer = runner.take(key(1))
    assert isinstance(answer.failure, ValueError)
    assert answer.retries == ()


# -- Dask


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A scheduler with two worker processes, which are started anew when they die; its address and a mark's path.

    A call whose worker dies is given up at once: to try it again is for the runner.
    """
    folder = tmp_path_factory.mktemp("dask")
    mark = folder / "died"
    program = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with LocalCluster(host="127.0.0.1", **options) as it:
        print(it.scheduler_address, flush=True)
        sys.stdin.read()
"""
    script = folder / "cluster.py"
    script.write_text(program, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    environ = {**os.environ, "PROMPTREG_TEST_MARK": str(mark), "PYTHONPATH": f"{root}"}
    environ["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ,
        cwd=folder,
        text=True,
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip(), mark
    process.communicate("", timeout=30)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_calls_run_on_a_cluster_and_a_lost_worker_changes_nothing(
    make: Callable[..., Runner], cluster: tuple[str, Path]
) -> None:
    """A worker that dies in the middle of a call is replaced, its calls are made again, and every output is there."""
    address, mark = cluster
    with connected(f"dask+{address}") as executor:
        assert outputs(make(), die_once, executor) == ECHOED
    assert mark.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_worker_that_dies_of_a_call_each_time_is_an_error(
    make: Callable[..., Runner], cluster: tuple[str, Path]
) -> None:
    """A call that kills whoever makes it ends as an error that names the lost worker."""
    with connected(f"dask+{cluster[0]}") as executor:
        runner = make(retries=1)
        runner.submit(key(1), Caller(die, request, executor=executor))
        answer = runner.take(key(1))
    assert type(answer.failure).__name__ == "KilledWorker"
    assert answer.retries == ("worker lost",)


# -- from pytest


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite of twenty cases with a stored baseline; predict says which process it runs in."""
    pytester.path.joinpath("prompts").mkdir()
    pytester.path.joinpath("prompts/v1.md").write_text("{{ n }}\n", encoding="utf-8")
    rows = "".join(f'{{"id": "e{number}", "n": {number}}}\n' for number in range(COUNT))
    pytester.path.joinpath("examples.jsonl").write_text(rows, encoding="utf-8")
    pytester.makeini("[pytest]\npromptreg_timeout = 20\n")
    pytester.makepyfile(
        """
        import os
        from pathlib import Path
        import pytest

        def answer(request):
            mark = os.environ.get("PROMPTREG_TEST_MARK")
            if mark:
                Path(mark + "-used").touch()
                if request.example == "e7" and not Path(mark + "-lost").exists():
                    Path(mark + "-lost").touch()
                    os._exit(3)
            return "breached entirely" if request.example == "e3" and Path("worse").exists() else request.text

        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"], predict=answer)
        def test_suite(promptreg):
            promptreg.check()
        """
    )
    assert pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update").ret == 0
    return pytester


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_no_verdict_changes_on_a_cluster(project: pytest.Pytester, cluster: tuple[str, Path], workers: str) -> None:
    """With a worker of the cluster lost in the middle, each case has the verdict that it has without a cluster."""
    address, mark = cluster
    used, lost = Path(f"{mark}-used"), Path(f"{mark}-lost")
    used.unlink(missing_ok=True)
    lost.unlink(missing_ok=True)
    result = project.runpytest_subprocess(workers, f"--promptreg-executor=dask+{address}", "--tb=short")
    result.assert_outcomes(passed=COUNT)
    assert used.exists()
    assert lost.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", "names no cluster"),
        ("dask+tcp://127.0.0.1:1", "no scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_no_cluster_is_no_pass(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    """Without a cluster where one was asked for, nothing passes."""
    monkeypatch.setattr("pytest_promptreg.session.executors._CONNECT_S", 0.2)
    result = project.runpytest_inprocess("-p", "no:xdist", f"--promptreg-executor={address}", "-k", "e1]")
    assert result.ret != 0
    assert said in result.stdout.str() + result.stderr.str()


def test_a_cluster_that_is_away_is_asked_once(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first case finds out, which takes its time; all others, of other modules as well, are told at once."""
    asked = []

    def away(address: str, **_: object) -> None:
        asked.append(address)
        raise TimeoutError("Timed out")

    monkeypatch.setattr("distributed.Client", away)
    module = next(project.path.glob("test_*.py"))
    module.with_name("test_other.py").write_bytes(module.read_bytes())
    shutil.copytree(project.path / "__baselines__" / module.stem, project.path / "__baselines__" / "test_other")
    result = project.runpytest_inprocess("-p", "no:xdist", "--promptreg-executor=dask+tcp://10.0.0.1:8786")
    result.assert_outcomes(errors=2 * COUNT)
    assert asked == ["tcp://10.0.0.1:8786"]
    assert result.outlines.count("--promptreg-executor: no scheduler answers at tcp://10.0.0.1:8786") == 2 * COUNT


def test_the_fixture_gives_an_executor(project: pytest.Pytester) -> None:
    """What promptreg_executor returns is used; what is none is refused."""
    project.makeconftest(
        """
        import pytest, threading
        from concurrent.futures import ThreadPoolExecutor

        @pytest.fixture(scope="session")
        def promptreg_executor():
            with ThreadPoolExecutor(2, thread_name_prefix="of-the-user") as executor:
                yield executor
                assert any(thread.name.startswith("of-the-user") for thread in threading.enumerate())
        """
    )
    project.runpytest_inprocess("-p", "no:xdist").assert_outcomes(passed=COUNT)
    project.makeconftest("import pytest\n\n@pytest.fixture(scope='session')\ndef promptreg_executor():\n    return 4\n")
    result = project.runpytest_inprocess("-p", "no:xdist", "-k", "e1]")
    result.assert_outcomes(errors=1, deselected=COUNT - 1)
    result.stdout.fnmatch_lines(["*promptreg_executor returned int, which has no method submit*"])


@pytest.mark.parametrize("scope", ["function", "class", "module"])
def test_an_executor_lives_as_long_as_its_suite(project: pytest.Pytester, scope: str) -> None:
    """One that its fixture would shut down after a test is refused at collection; one of the module serves."""
    project.makeconftest(
        f"""
        import pytest
        from concurrent.futures import ThreadPoolExecutor

        @pytest.fixture(scope="{scope}")
        def promptreg_executor():
            with ThreadPoolExecutor(2) as executor:
                yield executor
        """
    )
    result = project.runpytest_inprocess("-p", "no:xdist")
    if scope == "module":
        result.assert_outcomes(passed=COUNT)
        return
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            f"*test_*.py:*: the fixture promptreg_executor lives for a {scope}, *",
            '*give it scope="module" or scope="session"',
        ]
    )


def test_the_end_takes_back_what_an_executor_has_not_begun(make: Callable[..., Runner]) -> None:
    """What waits in its queue would be called, and paid for, by nobody's wish."""
    made: list[str] = []
    let_go = threading.Event()

    def predict(asked: Request) -> str:
        made.append(asked.text)
        let_go.wait(20)
        return "x"

    runner = make()
    with ThreadPoolExecutor(1) as executor:
        caller = Caller(predict, request, executor=executor)
        for number in range(3):
            runner.submit(key(number), caller)
        deadline = time.monotonic() + 20
        while executor._work_queue.qsize() < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        runner.stop()
        with pytest.raises(PredictError, match="the run ended"):  # and nobody waits for what is still under way
            runner.result(key(0))
        let_go.set()
    assert made == ["0"]
