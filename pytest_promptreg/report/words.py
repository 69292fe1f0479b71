"""Words that every report uses alike."""

from __future__ import annotations

from ..outcome import VersionOutcome


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
