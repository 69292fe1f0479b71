"""So many calls in a second, a minute or an hour."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ConfigError

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?/ ?(s|min|h)")
_LATE_S = 0.1  # what a start that came late may catch up on, so that waking up late does not lower the rate


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit on calls over time.

    :param per_second: calls in a second.
    """

    per_second: float

    @classmethod
    def parse(cls, text: str, where: str) -> Rate:
        """The rate that ``60/min`` names.

        :param where: what it is set by, for the message.
        :raises ConfigError: when it is none.
        """
        found = _FORM.fullmatch(text.strip())
        if not found or not float(found[1]):
            raise ConfigError(f"{text!r} is no rate", where=where, next_step="write 60/min, 5/s or 1000/h")
        return cls(float(found[1]) / _SECONDS[found[2]])

    def shared_by(self, processes: int) -> Rate:
        """The share of one of several processes."""
        return Rate(self.per_second / processes)


class Pace:
    """When the next call may start, for calls evenly spaced.

    :param rate: in any stretch of T seconds at most ``rate x (T + 0.1) + 1`` calls start.
    """

    def __init__(self, rate: Rate) -> None:
        self._interval_s = 1 / rate.per_second
        self._next = float("-inf")

    def wait_s(self, now: float) -> float:
        """Seconds until a call may start; 0 when one may."""
        return max(0.0, self._next - now)

    def start(self, now: float) -> None:
        """A call starts."""
        self._next = max(self._next, now - _LATE_S) + self._interval_s
