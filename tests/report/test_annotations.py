"""Annotations on GitHub: at the right lines, ten at most, and nothing in them ends them or begins another."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.judging.noise_result import NoiseResult
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.annotations import MOST, commands, workspace
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Be brief.\nName the product.\nBe kind.")
EXAMPLES = (Example("a", {"q": "a"}),)
COMMAND = re.compile(r"::error(?: (?:file|line|title)=[^,:\r\n]*(?:,(?:file|line|title)=[^,:\r\n]*)*)?::[^\r\n]*")


def suite(*versions: PromptVersion, verdict: str = "breached", **more: Any) -> SuiteOutcome:
    spec = SuiteSpec(
        "t.py::test_y", "t.py:7", Path("t.py"), "test_y", (V1, *versions), EXAMPLES, (parse("semantic >= 0.8"),)
    )
    outcomes = []
    for version in versions:
        said: dict[str, Any] = {"output": "new", "accepted": "old", "breaches": ["semantic 0.3 (gate >= 0.8)"], **more}
        case = CaseOutcome(spec.id, version.label, "a", verdict, **{"passed": False, **said})
        outcomes.append(version_outcome(spec, version, [case], gated=True))
    return SuiteOutcome(spec, stored(spec), outcomes)


def stored(spec: SuiteSpec) -> Baseline:
    plan = plan_refresh(Path("x"), None, V1, {"a": ["old"]}, examples=spec.examples, signatures={}, refused={})
    assert plan.after is not None
    return plan.after


def told(*suites: SuiteOutcome, root: Path | None = None, **run: Any) -> list[str]:
    return commands(Conclusion(RunOutcome(suites, 0, 1, **run)), root or Path.cwd())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Be brief.\nName it.\nBe kind.", 6),
        ("Name the product.", 5),
        ("Be brief.\nName the product.\nBe kind.\nBe quick.", 8),
        ("Be brief.", 5),
    ],
)
def test_the_prompt_is_annotated_at_its_first_changed_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int
) -> None:
    """Front matter counts, a line that went is shown at the last one left, and the path starts from the repository."""
    folder = tmp_path / "evals"
    folder.mkdir()
    (folder / "v2.md").write_text("---\ntags:\n  a: b\n---\n" + text, encoding="utf-8")
    monkeypatch.chdir(folder)
    first, second = told(suite(PromptVersion("v2", text, where="v2.md", first_line=5)), root=tmp_path)
    said = "::1 breached; 1 output is reworded; a: semantic 0.3 (gate >= 0.8)"
    assert first == f"::error file=evals/v2.md,line={line},title=prompt v2 regressed in test_y{said}"
    assert second == f"::error file=evals/t.py,line=7,title=test_y%3A v2 regressed{said}"


def test_what_has_no_file_or_no_part_in_it_is_annotated_at_the_suite() -> None:
    """A prompt of a registry, an unchanged prompt and a failed call point to the test alone."""
    of_registry = PromptVersion("v2", "Be quick.", where="prompts:/y/2")
    unchanged = replace(V1, label="v2", where=__file__)
    failed = suite(PromptVersion("v2", "Be quick.", where=__file__), verdict="error", breaches=[], message="no key")
    for one in (suite(of_registry), suite(unchanged), failed):
        (line,) = told(one)
        assert "t.py,line=7" in line
    assert line.endswith("title=test_y%3A v2 was not judged or failed its test::1 error; a: error, no key")


def test_what_nobody_can_tell_is_not_called_a_regression() -> None:
    """A version that fails only because its examples are too few is undecided, by the words of its annotation."""
    passed = suite(PromptVersion("v2", "x"), verdict="changed", passed=True, breaches=[])
    cannot_tell = NoiseResult("semantic", "calibrated", "undecided", 3, undecided_fails=True)
    (version,) = passed.versions
    (line,) = told(replace(passed, versions=[replace(version, noise=[cannot_tell])]))
    assert "title=test_y%3A v2 is undecided::" in line
    worse = replace(cannot_tell, term="bleu", state="regressed")
    (line,) = told(replace(passed, versions=[replace(version, noise=[cannot_tell, worse])]))
    assert "v2 regressed" in line


def test_a_passed_run_has_none() -> None:
    """Nor has a refresh, whose gates judge nothing."""
    assert told(suite(PromptVersion("v2", "x"), verdict="changed", passed=True, breaches=[])) == []
    assert told(suite(PromptVersion("v2", "x")), refreshed=True) == []


def test_there_are_ten_at_most() -> None:
    """Lost cases are errors too; the tenth says how many more there are."""
    lines = told(suite(PromptVersion("v2", "x")), lost=[f"t.py::test_y[v2-{number}]" for number in range(20)])
    assert len(lines) == MOST
    assert lines[1] == "::error title=prompt regression::collected and never reported: t.py::test_y[v2-0]"
    assert lines[-1].startswith("::error title=prompt regression::12 more errors")


@given(
    st.text(alphabet=st.characters(exclude_categories=[])) | st.just("a,file=/etc/passwd::x\r\n::set-env name=A::b%0A")
)
def test_nothing_in_one_ends_it_or_begins_another(text: str) -> None:
    """Whatever labels, names, places and messages say, each is one line, with its own three properties."""
    label = PromptVersion(text, "x", where=text.replace("\x00", ""))
    bad = suite(label, breaches=[text], output=text, findings={"numbers": text})
    odd = replace(bad, spec=replace(bad.spec, function=text, where=text.replace("\x00", "")))
    for line in told(odd, lost=[text]):
        assert COMMAND.fullmatch(line), line
        assert "%0A" not in line.replace("%250A", "")
        assert "file=/etc/passwd" not in re.split("[ ,]", line.split("::")[1])


def test_only_github_has_a_workspace(tmp_path: Path) -> None:
    """Other services take such lines for text."""
    assert workspace({}) is None
    assert workspace({"GITHUB_ACTIONS": "false"}) is None
    assert workspace({"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}) == tmp_path


def test_a_prompt_that_stands_in_the_test_is_told_once(tmp_path: Path) -> None:
    """Beside the suite, which is in the same file."""
    (tmp_path / "t.py").write_text("\n" * 20, encoding="utf-8")
    inline = suite(PromptVersion("v2", "Be quick.", where=f"{tmp_path / 't.py'}:3", first_line=3))
    odd = replace(inline, spec=replace(inline.spec, where=f"{tmp_path / 't.py'}:7"))
    (line,) = told(odd, root=tmp_path)
    assert line.startswith("::error file=t.py,line=7,title=test_y%3A v2 regressed")
