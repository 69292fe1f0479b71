"""Samples: several outputs of each case, each a call of its own, judged as one case."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

# The texts of an example's calls are those of `said`, one after the other; every call is taken down.
SAYING = """
    import itertools
    import json
    from pathlib import Path

    SAID = {said!r}
    NUMBERS = {{}}

    def say(request):
        number = next(NUMBERS.setdefault((request.version, request.example), itertools.count()))
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.write(f"{{request.version}} {{request.example}} {{number}}\\n")
        print(f"said {{request.example}} {{number}}")
        texts = SAID.get(request.version, SAID["any"])
        text = texts[number % len(texts)]
        if text == "fail":
            raise RuntimeError("no answer today")
        return f"{{request.inputs['text']}} {{text}}"
"""
FIXTURE = """
    @pytest.fixture(scope="session")
    def promptreg_predict():
        return say
"""
ONE_BY_ONE = "promptreg_concurrency = 1\n"


def saying(project: Project, *texts: str, samples: object = 3, ini: str = ONE_BY_ONE, **more: Any) -> None:
    """A suite whose predict says these texts in turn."""
    said = more.pop("said", {"any": list(texts)})
    project.ini(ini)
    project.suite(fixture=SAYING.format(said=said) + FIXTURE, marker=f"samples={samples}", **more)


def generations(project: Project) -> dict[str, list[int]]:
    """How often each stored text of each example was generated."""
    return {name: record.get("generations") for name, record in project.baseline()["examples"].items()}


@pytest.fixture
def alone(pytester: pytest.Pytester) -> Run:
    """Runs pytest in this process, without xdist."""
    return lambda *arguments: pytester.runpytest_inprocess("-p", "no:xdist", *arguments)


def test_no_sample_is_called_twice(project: Project, run_each_way: Run) -> None:
    """Each case is called as often as it has samples, however many processes and calls at once there are."""
    saying(project, "same", ini="promptreg_concurrency = 4\n")
    project.prompt("v2", keep=6)
    project.examples({f"e{number}": f"text {number}" for number in range(8)})
    project.store()
    (project.path / "calls.txt").unlink()
    result = run_each_way()
    result.assert_outcomes(passed=16)
    calls = project.lines("calls.txt")
    assert len(calls) == 48
    assert len({line.rpartition(" ")[0] for line in calls}) == 16
    assert {line.rpartition(" ")[2] for line in calls} == {"0", "1", "2"}
    result.stdout.fnmatch_lines(["*48 calls to make*"])


def test_the_file_is_the_same_in_each_way(project: Project, run_each_way: Run) -> None:
    """A refresh stores every sample as a generation: equal texts once, with their number; a rerun changes nothing."""
    saying(project, "x", "y", "x")
    run_each_way("--promptreg-update")
    assert generations(project) == {"a": [2, 1], "b": [2, 1], "c": [2, 1]}
    stored = project.baseline_file().read_bytes()
    result = run_each_way("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline as it was: *(3 unchanged)"])
    assert project.baseline_file().read_bytes() == stored


def test_samples_of_a_case_are_called_before_the_next_case(project: Project, alone: Run) -> None:
    """In order: all samples of a case before the next one."""
    saying(project, "same")
    alone("--promptreg-update")
    assert project.lines("calls.txt") == [f"v1 {name} {number}" for name in "abc" for number in range(3)]


def test_the_mean_is_gated_and_the_worst_is_shown(project: Project, alone: Run) -> None:
    """Metric gates judge the mean over the samples; the failure shows the sample that lies worst, and says so."""
    other = "and quite another ending that nobody asked for"
    saying(
        project, "same", "same", other, gates=["rouge_l >= 0.9"], said={"v1": ["same"], "any": ["same", "same", other]}
    )
    project.store()
    project.prompt("v2", keep=6)
    result = alone("--promptreg-results", "run.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*output, the worst of 3 samples (*", "*another ending*"])
    result.stdout.fnmatch_lines(["*3 examples, 3 samples of each", "*(the worst of 3 samples)"])
    run = json.loads((project.path / "run.json").read_text())["run"]
    case = run["suites"][0]["versions"][1]["cases"][0]
    assert case["verdict"] == "breached"
    assert case["output"].endswith(other)
    assert [text.endswith(other) for text in case["samples"]] == [False, False, True]
    assert 0.66 < case["scores"]["rouge_l"] < 0.9
    project.suite(
        fixture=SAYING.format(said={"v1": ["same"], "any": ["same", "same", other]}) + FIXTURE,
        marker="samples=3",
        gates=["rouge_l >= 0.66"],
    )
    alone().assert_outcomes(passed=6)


def test_a_signal_in_one_sample_breaches(project: Project, alone: Run) -> None:
    """A sample that is broken is no matter of means: the case breaches, and the sample is named."""
    refusal = "I'm sorry, but I can't help with that."
    predict = f"""
    import itertools
    COUNT = itertools.count()

    def follow(request):
        refuses = next(COUNT) % 3 == 1 and request.version == "v2"
        return {refusal!r} if refuses else "I can say that the answer is forty-two."
    """
    project.ini(ONE_BY_ONE)
    project.suite(predict=predict, marker='samples=3, signals={"refusal": "breach"}', gates=["rouge_l >= 0.1"])
    project.store()
    project.prompt("v2", keep=6)
    result = alone("--promptreg-versions", "v2")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["refusal: sample 2 of 3: *"])


def test_one_failed_sample_is_an_error_of_its_case(project: Project, alone: Run) -> None:
    """A sample that could not be had leaves nothing to judge: an error of set-up, which says which sample."""
    saying(project, "same")
    project.store()
    saying(project, "same", "fail", "same")
    result = alone("-k", "v1-a")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["predict failed for v1 x a: RuntimeError: no answer today", "  sample 2 of 3"])


def test_what_samples_print_is_heard_with_their_case(project: Project, alone: Run) -> None:
    """The words of every sample stand with its own case."""
    saying(project, "x", body="promptreg.check()\nassert False")
    result = alone("-k", "v1-b", "--promptreg-update")
    result.stdout.fnmatch_lines(["said b 0", "said b 1", "said b 2"])


def test_more_samples_call_for_the_new_ones_only(project: Project, run_each_way: Run) -> None:
    """Recorded samples are handed over; a run with more calls for what is new, one with fewer for nothing."""
    saying(project, "same", samples=1)
    project.store("--promptreg-replay=reuse")
    (project.path / "calls.txt").unlink()
    result = run_each_way("--promptreg-replay=reuse", "--promptreg-samples", "3")
    result.stdout.fnmatch_lines(["*6 calls to make, 3 replayed*", "  outputs: 3 replayed, 6 live"])
    assert len(project.lines("calls.txt")) == 6
    result = run_each_way("--promptreg-replay=only", "--promptreg-samples", "2")
    result.stdout.fnmatch_lines(["*0 calls to make, 6 replayed*", "  outputs: 6 replayed, 0 live"])
    result.assert_outcomes(passed=3)
    assert len(project.lines("calls.txt")) == 6


def test_a_gap_names_the_sample(project: Project, alone: Run) -> None:
    """Without a call nothing stands in for a sample that was never recorded, and the message says which that is."""
    saying(project, "same", samples=2)
    project.store("--promptreg-replay=reuse")
    result = alone("--promptreg-replay=only", "--promptreg-samples", "3", "-k", "v1-a")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*none is recorded for sample 3 of 3 of this request*", "*--promptreg-replay=reuse*"])


def test_a_prune_keeps_the_samples_of_declared_cases(project: Project, alone: Run) -> None:
    """What one run with fewer samples does not need is needed by the next."""
    saying(project, "same")
    project.store("--promptreg-replay=reuse")
    project.examples({"a": "one two three four five six seven eight nine ten"})
    result = alone("--promptreg-replay=only", "--promptreg-prune", "--promptreg-samples", "1")
    result.stdout.fnmatch_lines(["recorded outputs: 3 kept, 6 of no declared case removed"])


def test_a_budget_counts_every_sample(project: Project, run_each_way: Run) -> None:
    """Three samples of a case are three calls: a run that would make more than allowed is refused with the number."""
    saying(project, "same")
    result = run_each_way("--promptreg-update", "--promptreg-max-calls", "5")
    assert result.ret != 0
    (result.stderr if result.stderr.lines else result.stdout).fnmatch_lines(
        ["*this run would make 9 calls, and --promptreg-max-calls allows 5*"]
    )
    assert project.lines("calls.txt") == []
    assert not project.baseline_file().exists()


def test_the_flag_overrides_and_a_refresh_has_a_number_of_its_own(project: Project, alone: Run) -> None:
    """The flag before the ini option of a refresh, that before the marker."""
    saying(project, "x", "y", samples=2, ini=ONE_BY_ONE + "promptreg_baseline_samples = 3\n")
    alone("--promptreg-update", "-k", "v1-a")
    assert generations(project) == {"a": [2, 1]}
    assert len(project.lines("calls.txt")) == 3
    alone("--promptreg-update", "-k", "v1-a", "--promptreg-samples", "4")
    assert generations(project) == {"a": [2, 2]}
    alone("-k", "v1-a")
    assert len(project.lines("calls.txt")) == 3 + 4 + 2


def test_a_number_that_cannot_be_is_refused(project: Project, alone: Run) -> None:
    """On the marker, by the flag and in the ini file, before anything is called."""
    saying(project, "x", samples=0)
    alone().stdout.fnmatch_lines(["test_answer.py:*: samples=0: a case has a whole number of samples, from 1 to 20"])
    flag = alone("--promptreg-samples", "many")
    flag.stderr.fnmatch_lines(["*--promptreg-samples = 'many': a case has a whole number of samples*"])
    saying(project, "x", ini="promptreg_baseline_samples = 21\n")
    alone().stdout.fnmatch_lines(["*the ini option promptreg_baseline_samples = '21': a case has*"])
    assert project.lines("calls.txt") == []


def test_a_test_hands_over_samples_that_it_made(project: Project, alone: Run) -> None:
    """``check(outputs=[...])`` judges them as one case; ``outputs`` has them, ``output`` is the first."""
    body = """
    made = ["one two three", "one two three", "one two"]
    outcome = promptreg.check(outputs=made)
    assert [output.text for output in promptreg.outputs] == made
    assert promptreg.output.text == made[0]
    assert list(outcome.samples) == made
    """
    project.suite(body=body, fixture="")
    project.store()
    assert generations(project) == {name: [2, 1] for name in "abc"}
    alone().assert_outcomes(passed=3)
    project.suite(body="promptreg.check(outputs='one two three')", fixture="")
    result = alone("-k", "v1-a")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*takes a list of the samples*"])


def test_samples_of_shards_make_one_run(project: Project, alone: Run, pytester: pytest.Pytester) -> None:
    """Shards carry every sample, and a merge judges what a whole run would; shards with other numbers are refused."""
    saying(project, "x", "y", "x")
    for part in ("1/2", "2/2"):
        alone("--promptreg-update", "--promptreg-shard", part)
    files = sorted(str(path) for path in (project.path / ".promptreg" / "shards").glob("*.json"))
    merged = pytester.run(sys.executable, "-m", "pytest_promptreg", "merge", *files)
    assert merged.ret == 0, merged.stdout.str() + merged.stderr.str()
    assert generations(project) == {"a": [2, 1], "b": [2, 1], "c": [2, 1]}
    alone("--promptreg-shard", "1/2", "--promptreg-samples", "2")
    alone("--promptreg-shard", "2/2")
    refused = pytester.run(sys.executable, "-m", "pytest_promptreg", "merge", *files)
    assert refused.ret != 0
    refused.stderr.fnmatch_lines(["*the number of samples of test_answer differ*"])


def test_every_sample_is_paid_for(project: Project, alone: Run) -> None:
    """The cost of a case is that of all its samples, foreseen and spent."""
    project.ini(ONE_BY_ONE + "promptreg_prices =\n    * = 1000000 0\n")
    predict = """
    from pytest_promptreg import Output

    def follow(request):
        return Output("same", cost_usd=0.5)
    """
    project.suite(predict=predict)
    foreseen = [
        _foreseen(alone("--collect-only", "--promptreg-update", "--promptreg-samples", str(samples)))
        for samples in (1, 3)
    ]
    assert [calls for calls, _ in foreseen] == [3, 9]
    assert foreseen[1][1] == pytest.approx(3 * foreseen[0][1], rel=0.01)
    result = alone("--promptreg-update", "--promptreg-samples", "3", "--promptreg-results", "run.json")
    result.stdout.fnmatch_lines(["  outputs: 9 live ($4.50)"])
    cases = json.loads((project.path / "run.json").read_text())["run"]["suites"][0]["versions"][0]["cases"]
    assert [case["cost_usd"] for case in cases] == [1.5] * 3


def _foreseen(result: pytest.RunResult) -> tuple[int, float]:
    """Calls and dollars in the line that says what is about to run."""
    found = re.search(r"(\d+) calls to make \(about \$([\d.]+)\)", result.stdout.str())
    assert found is not None, result.stdout.str()
    return int(found[1]), float(found[2])


def test_a_suite_on_an_executor_has_samples(project: Project, alone: Run) -> None:
    """Calls on an executor of the user's own are made for each sample."""
    fixture = """
    from concurrent.futures import ThreadPoolExecutor

    @pytest.fixture(scope="session")
    def promptreg_executor():
        with ThreadPoolExecutor(2) as executor:
            yield executor

    @pytest.fixture(scope="session")
    def promptreg_predict():
        return say
    """
    project.suite(fixture=SAYING.format(said={"any": ["same"]}) + fixture, marker="samples=3")
    project.store()
    assert generations(project) == {name: [3] for name in "abc"}
    assert len(project.lines("calls.txt")) == 9
