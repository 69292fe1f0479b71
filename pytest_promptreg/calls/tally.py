"""What was retried and waited for in a run, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts of one process's calls, or of all its workers'.

    :param retried: how often calls were tried again, by why: ``429``, ``connection``, ``timeout``.
    :param rate_s: seconds in which nothing started because of ``promptreg_rate``.
    :param asked_s: seconds in which nothing started because a server asked to be left alone.
    :param decreases: how often the number of calls at once was lowered.
    :param lowest: calls at once, where it was lowest.
    """

    retried: dict[str, int] = field(default_factory=dict)
    rate_s: float = 0.0
    asked_s: float = 0.0
    decreases: int = 0
    lowest: int = 0

    def retry(self, reason: str, count: int = 1) -> None:
        """A call is tried again; or not after all, where ``count`` is negative."""
        self.retried[reason] = self.retried.get(reason, 0) + count
        if not self.retried[reason]:
            del self.retried[reason]

    def add(self, other: Tally) -> None:
        """Count another process's calls in. What each kept in flight at its lowest adds up, as their shares do."""
        for reason, count in other.retried.items():
            self.retry(reason, count)
        self.rate_s += other.rate_s
        self.asked_s += other.asked_s
        self.decreases += other.decreases
        self.lowest += other.lowest

    def __str__(self) -> str:
        """``14 retried (429: 12, connection: 2), waited 31 s for the rate limit``; empty when nothing happened."""
        told = []
        if self.retried:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(self.retried.items(), key=_most))
            told.append(f"{sum(self.retried.values())} retried ({reasons})")
        if self.rate_s:
            told.append(f"waited {_seconds(self.rate_s)} for the rate limit")
        if self.asked_s:
            told.append(f"waited {_seconds(self.asked_s)} as a server asked")
        if self.decreases:
            told.append(f"concurrency fell to {self.lowest}")
        return ", ".join(told)

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return {**vars(self), "retried": dict(self.retried)}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Tally:
        """The counts that :meth:`to_wire` described."""
        return cls(**{**wire, "retried": dict(wire["retried"])})


def _most(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
