"""What a run is going to call and cost, said before it does; and limits that hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]
ARGUMENTS = ("-p", "no:xdist")

COUNTED = """
    from pathlib import Path

    from pytest_promptreg import Output

    def counted(request):
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.write(request.version + "\\n")
        return Output(follow(request), input_tokens=100, output_tokens=1000)

    @pytest.fixture(scope="session")
    def promptreg_predict():
        return counted
"""
FAILING = """
    def counted(request):
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.write("call\\n")
        raise ConnectionError("away")
"""


@pytest.fixture
def counted(project: Project) -> Project:
    """A project whose predict takes down its calls and says its tokens, with a baseline of three cases."""
    project.suite(fixture=COUNTED)
    project.store()
    (project.path / "calls.txt").unlink()
    return project


def test_more_calls_than_are_allowed_are_refused_before_the_first(counted: Project, run_each_way: Run) -> None:
    """Exit status 4, the numbers and the flag; nothing is called, under xdist neither."""
    result = run_each_way("--promptreg-max-calls=2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert "this run would make 3 calls, and --promptreg-max-calls allows 2: none was made" in told
    assert counted.lines("calls.txt") == []


def test_as_many_calls_as_are_allowed_are_made(counted: Project, run_each_way: Run) -> None:
    """A limit that the plan keeps changes nothing."""
    run_each_way("--promptreg-max-calls=3").assert_outcomes(passed=3)
    assert len(counted.lines("calls.txt")) == 3


def test_a_retry_that_would_exceed_the_limit_is_an_error(counted: Project, run_each_way: Run) -> None:
    """Retries are calls: the case whose call would be one too many errs, and is neither passed nor failed."""
    source = COUNTED.replace("    @pytest.fixture", FAILING + "\n    @pytest.fixture")
    counted.suite(fixture=source)
    result = run_each_way("--promptreg-max-calls=3")
    result.assert_outcomes(errors=3)
    assert result.ret == 1
    assert len(counted.lines("calls.txt")) == 3
    result.stdout.fnmatch_lines(
        ["*no output for v1 x *: not called: 3 calls were made, retries included*", "*", "  failed before: connection"]
    )
    result.stdout.no_fnmatch_line("*retried*")  # each was called once


def test_a_model_without_a_price_is_named_where_prices_are_set(counted: Project) -> None:
    """A mistyped name in promptreg_prices would be a cost that nobody is told."""
    counted.ini("promptreg_prices = gpt-4o = 1 2\n")
    for label, model in (("v1", "small"), ("v2", "gpt-4o")):
        text = counted.prompt(label, keep=6).read_text(encoding="utf-8")
        counted.write(f"prompts/{label}.md", f"---\nmodel_config: {{model: {model}}}\n---\n{text}")
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS)
    result.stdout.fnmatch_lines(["*6 calls to make (about $* for 3 of them; no price for small)"])
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--promptreg-versions=v1")
    result.stdout.fnmatch_lines(["*3 calls to make (no price for small)"])


def test_recorded_outputs_are_no_calls(counted: Project) -> None:
    """What is replayed counts for nothing."""
    runpytest = counted.pytester.runpytest_inprocess
    assert runpytest(*ARGUMENTS, "--promptreg-replay=reuse", "--promptreg-max-calls=3").ret == 0
    assert runpytest(*ARGUMENTS, "--promptreg-replay=reuse", "--promptreg-max-calls=0").ret == 0


def test_the_cost_is_told_and_filled_in_by_price(counted: Project) -> None:
    """With prices, the header has an estimate, and an output with tokens has its cost."""
    counted.ini("promptreg_prices =\n    small = 1 2\n    * = 10 20\n")
    counted.suite(fixture=COUNTED, body="promptreg.check()\nassert promptreg.output.cost_usd == 0.021")
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["promptreg: 1 suite, *, 3 cases: 3 calls to make (about $0.00*)", "  outputs: 3 live ($0.0630)"]
    )


def test_a_plan_that_costs_too_much_is_refused(counted: Project) -> None:
    """Before the first call, with the estimate, the flag and exit status 4."""
    counted.ini("promptreg_prices = * = 10000 20000\n")
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--promptreg-max-cost=0.5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*this run would cost about $*, and --promptreg-max-cost allows $0.5000*"])
    assert counted.lines("calls.txt") == []


def test_real_cost_adds_up(counted: Project) -> None:
    """Calls that cost more than was foreseen leave nothing for the last case, which errs."""
    counted.ini("promptreg_prices = * = 10 20\npromptreg_concurrency = 1\n")
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--promptreg-max-cost=0.042")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*not called: $0.0420 are spent or in flight, *--promptreg-max-cost allows $0.0420*"])


def test_a_cost_that_nobody_can_foresee_is_refused(counted: Project) -> None:
    """Without a price, a limit on the cost would be none."""
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--promptreg-max-cost=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--promptreg-max-cost cannot be held: there is no price*", "*promptreg_prices*"])


@pytest.mark.parametrize("flag", ["--promptreg-max-calls=-1", "--promptreg-max-calls=x", "--promptreg-max-cost=nan"])
def test_a_limit_that_is_none_is_refused(project: Project, flag: str) -> None:
    """A limit is a number of at least 0."""
    result = project.pytester.runpytest_inprocess(*ARGUMENTS, flag)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{flag} is no * of at least 0*"])


def test_the_plan_counts_what_is_called(counted: Project) -> None:
    """Cases without a baseline are called in a refresh only; a suite without predict and a rescoring call nothing."""
    counted.rows(*({"id": name, "text": "a b c d e f g"} for name in "wxyz"))
    for arguments, told in [
        ((), "4 cases: 0 calls to make"),
        (("--promptreg-update",), "4 cases to be stored as the baseline: 4 calls to make"),
        (("--promptreg-rescore",), "4 cases, none run: rescoring"),
    ]:
        result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--collect-only", *arguments)
        result.stdout.fnmatch_lines([f"promptreg: 1 suite, 1 prompt version (v1), {told}"])
    counted.suite(fixture="", body="promptreg.check('an output')")
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--collect-only", "--promptreg-update")
    result.stdout.fnmatch_lines(["*4 cases to be stored as the baseline: 0 calls to make"])


def test_collecting_only_tells_a_plan_that_would_be_refused(counted: Project) -> None:
    """--collect-only calls nothing, and shows how many calls there would be."""
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--collect-only", "--promptreg-max-calls=1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["promptreg: *3 calls to make"])


def test_a_recorded_output_keeps_its_cost(counted: Project) -> None:
    """What a call did cost, by price, is recorded with it."""
    counted.ini("promptreg_prices = * = 10 20\n")
    counted.store("--promptreg-replay=reuse")
    records = [json.loads(line)["output"] for line in counted.lines(".promptreg/replay.jsonl")]
    assert [record["cost_usd"] for record in records] == [0.021] * 3
    result = counted.pytester.runpytest_inprocess(*ARGUMENTS, "--promptreg-replay=only")
    result.stdout.fnmatch_lines(["  outputs: 3 replayed, 0 live"])  # and costs nothing again


def test_the_plan_is_told_before_the_first_result_under_xdist(counted: Project) -> None:
    """Once, whatever the number of workers, above the first test's line."""
    counted.ini("promptreg_prices = * = 10 20\n")
    result = counted.pytester.runpytest_subprocess("-n2", "-v")
    result.assert_outcomes(passed=3)
    lines = result.outlines
    told = [place for place, line in enumerate(lines) if line.startswith("promptreg: ")]
    assert len(told) == 1
    line = lines[told[0]]
    assert line.startswith("promptreg: 1 suite, 1 prompt version (v1), 3 cases: 3 calls to make (about $0.00")
    assert told[0] < min(place for place, line in enumerate(lines) if "test_answer.py::" in line)


def test_a_quiet_run_under_xdist_tells_no_plan(counted: Project) -> None:
    """As without xdist."""
    result = counted.pytester.runpytest_subprocess("-n2", "-q")
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*calls to make*")


def test_workers_without_a_common_folder_tell_no_plan(counted: Project) -> None:
    """Without pytest's temporary folder, as on another machine, everything else is as it was."""
    result = counted.pytester.runpytest_subprocess("-n2", "-p", "no:tmpdir")
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*calls to make*")
