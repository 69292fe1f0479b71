"""Wakes the runner when a wait is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Alarm:
    """Calls back at a time that can be set again and again; its thread begins with the first wait that there is.

    :param ring: called in the alarm's own thread.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._at: float | None = None
        self._begun = self._stopped = False

    def set(self, at: float) -> None:
        """Ring at ``at``, of the monotonic clock, unless it is set to ring before."""
        with self._changed:
            if self._stopped or (self._at is not None and self._at <= at):
                return
            self._at = at
            if self._begun:
                self._changed.notify()
            else:
                self._begun = True
                threading.Thread(target=self._watch, name="promptreg-alarm", daemon=True).start()

    def stop(self) -> None:
        """Ring no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (self._at is None or self._at > time.monotonic()):
                    self._changed.wait(None if self._at is None else self._at - time.monotonic())
                if self._stopped:
                    return
                self._at = None
            self._ring()
