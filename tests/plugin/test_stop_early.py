"""Stopping early: what is not called any more, what is said of it, and where it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.noise import looks
from pytest_promptreg.results.file import load

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]
STOP = "--promptreg-stop-early"

# An application that forgets words as its prompt says, others in each call, and takes down what it is called for.
FORGETFUL = """
    import hashlib
    import re
    import time
    from pathlib import Path

    import pytest


    @pytest.fixture(scope="session")
    def promptreg_predict():
        made = {}

        def predict(request):
            with open(Path(__file__).with_name("calls.txt"), "a") as file:
                file.write(request.version + "\\n")
            time.sleep(0.01)
            forgets = int(re.search(r"forget (\\d) of ten", request.text)[1])
            nth = made[request.text] = made.get(request.text, 0) + 1
            return " ".join(
                word
                for word in request.inputs["text"].split()
                if hashlib.sha256(f"{SEED} {nth} {request.text} {word}".encode()).digest()[0] >= 25.6 * forgets
            )

        return predict


    SEED = 0


    @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", metrics=["rouge_l"]MARKER)
    def test_answer(promptreg):
        promptreg.check()
"""
WORDS = re.findall(
    r"\w+", "the cat sat on mats and ran quickly home to eat some fresh fish before a sun went down over hills"
)


class Forgetful:
    """A project with a baseline of thirty examples of v1, and a v2 that forgets half of every text."""

    def __init__(self, project: Project) -> None:
        self.project = project
        for label, forgets in (("v1", 1), ("v2", 5)):
            project.write(f"prompts/{label}.md", f"Repeat it, forget {forgets} of ten words: {{{{ text }}}}\n")
        project.rows(
            *({"id": f"e{i}", "text": " ".join(WORDS[(i * 7 + j * 5) % 21] for j in range(15))} for i in range(30))
        )
        self.suite(seed=0)
        project.store("-o", "promptreg_baseline_samples=3")
        self.suite(seed=1)

    def suite(self, marker: str = "", seed: int = 1) -> None:
        """The test module, whose model says something else with another seed."""
        source = FORGETFUL.replace("MARKER", f", {marker}" if marker else "")
        self.project.write("test_answer.py", source.replace("SEED = 0", f"SEED = {seed}"))
        (self.project.path / "calls.txt").unlink(missing_ok=True)

    def calls(self, label: str) -> int:
        """How many calls of a version were really made."""
        return self.project.lines("calls.txt").count(label)


@pytest.fixture
def forgetful(project: Project) -> Forgetful:
    """The project with its baseline."""
    return Forgetful(project)


@pytest.fixture
def twenty_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version may pass early by as few examples as there are here."""
    monkeypatch.setattr(looks, "FEWEST_EARLY", 20)


