"""What a command prints of a conclusion: the closing section of a run, and the failed cases that pytest would list."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from ..report.escape import one_line, visible
from ..report.terminal import lines
from ..results.outcome import CaseOutcome, RunOutcome
from ..session.concluding import Conclusion

MOST_FAILED = 20


def say_conclusion(conclusion: Conclusion, say: Callable[[str], None]) -> None:
    """Print the section, and after it a line for each failed case, up to a number."""
    say(" prompt regression ".center(shutil.get_terminal_size().columns, "="))
    for text, _ in lines(conclusion):
        say(visible(text))  # a file may say in a name what a test function's name cannot
    failed = failed_cases(conclusion.run)
    for case in failed[:MOST_FAILED]:
        why = case.message or "; ".join(case.breaches) or case.verdict
        say(f"FAILED {one_line(case.nodeid)} - {one_line(why, 120)}")
    if len(failed) > MOST_FAILED:
        say(f"... and {len(failed) - MOST_FAILED} more")


def failed_cases(run: RunOutcome) -> list[CaseOutcome]:
    """The cases whose tests failed."""
    return [case for suite in run.suites for version in suite.versions for case in version.cases if not case.passed]
