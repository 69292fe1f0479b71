"""Keeps what collecting made out of the way of Python's garbage collector until the run has ended.

Items, marks and examples stay until then. Of 10,000 cases they are some hundred thousand objects, and pytest looks for
garbage several times over at its end: that is some hundredths of the run's CPU.
"""

from __future__ import annotations

import gc


class Frozen:
    """The objects that are there when cases begin to run.

    Where somebody else has frozen objects, they are left as they are: there is only one such set in a process.
    """

    def __init__(self) -> None:
        self._ours = False

    def begin(self) -> None:
        """Freeze what is there; nothing is lost by it but memory of what is let go of before the end."""
        if not self._ours and not gc.get_freeze_count():
            gc.freeze()
            self._ours = True

    def end(self) -> None:
        """Give everything back to the collector."""
        if self._ours:
            gc.unfreeze()
            self._ours = False