@pytest.fixture(params=["alone", "n0"])
def run_here(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Run:
    """Runs pytest in one process, without xdist and with ``-n 0``."""
    flags = {"alone": ["-p", "no:xdist"], "n0": ["-n0"]}[request.param]
    return lambda *arguments: pytester.runpytest_inprocess(*flags, "-rs", *arguments)


def test_a_plain_regression_is_called_no_further_than_the_first_look(forgetful: Forgetful, run_here: Run) -> None:
    """A third of the examples tells; not one call more is made, the rest is skipped, and none of it is lost."""
    result = run_here(STOP, "-o", "promptreg_concurrency=4", "--promptreg-results=run.json")
    result.assert_outcomes(passed=40, skipped=20)
    assert result.ret == 1
    assert (forgetful.calls("v1"), forgetful.calls("v2")) == (30, 10)
    result.stdout.fnmatch_lines(
        [
            "test_answer *, 30 examples, 40 of 60 cases ran",
            "  stopped early: v2 regressed after 10 of 30 examples, 20 calls saved",
            "*v2 regressed: its outputs are less like the accepted ones than those are like each other (*",
            "FAILED test_answer, v2 regressed: *",
            "SKIPPED * v2 regressed after 10 of 30 examples: not called (--promptreg-stop-early)",
        ]
    )
    told = result.stdout.str()
    assert "not judged" not in told
    assert "never reported" not in told
    (suite,) = load(forgetful.project.path / "run.json", root=forgetful.project.path).run.suites
    v1, v2 = suite.versions
    assert v1.stopped is None
    assert v2.stopped is not None
    assert (v2.stopped.after, v2.stopped.of, v2.stopped.saved) == (10, 30, 20)
    assert [result.examples for result in v2.noise] == [10]


def test_every_sample_of_what_is_not_called_is_saved(forgetful: Forgetful, run: Run) -> None:
    """With two samples of each case twice as many calls are saved."""
    result = run(STOP, "--promptreg-samples=2", "--promptreg-versions=v2")
    result.stdout.fnmatch_lines(["  stopped early: v2 regressed after 10 of 30 examples, 40 calls saved"])
    assert forgetful.calls("v2") == 20


@pytest.mark.usefixtures("twenty_suffice")
def test_what_is_surely_unchanged_stops_too(forgetful: Forgetful, run: Run) -> None:
    """A version that lost less than the margin, beyond doubt, passes after two thirds of its examples."""
    result = run(STOP, "-o", "promptreg_margin=0.3", "--promptreg-versions=v1")
    result.assert_outcomes(passed=20, skipped=10)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "  stopped early: v1 passed after 20 of 30 examples, 10 calls saved",
            "*v1 passed: if its outputs got worse at all*",
        ]
    )


@pytest.mark.usefixtures("twenty_suffice")
def test_looks_see_examples_in_an_order_that_is_drawn(forgetful: Forgetful, run: Run) -> None:
    """The easy examples first in the file, the hard ones last: what has not been seen has not passed."""
    examples = forgetful.project.lines("examples.jsonl")

    def order(label: str) -> list[str]:
        told = run(STOP, "--collect-only", "-q").outlines
        return [
            found[1]
            for line in told
            if (found := re.fullmatch(rf"test_answer.py::test_answer\[{label}-(e\d+)\]", line))
        ]

    in_file = [json.loads(line)["id"] for line in examples]
    drawn = order("v1")
    assert drawn == order("v2") == order("v1"), "the same for each version and in each run"
    assert drawn != in_file
    assert sorted(drawn) == sorted(in_file)
    assert 3 <= len({*drawn[:20]} & {*in_file[:20]}) < 20
    hard = {*in_file[20:]}
    source = FORGETFUL.replace("forgets = int(", f"forgets = 9 if request.example in {hard} else int(")
    forgetful.project.write("test_answer.py", source.replace("MARKER", "").replace("SEED = 0", "SEED = 1"))
    result = run(STOP, "-o", "promptreg_margin=0.3", "--promptreg-versions=v1")
    assert "v1 passed" not in result.stdout.str()


@pytest.mark.usefixtures("twenty_suffice")
def test_what_other_gates_judge_is_not_stopped_as_passed(forgetful: Forgetful, run: Run) -> None:
    """Where a gate of the user's own may still fail, passing the noise is no reason to call no further."""
    forgetful.suite('gates=["calibrated", "numbers == 1"]')
    result = run(STOP, "-o", "promptreg_margin=0.3", "--promptreg-versions=v1")
    result.assert_outcomes(passed=30)
    assert "stopped early" not in result.stdout.str()


def test_nothing_is_stopped_that_is_not_settled(forgetful: Forgetful, run: Run) -> None:
    """A version of which the looks cannot tell is called to its end, and judged by the last look."""
    result = run(STOP, "--promptreg-versions=v1")
    result.assert_outcomes(passed=30)
    assert "stopped early" not in result.stdout.str()
    assert forgetful.calls("v1") == 30


def test_without_the_flag_all_is_called(forgetful: Forgetful, run: Run) -> None:
    """Nobody who did not ask for it gets a part of a suite."""
    run("--promptreg-versions=v2").assert_outcomes(passed=30)
    assert forgetful.calls("v2") == 30


GATED = "gates=['rouge_l >= 0.8', 'mean(rouge_l) >= 0.1', 'pass_rate >= 0.9']"


