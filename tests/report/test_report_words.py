"""The words that every report has for a run: none of them reads as a pass where nothing was judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from making_runs import case_of, caught_run, page_of, run_of, spec_of

from pytest_promptreg.report import markdown
from pytest_promptreg.report.words import state_of
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.session.concluding import Conclusion

EMPTY = RunOutcome([], 0, 1)
SPEC = spec_of(["a"])
PASSED = run_of(SPEC, [case_of(SPEC, "a")])


@pytest.mark.parametrize(
    ("run", "more", "state", "of_page", "of_markdown"),
    [
        (PASSED, {}, "passed", "Passed", "PASSED"),
        (EMPTY, {}, "empty", "Nothing ran", "NOTHING RAN"),
        (replace(PASSED, suites=[replace(PASSED.suites[0], versions=[])]), {}, "empty", "Nothing ran", "NOTHING RAN"),
        (replace(EMPTY, rescored=True), {}, "refreshed", "Nothing judged", "REFRESHED"),
        (replace(EMPTY, rescored=True), {"fatal": True}, "failed", "Failed", "FAILED"),
        (replace(EMPTY, interrupted=True), {}, "stopped", "Not finished", "INTERRUPTED"),
        (replace(EMPTY, lost=["t.py::test_x"]), {}, "failed", "Failed", "FAILED"),
        (caught_run(), {}, "failed", "Failed", "FAILED"),
    ],
)
def test_the_page_and_the_markdown_say_what_became_of_the_run(
    run: RunOutcome, more: dict[str, Any], state: str, of_page: str, of_markdown: str
) -> None:
    """In the title of the page, and in the first line of the Markdown."""
    conclusion = Conclusion(run, **more)
    assert state_of(conclusion) == state
    assert f"<title>{of_page}" in page_of(run, **more)
    assert f"**{of_markdown}**" in markdown.render(conclusion).splitlines()[0]
