"""What is told of a pass rate beside its value."""

from __future__ import annotations

import pytest

from pytest_promptreg.judging.gates import SuiteGateResult, Verdict, parse
from pytest_promptreg.model import PromptVersion
from pytest_promptreg.report.shares import in_the_long_run, lines
from pytest_promptreg.results.outcome import CaseOutcome, VersionOutcome


def result(kept: int, cases: int, gate: str = "pass_rate >= 0.95") -> SuiteGateResult:
    """A gate that so many of the cases kept."""
    return SuiteGateResult(parse(gate), kept / cases if cases else None, cases)


@pytest.mark.parametrize(
    ("kept", "cases", "told"),
    [
        (
            20,
            20,
            "in the long run 86.1% to 100.0% (95 % sure of each): 20 cases cannot tell if it is met there, 59 would",
        ),
        (19, 20, "in the long run 78.4% to 99.7% (95 % sure of each): 20 cases cannot tell if it is met there"),
        (59, 59, "in the long run 95.0% to 100.0% (95 % sure of each), surely met"),
        (10, 20, "in the long run 30.2% to 69.8% (95 % sure of each), surely missed"),
        (0, 0, ""),
    ],
)
def test_a_pass_rate_is_told_with_its_exact_bounds(kept: int, cases: int, told: str) -> None:
    """Clopper and Pearson's bounds, each by itself, and what they say of the gate."""
    assert in_the_long_run(result(kept, cases)) == told


@pytest.mark.parametrize("gate", ["pass_rate >= 1", "pass_rate == 1", "mean(semantic) >= 0.9"])
def test_what_is_no_word_on_the_long_run_is_told_without_bounds(gate: str) -> None:
    """A gate that wants all cases is taken at its word, and other suite gates have no share."""
    assert in_the_long_run(result(19, 20, gate)) == ""


def test_a_doubt_is_told_and_what_is_sure_where_all_is_asked_for() -> None:
    """A line for what so few cases cannot tell, met or missed; with -v for every pass rate."""
    version = VersionOutcome(
        PromptVersion("v1", "x"), [], [result(19, 20), result(59, 59), result(19, 20, "pass_rate >= 0.98")]
    )
    told = [text for text, _ in lines(version, verbose=False)]
    assert [text.partition(";")[0] for text in told] == [
        "  v1: pass_rate 0.950 (gate >= 0.95) is met here",
        "  v1: pass_rate 0.950 (gate >= 0.98) is missed here",
    ]
    assert [colour for _, colour in lines(version, verbose=False)] == [{"green": False}, {"yellow": True}]
    assert len(lines(version, verbose=True)) == 3


def test_a_version_that_says_what_was_accepted_is_in_no_doubt() -> None:
    """Where no output changed there is nothing that few cases could hide, so the first green run has no such line."""
    unchanged = CaseOutcome("t.py::test_y", "v1", "a", Verdict.UNCHANGED)
    version = VersionOutcome(PromptVersion("v1", "x"), [unchanged], [result(1, 1)])
    assert lines(version, verbose=False) == []
    assert len(lines(version, verbose=True)) == 1
