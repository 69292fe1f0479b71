"""The closing section: what it says, in which order, and what it never writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import plan_refresh, prune
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.terminal import lines, next_commands, summary
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Be brief.\nName the product.")
V2 = PromptVersion("v2", "Be brief.")
EXAMPLES = tuple(Example(name, {"q": name}) for name in "abcd")
SPEC = SuiteSpec(
    "t.py::test_y",
    "t.py:7",
    Path("t.py"),
    "test_y",
    (V1, V2),
    EXAMPLES,
    (parse("semantic >= 0.8"), parse("mean(semantic) >= 0.9")),
)


def case(example: str, verdict: str, version: str = "v2", score: float | None = None, **more: Any) -> CaseOutcome:
    said: dict[str, Any] = {"passed": verdict in {"unchanged", "changed"}, "output": "new", "accepted": "old"}
    if score is not None:
        said["scores"] = {"semantic": score}
    if verdict == "breached":
        said["breaches"] = [f"semantic {score:.3f} (gate >= 0.8)"]
    return CaseOutcome(SPEC.id, version, example, verdict, **{**said, **more})


def stored(*ids: str) -> Baseline:
    plan = plan_refresh(
        Path("x.json"),
        None,
        V1,
        {name: ["old"] for name in ids},
        examples=[*EXAMPLES, *(Example(name, {}) for name in ids)],
        signatures={},
        refused={},
    )
    assert plan.after is not None
    return plan.after


def suite(*cases: CaseOutcome, baseline: Baseline | None = None, **more: Any) -> SuiteOutcome:
    versions = [
        version_outcome(SPEC, version, [c for c in cases if c.version == version.label], gated=True)
        for version in (V1, V2)
        if any(c.version == version.label for c in cases)
    ]
    return SuiteOutcome(SPEC, baseline or stored("a", "b", "c", "d"), versions, **more)


def concluded(*suites: SuiteOutcome, conclusion: dict[str, Any] | None = None, **run: Any) -> Conclusion:
    return Conclusion(RunOutcome(suites, 0, 1, **run), **(conclusion or {}))


def told(conclusion: Conclusion) -> str:
    return "\n".join(text for text, _ in lines(conclusion))


GREEN = [case(name, "unchanged", version, 1.0) for version in ("v1", "v2") for name in "abcd"]
REGRESSED = [
    *GREEN[:4],
    case("a", "unchanged", score=1.0),
    case("b", "changed", score=0.9),
    case("c", "breached", score=0.3, output="brief", accepted="The product is brief."),
    case("d", "breached", score=0.5),
]


def test_a_green_run_is_a_table() -> None:
    """Suite, place, baseline and a row for each version; no diff, no reason, no command."""
    text = told(concluded(suite(*GREEN)))
    assert text.splitlines()[0] == "test_y (t.py:7): baseline v1, 4 examples"
    assert [line.split()[:3] for line in text.splitlines()[2:4]] == [["v1*", "4", "4"], ["v2", "4", "4"]]
    for word in ("FAILED", "next:", "worst", "stale"):
        assert word not in text


def test_a_regression_shows_cause_and_cases() -> None:
    """Means and deltas, the prompt diff, the worst cases with their numbers, the reason, and the next command."""
    text = told(concluded(suite(*REGRESSED)))
    row = next(line for line in text.splitlines() if line.strip().startswith("v2"))
    assert row.split() == ["v2", "4", "1", "1", "2", "0.675", "(-0.325)", "50.0%"]
    assert "| - Name the product." in text
    assert text.index("worst of v2:") < text.index("c  semantic 0.300 (gate >= 0.8)") < text.index("d  semantic 0.500")
    assert "next: pytest t.py --promptreg-accept v2\n  if v2 is how it should be" in text


def test_a_suite_gate_that_fails_alone_is_the_reason() -> None:
    """Where every case passed, the section says why the run fails all the same."""
    conclusion = concluded(suite(*[case(name, "changed", score=0.85) for name in "abcd"]))
    assert conclusion.fails_run
    assert "FAILED test_y, v2: mean(semantic) 0.850 (gate >= 0.9)" in told(conclusion)


def test_lost_cases_are_named() -> None:
    """A case that was collected and never reported fails the run, by its node id."""
    conclusion = concluded(suite(*GREEN), lost=["t.py::test_y[v1-a]"])
    assert conclusion.fails_run
    assert "FAILED collected and never reported: t.py::test_y[v1-a]" in told(conclusion)


def test_of_very_many_lost_cases_the_rest_is_counted() -> None:
    """When every worker dies all cases are lost: some are named, and the rest is a number."""
    conclusion = concluded(suite(*GREEN), lost=[f"t.py::test_y[v1-{number}]" for number in range(1000)])
    assert told(conclusion).count("collected and never reported: ") == 20
    assert "FAILED and 980 more that were collected and never reported" in told(conclusion)


def test_a_part_is_said_to_be_one() -> None:
    """When not all cases ran, the section says how many did."""
    assert "3 of 4 cases ran" in told(concluded(suite(*GREEN[:3])))
    assert "cases ran" not in told(concluded(suite(*GREEN)))


def test_missing_cases_ask_for_an_update() -> None:
    """What is missing or incomparable is stored by an update, and that is the next command."""
    for verdict in ("missing", "incomparable"):
        commands = next_commands(concluded(suite(case("a", verdict))))
        assert commands == [("pytest t.py --promptreg-update", "stores what is missing")]


def test_files_of_no_test_are_listed() -> None:
    """A baseline file whose test is gone is named, with the command that removes it; once removed, no more."""
    orphan = "__baselines__/t/test_gone.json"
    conclusion = concluded(suite(*GREEN), orphans=[orphan])
    assert f"stale: {orphan} belongs to no test any more" in told(conclusion)
    assert next_commands(conclusion) == [("pytest --promptreg-prune", "removes what is stale")]
    pruned = concluded(suite(*GREEN), orphans=[orphan], conclusion={"pruned": True})
    assert orphan not in told(pruned)
    assert next_commands(pruned) == []


@pytest.mark.parametrize("count", [1, 5, 8])
def test_stale_records_are_listed(count: int) -> None:
    """Records without an example are named, five at most, with the command that removes them."""
    names = [f"old{number}" for number in range(count)]
    conclusion = concluded(suite(*GREEN, baseline=stored("a", *names), stale=names))
    records = "1 baseline record" if count == 1 else f"{count} baseline records"
    assert f"stale: {records} without an example: old0" in told(conclusion)
    assert ("and 3 more" in told(conclusion)) == (count == 8)
    assert next_commands(conclusion) == [("pytest --promptreg-prune", "removes what is stale")]


def test_pruned_records_are_not_stale() -> None:
    """After a prune there is nothing left to say or to do."""
    before = stored("a", "old")
    refresh = plan_refresh(Path("x"), before, V1, {}, examples=EXAMPLES, signatures={}, refused={})
    gone = suite(*GREEN, baseline=before, stale=["old"], plan=prune(refresh, ["old"]))
    conclusion = concluded(gone, conclusion={"pruned": True})
    assert "stale:" not in told(conclusion)
    assert next_commands(conclusion) == []


def test_a_refresh_needs_no_command() -> None:
    """What was just accepted is not asked about."""
    assert next_commands(concluded(suite(case("a", "missing", passed=True)), refreshed=True)) == []


def test_notes_and_problems_stand_at_the_end() -> None:
    """What was written where, and what could not be, behind the suites."""
    text = told(concluded(suite(*GREEN), conclusion={"notes": ["baseline written: x"], "problems": ["MLflow is away"]}))
    assert text.splitlines()[-2:] == ["MLflow is away", "baseline written: x"]


def test_kinds_of_change_are_told_with_examples() -> None:
    """A line for each kind of change, the most harmful first, with the ids of three examples."""
    cases = [case(name, "changed", score=0.9, findings={"numbers": "lost 42"}) for name in "abcd"]
    cases[3] = replace(cases[3], findings={"numbers": "lost 42", "json_valid": "JSON -> text"})
    told_lines = told(concluded(suite(*cases))).splitlines()
    at = told_lines.index("  changes in the outputs of v2:")
    assert told_lines[at + 1 : at + 3] == ["    1 is no JSON any more: d", "    4 lost a number: a, b, c and 1 more"]
    assert "changes in" not in told(concluded(suite(*GREEN)))


def test_errors_alone_show_no_prompt_diff() -> None:
    """A call that failed is no regression: there is no cause to show in the prompt."""
    text = told(concluded(suite(case("a", "error", output=None, message="no key"))))
    assert "Name the product" not in text
    assert "--promptreg-accept" not in text


def test_columns_are_aligned() -> None:
    """Wide labels take the columns that they take."""
    wide = replace(V2, label="版本二")
    spec = replace(SPEC, versions=(V1, wide))
    outcome = SuiteOutcome(
        spec,
        stored("a"),
        [VersionOutcome(V1, GREEN[:4]), VersionOutcome(wide, [replace(c, version="版本二") for c in GREEN[4:]])],
    )
    header, one, two = told(concluded(outcome)).splitlines()[1:4]
    assert len(header) == len(one) == len(two) + 3


@given(
    st.text(alphabet=st.characters(exclude_categories=[])),
    st.text(alphabet=st.characters(exclude_categories=[])) | st.just("\n::error::x\x1b[2J"),
)
def test_whatever_is_said_stays_on_its_line(output: str, name: str) -> None:
    """No output, id or label breaks a line, writes a control, or begins a line with its own words."""
    spec = replace(SPEC, versions=(V1, replace(V2, label=name or "v2")))
    cases = [replace(c, output=output, example=f"x{name}") for c in REGRESSED[4:]]
    version = version_outcome(spec, spec.versions[1], cases, gated=True)
    conclusion = concluded(SuiteOutcome(spec, stored("a"), [version], stale=[name or "x"]))
    for line, _ in lines(conclusion):
        assert len(line.splitlines()) <= 1
        assert "\x1b" not in line
        assert not line.lstrip().startswith("::")


def test_places_and_names_of_signals_are_escaped() -> None:
    """A result file may come from anywhere, and so may the name of a folder."""
    odd = replace(SPEC, where="a\n::error::\x1b[2J.py:1")
    found = case("a", "changed", score=0.9, findings={"x\n::error::\x1b": "y"}, warnings=["z\n::error::\x1b"])
    of_odd = SuiteOutcome(odd, stored("a"), [version_outcome(odd, V2, [found], gated=False)])
    said = "\n".join(text for text, _ in lines(Conclusion(RunOutcome([of_odd], 0.0, 1.0))))
    assert "\x1b" not in said
    assert not any(line.lstrip().startswith("::") for line in said.splitlines())


def test_what_the_calls_took_stands_in_the_table() -> None:
    """Median latency, tokens and cost of a version are columns where they are known, and no columns where not."""
    paid = [
        replace(outcome, latency_s=1.5 + at, input_tokens=1000, output_tokens=234, cost_usd=0.01)
        for at, outcome in enumerate(GREEN[:4])
    ]
    text = told(concluded(suite(*paid, *GREEN[4:])))
    assert "pass rate  latency  tokens     cost" in text
    assert "3.0 s   4,936  $0.0400" in text
    assert "latency" not in told(concluded(suite(*GREEN)))
    instant = [replace(outcome, latency_s=0.001) for outcome in GREEN]
    assert "latency" not in told(concluded(suite(*instant))), "no model is that fast"


def test_a_table_too_wide_for_the_terminal_is_told_in_parts() -> None:
    """No line of a table is wider than the terminal, the version stands in each part, and no column is lost."""
    conclusion = concluded(suite(*REGRESSED))
    whole = [text for text, _ in lines(conclusion)]
    parts = [text for text, _ in lines(conclusion, columns_wide=40)]
    tables = [text for text in parts if text.startswith(("  version", "  v1*", "  v2 "))]
    assert len(tables) > len([text for text in whole if text.startswith(("  version", "  v1*", "  v2 "))])
    assert all(len(text) <= 40 for text in tables)
    header = next(text for text in whole if text.startswith("  version"))
    assert {word for text in parts if text.startswith("  version") for word in text.split()} == set(header.split())


def test_quiet_is_one_line() -> None:
    """What a quiet run says: how many suites and cases, what is said of them, and which versions failed."""
    assert summary(concluded(suite(*GREEN)).run) == ("promptreg: 1 suite, 8 cases: 8 unchanged", {"green": True})
    text, colour = summary(concluded(suite(*REGRESSED)).run)
    assert text == "promptreg: 1 suite, 8 cases: 5 unchanged, 1 changed, 2 breached; failed: test_y v2"
    assert colour == {"red": True}
    stored_now = summary(replace(concluded(suite(*GREEN)).run, refreshed=True))
    assert stored_now == ("promptreg: 1 suite, 8 cases: to be stored as the baseline", {"green": True})
