"""After a breach: accepting a version or single cases, the review list, and the green run after it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def breached(project: Any) -> Any:
    """The project with version v2, of which a and b breach."""
    project.store()
    project.suite(
        predict="""
    def follow(request):
        words = request.inputs["text"].split()[:6]
        return " ".join(words[:2] if request.version == "v2" and request.example != "c" else words)
    """
    )
    project.prompt("v2", keep=2)
    return project


@pytest.mark.parametrize("run", ["alone", "n2"], indirect=True)
def test_what_failed_last_is_accepted_and_the_next_run_is_green(breached: Any, run: Run) -> None:
    """`--lf --promptreg-accept v2` writes the two cases that breached, says what, and leaves the third alone."""
    run("--promptreg-versions=v2").assert_outcomes(passed=1, failed=2)
    result = run("--lf", "--promptreg-accept=v2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*to be reviewed:",
            '*changed  a: "one two three four five six" -> "one two"',
            '*changed  b: "red orange yellow green blue indigo" -> "red orange"',
            "baseline written:*2 changed*",
        ]
    )
    result.stdout.no_fnmatch_line("*changed  c*")
    assert breached.outputs() == {"a": "one two", "b": "red orange", "c": "do re mi fa sol la"}
    run("--promptreg-versions=v2").assert_outcomes(passed=3)


def test_k_accepts_some_and_leaves_the_others(breached: Any, run: Run) -> None:
    """What `-k` leaves out keeps its record, and still fails."""
    run("--promptreg-accept=v2", "-k", "v2-a")
    assert breached.outputs()["a"] == "one two"
    assert breached.outputs()["b"] == "red orange yellow green blue indigo"
    run("--promptreg-versions=v2").assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize("in_class", [False, True])
def test_the_failure_says_how_to_accept_this_case_alone(project: Any, run: Run, *, in_class: bool) -> None:
    """The command works as it is typed, brackets and other parameters included."""
    test = "def test_it(self, promptreg, size):" if in_class else "def test_it(promptreg, size):"
    project.write("test_answer.py", "")
    indent = "    " if in_class else ""
    lines = [
        *(["class TestAnswer:"] if in_class else []),
        f"{indent}@pytest.mark.parametrize('size', ['large one', 'small'])",
        f"{indent}@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl', gates=['rouge_l >= 0.8'])",
        f"{indent}{test}",
        f"{indent}    promptreg.check()",
    ]
    project.module("\n".join(lines))
    project.store()
    project.prompt("v2", keep=2)
    result = run()
    result.assert_outcomes(passed=6, failed=6)
    failures = result.stdout.str().partition("short test summary info")[0]  # on CI machines it repeats them whole
    commands = re.findall(r"If only this example is: pytest (.*)", failures)
    assert len(commands) == 6
    accepted = run(*shlex.split(commands[0]))
    accepted.assert_outcomes(passed=1)
    run().assert_outcomes(passed=6, failed=6)  # v2 of that case passes now, and v1, which it is not any more, fails


def test_many_lines_are_capped_unless_all_are_asked_for(project: Any, run: Run) -> None:
    """Nobody reads a thousand lines; `-v` tells all."""
    project.examples({f"e{number}": f"{number} b c d e f g h" for number in range(30)})
    result = run("--promptreg-update")
    assert result.stdout.str().count("\n    new  ") == 20
    result.stdout.fnmatch_lines(["*and 10 more (-v tells all of them)"])
    project.baseline_file().unlink()
    assert run("--promptreg-update", "-v").stdout.str().count("\n    new  ") == 30
