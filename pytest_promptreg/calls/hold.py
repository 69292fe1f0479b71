"""When nothing may start: for the rate, or because a server asked to be left alone."""

from __future__ import annotations

from .rate import Pace, Rate
from .tally import Tally


class Hold:
    """Holds calls back, and takes down for how long.

    Its methods are called under the runner's lock.

    :param tally: where the seconds are counted in which nothing started.
    """

    def __init__(self, rate: Rate | None, tally: Tally) -> None:
        self._pace = Pace(rate) if rate else None
        self._tally = tally
        self._asked_until = float("-inf")
        self._since: float | None = None
        self._by_rate = False

    def leave_alone(self, until: float) -> None:
        """A server asked that no call start before."""
        self._asked_until = max(self._asked_until, until)

    def wait_s(self, now: float) -> float:
        """Seconds until a call may start; 0 when one may, and then a wait that was is over."""
        asked_s = self._asked_until - now
        rate_s = self._pace.wait_s(now) if self._pace is not None else 0.0
        if asked_s <= 0 and rate_s <= 0:
            self._over(now)
            return 0.0
        if self._since is None:
            self._since, self._by_rate = now, rate_s >= asked_s
        return max(asked_s, rate_s)

    def start(self, now: float) -> None:
        """A call starts."""
        if self._pace is not None:
            self._pace.start(now)

    def _over(self, now: float) -> None:
        if self._since is None:
            return
        waited, self._since = now - self._since, None
        if self._by_rate:
            self._tally.rate_s += waited
        else:
            self._tally.asked_s += waited
