"""Thousands of cases that breach: what is printed stays readable, and time and memory linear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.report.failure import TOLD_IN_FULL
from tests.plugin.test_gates_in_session import change

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]
MORE = 3
SHORT = "in short, after 50 that were told in full: -v tells all of them so"


class _Kept:
    """What pytest's terminal has kept of passed set-ups and teardowns when the run ends."""

    when: tuple[str, ...] = ()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        self.when = tuple(report.when for report in terminalreporter.stats.get("", ()))


def breaching(project: Project, names: Iterable[str], body: str = "promptreg.check()") -> None:
    """A suite whose every case breaches."""
    change(project, gates=["rouge_l >= 0.8"], body=body, **dict.fromkeys(names, 2))


def test_only_the_first_failures_of_a_suite_are_told_in_full(project: Project) -> None:
    """The others are told with their numbers and no diff, and say how to see all of it; -v does."""
    breaching(project, [f"ex{number:03}" for number in range(TOLD_IN_FULL + MORE)])
    result = project.pytester.runpytest_inprocess("-rN")  # on a CI machine pytest's short summary has it all once more
    text = result.stdout.str()
    assert text.count("If this is how it should be") == TOLD_IN_FULL
    assert text.count(SHORT) == MORE
    assert text.count("rouge_l 0.500 (gate >= 0.8)") >= TOLD_IN_FULL + MORE
    result.assert_outcomes(failed=TOLD_IN_FULL + MORE)
    in_full = project.pytester.runpytest_inprocess("-v", "-rN").stdout.str()
    assert in_full.count("If this is how it should be") == TOLD_IN_FULL + MORE
    assert SHORT not in in_full


def test_a_test_that_swallows_its_failure_is_told_once_in_full(project: Project) -> None:
    """The same case is not counted twice towards the failures that are told in full."""
    breaching(
        project,
        [f"ex{number:03}" for number in range(TOLD_IN_FULL)],
        body="try:\n    promptreg.check()\nexcept BaseException:\n    pass",
    )
    text = project.pytester.runpytest_inprocess("-rN").stdout.str()
    assert text.count("If this is how it should be") == TOLD_IN_FULL
    assert SHORT not in text


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["one-process", "n2"])
def test_the_terminal_keeps_no_silent_phase_of_a_case(project: Project, arguments: tuple[str, ...]) -> None:
    """pytest looks through what it keeps of them once for each failure."""
    breaching(project, "abc")
    kept = _Kept()
    project.pytester.runpytest_inprocess(*arguments, plugins=[kept]).assert_outcomes(failed=3)
    assert kept.when == ()


def test_what_a_teardown_printed_is_still_shown_with_the_failure(project: Project) -> None:
    """Only silent phases are let go."""
    breaching(project, "a")
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(autouse=True)
        def tidy():
            yield
            print("swept the floor")
        """,
    )
    project.pytester.runpytest_inprocess().stdout.fnmatch_lines(["*Captured stdout teardown*", "swept the floor"])


def test_durations_still_tell_of_set_ups(project: Project) -> None:
    """``--durations`` reads the phases that are let go otherwise; a call's time is in the set-up."""
    breaching(project, "a")
    result = project.pytester.runpytest_inprocess("--durations=0", "-vv")
    result.stdout.fnmatch_lines(["*s setup*test_answer*"])
