"""Words that every report uses alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..outcome import VersionOutcome

if TYPE_CHECKING:
    from ..concluding import Conclusion


def state_of(conclusion: Conclusion) -> str:
    """``passed``, ``failed``, ``stopped`` before its last case, ``refreshed`` without a gate judged, ``empty``."""
    run = conclusion.run
    if conclusion.fails_run or (run.failed and not run.refreshed):
        return "failed"
    if run.interrupted:
        return "stopped"
    if run.rescored or run.refreshed:
        return "refreshed"
    return "passed" if any(suite.versions for suite in run.suites) else "empty"


def verdict_of(failed: bool, *, interrupted: bool = False, refreshed: bool = False) -> str:
    """One word for a run or a version; gates do not judge a refresh."""
    if failed:
        return "FAILED"
    if interrupted:
        return "INTERRUPTED"
    return "REFRESHED" if refreshed else "PASSED"


def counted(version: VersionOutcome) -> str:
    """``6 unchanged, 5 breached``."""
    return ", ".join(f"{number} {name}" for name, number in version.counts.items())