def test_a_pass_rate_that_is_out_of_reach_stops_a_strict_suite(forgetful: Forgetful, run_here: Run) -> None:
    """Four breaches of thirty are one too many: nothing more is called, and no other gate judges the part."""
    forgetful.suite(GATED)
    result = run_here(STOP, "-o", "promptreg_concurrency=1", "--promptreg-versions=v2")
    result.assert_outcomes(passed=4, skipped=26)
    assert result.ret == 1
    assert forgetful.calls("v2") == 4
    result.stdout.fnmatch_lines(
        [
            "  stopped early: v2 missed pass_rate >= 0.9 after 4 of 30 examples, 26 calls saved",
            "FAILED test_answer, v2: pass_rate 0.000 (gate >= 0.9)",
        ]
    )
    assert "mean(rouge_l)" not in result.stdout.str()


def test_calls_that_were_made_ahead_are_not_called_saved(forgetful: Forgetful, run: Run) -> None:
    """What had begun when a strict suite stopped was paid for: calls made and calls saved are all there are."""
    forgetful.suite(GATED)
    module = forgetful.project.path / "test_answer.py"
    # A text says the same whichever thread asks first, and a busy machine has seconds before all calls have begun.
    slow = module.read_text().replace("nth = made[request.text] =", "nth = 1; made[request.text] =")
    module.write_text(slow.replace("time.sleep(0.01)", "time.sleep(0.01 if len(made) < 8 else 1)"))
    result = run(STOP, "-o", "promptreg_concurrency=4", "--promptreg-versions=v2")
    made = forgetful.calls("v2")
    assert 4 <= made < 30
    result.stdout.fnmatch_lines([f"  stopped early: v2 missed * after 4 of 30 examples, {30 - made} calls saved"])


def test_a_strict_suite_is_never_stopped_as_passed(forgetful: Forgetful, run: Run) -> None:
    """The last case may still fail by itself, however many have passed."""
    forgetful.suite("gates=['rouge_l >= 0.2', 'pass_rate >= 0.1']")
    run(STOP, "--promptreg-versions=v1").assert_outcomes(passed=30)


def test_recorded_outputs_are_not_called_saved(forgetful: Forgetful, run: Run) -> None:
    """A version is judged by the part that tells, but what is replayed costs nothing, and no call was spared."""
    run("--promptreg-replay=reuse").assert_outcomes(passed=60)
    result = run(STOP, "--promptreg-replay=only", "--promptreg-versions=v2")
    result.assert_outcomes(passed=10, skipped=20)
    assert "  stopped early: v2 regressed after 10 of 30 examples\n" in result.stdout.str()


@pytest.mark.parametrize("flag", [STOP, "--promptreg-plan"])
@pytest.mark.parametrize(
    ("others", "why"),
    [
        (["-n2"], "pytest-xdist"),
        (["-n0", "--promptreg-shard=1/2"], "--promptreg-shard"),
        (["-n0", "--promptreg-update"], "--promptreg-update"),
        (["-n0", "--promptreg-rescore"], "--promptreg-rescore"),
    ],
)
def test_it_is_refused_where_one_process_does_not_see_the_whole_run(
    project: Project, flag: str, others: list[str], why: str
) -> None:
    """Said at once, by name, with what to run instead; nothing is collected or called."""
    project.write("test_answer.py", "def test_other():\n    pass\n")
    result = project.pytester.runpytest_inprocess(flag, *others)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stderr.str()
    assert told.startswith(f"ERROR: {flag} ")
    assert why in told.splitlines()[0]


def test_a_result_file_that_stops_where_nothing_can_is_refused(forgetful: Forgetful, run: Run) -> None:
    """A version cannot have been stopped after its last example."""
    run(STOP, "--promptreg-results=run.json")
    path = forgetful.project.path / "run.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["run"]["suites"][0]["versions"][1]["stopped"]["after"] = 30
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(Exception, match="stopped where none can be"):
        load(path, root=forgetful.project.path)
