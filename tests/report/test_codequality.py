"""The code quality report: what failed, at its line, known again in the next run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.judging.noise_result import NoiseResult
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.codequality import render
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec

V1, V2 = PromptVersion("v1", "Be brief.\nBe kind."), PromptVersion("v2", "Be brief.", where="v2.md", first_line=1)


def conclusion(*, line: int = 4, score: str = "0.300", where: str = "e.jsonl", **run: Any) -> Conclusion:
    """A run in which of three examples one fails, and one is warned of."""
    examples = tuple(Example(name, {"q": name}, where=f"{where}:{line}") for name in "abc")
    spec = SuiteSpec("t.py::test_y", "t.py:7", Path("t.py"), "test_y", (V1, V2), examples, (parse("semantic >= 0.8"),))
    plan = plan_refresh(Path("x"), None, V1, {"a": ["old"]}, examples=examples, signatures={}, refused={})
    said: dict[str, Any] = {"output": "new\n::error::", "accepted": "old"}
    cases = [
        CaseOutcome(spec.id, "v2", "a", "breached", breaches=[f"semantic {score}"], passed=False, **said),
        CaseOutcome(spec.id, "v2", "b", "changed", findings={"refusal": "refuses"}, warnings=["refusal"], **said),
        CaseOutcome(spec.id, "v2", "c", "unchanged", output="old", accepted="old"),
    ]
    outcome = version_outcome(spec, V2, cases, gated=True)
    return Conclusion(RunOutcome([SuiteOutcome(spec, plan.after, [outcome])], 0, 1, **run))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the prompt, the examples and the test, a level below the root."""
    folder = tmp_path / "evals"
    folder.mkdir()
    for name in ("v2.md", "e.jsonl", "t.py"):
        (folder / name).write_text("x\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return tmp_path


def test_each_failure_stands_at_its_line(repository: Path) -> None:
    """The version at prompt and suite, the case and the warning at their example, with GitLab's own words."""
    found = json.loads(render(conclusion(), repository))
    assert [
        (entry["check_name"], entry["severity"], entry["location"]["path"], entry["location"]["lines"]["begin"])
        for entry in found
    ] == [
        ("pytest-promptreg.regression", "critical", "evals/v2.md", 1),
        ("pytest-promptreg.regression", "critical", "evals/t.py", 7),
        ("pytest-promptreg.case", "major", "evals/e.jsonl", 4),
        ("pytest-promptreg.warning", "minor", "evals/e.jsonl", 4),
    ]
    assert found[2]["description"] == "test_y: v2 x a: semantic 0.300"
    assert len({entry["fingerprint"] for entry in found}) == 4


def test_fingerprints_stay_when_lines_and_numbers_move(repository: Path) -> None:
    """What is known in the target branch is not new in the merge request."""
    before, after = (
        [entry["fingerprint"] for entry in json.loads(render(made, repository))]
        for made in (conclusion(), conclusion(line=90, score="0.299"))
    )
    assert before == after


def test_examples_without_a_file_stand_at_the_suite(repository: Path) -> None:
    """A list in the test module has no file of its own; a case is still known by its example."""
    found = json.loads(render(conclusion(where="examples of test_y"), repository))
    assert {entry["location"]["path"] for entry in found[1:]} == {"evals/t.py"}
    assert len({entry["fingerprint"] for entry in found}) == 4


def test_where_nothing_failed_it_is_empty(repository: Path) -> None:
    """An empty list, which GitLab needs in order to see what is mended; in a refresh too."""
    made = conclusion(refreshed=True)
    assert render(made, repository) == "[]\n"
    (suite,) = made.run.suites
    assert render(Conclusion(replace(made.run, suites=[replace(suite, versions=[])])), repository) == "[]\n"


def test_an_undecided_version_is_a_finding_too(repository: Path) -> None:
    """A version that fails because nobody can tell stands there as undecided, and breaks nothing."""
    passing = conclusion()
    suite = passing.run.suites[0]
    (version,) = suite.versions
    cannot_tell = NoiseResult("semantic", "calibrated", "undecided", 3, undecided_fails=True)
    undecided = replace(version, cases=version.cases[2:], gates=(), noise=[cannot_tell])
    run = replace(passing.run, suites=[replace(suite, versions=[undecided])])
    found = json.loads(render(replace(passing, run=run), repository))
    assert {(entry["check_name"], entry["severity"]) for entry in found} == {("pytest-promptreg.undecided", "major")}
