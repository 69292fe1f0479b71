"""How many calls at once: what the user allows, and less after a server said that it is too much."""

from __future__ import annotations


class Limit:
    """A number of calls in flight that halves when it is too much and creeps up again while calls succeed.

    :param most: what the user allows, which is where it begins.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = most
        self.lowest = most
        self.decreases = 0
        self._exact = float(most)
        self._decreased_at = float("-inf")

    def succeeded(self) -> None:
        """A call got through: one more for each full round of them."""
        if self.now < self.most:
            self._exact = min(self.most, self._exact + 1 / self._exact)
            self.now = int(self._exact + 1e-9)

    def throttled(self, started: float, now: float) -> None:
        """A server asked to be left alone. Calls that were in flight together say so together, and count once.

        :param started: when the call that was refused began.
        """
        if started < self._decreased_at:
            return
        self._decreased_at = now
        if self.now > 1:
            self._exact = max(1.0, self.now / 2)
            self.now = int(self._exact)
            self.lowest = min(self.lowest, self.now)
            self.decreases += 1
