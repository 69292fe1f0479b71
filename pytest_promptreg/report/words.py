"""Words that every report uses alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..judging.gates import metric_of
from ..results.outcome import RunOutcome, SuiteOutcome, VersionOutcome

if TYPE_CHECKING:
    from ..session.concluding import Conclusion


def state_of(conclusion: Conclusion) -> str:
    """``passed``, ``failed``, ``stopped`` before its last case, ``refreshed`` without a gate judged, ``empty``."""
    run = conclusion.run
    if conclusion.fails_run or (run.failed and not run.refreshed):
        return "failed"
    if run.interrupted:
        return "stopped"
    if run.rescored or run.refreshed:
        return "refreshed"
    return "empty" if run.is_empty else "passed"


def verdict_of(failed: bool, *, interrupted: bool = False, refreshed: bool = False) -> str:
    """One word for a run or a version; gates do not judge a refresh."""
    if failed:
        return "FAILED"
    if interrupted:
        return "INTERRUPTED"
    return "REFRESHED" if refreshed else "PASSED"


def whole_of(suite: SuiteOutcome, run: RunOutcome) -> str:
    """``, 3 of 8 cases ran`` where that is not all of them; empty where it is, or nothing was to run."""
    part = suite.ran < suite.declared and not run.rescored
    return f", {suite.ran:,} of {suite.declared:,} cases ran" if part else ""


def digits(suite: SuiteOutcome, term: str) -> int:
    """Digits that tell one score of the term from another: BLEU runs to 100, a cosine to 1."""
    return 1 if 1 < suite.spec.known[metric_of(term)].high < math.inf else 3


def counted(version: VersionOutcome) -> str:
    """``6 unchanged, 5 breached``."""
    return ", ".join(f"{number} {name}" for name, number in version.counts.items())
