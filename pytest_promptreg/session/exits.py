"""``os._exit(0)`` in the middle of a run: nothing of pytest outlives it, and its status would pass for the run's."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from typing import NoReturn

import pytest


@contextmanager
def no_quiet_exit(config: pytest.Config, outstanding: Callable[[], Collection[str]]) -> Iterator[None]:
    """While the block runs, a process that leaves with status 0 and tests outstanding leaves with 1, and says so.

    A process that was forked from this one may leave as it likes. pytest-xdist sees for itself that a worker is gone.

    :param outstanding: gives the node ids of tests that were to run and have not been reported.
    """
    process, leave = os.getpid(), os._exit

    def leave_aloud(status: int) -> NoReturn:
        if status == 0 and os.getpid() == process and (left := outstanding()):
            Context().run(  # not that of a call: what predict prints is kept to be shown with its case
                _say,
                config,
                f"promptreg: os._exit(0) ended pytest while {len(left)} tests had no result, such as "
                f"{min(left)}: what did not run has not passed, so the exit status is 1",
            )
            status = 1
        leave(status)

    os._exit = leave_aloud
    try:
        yield
    finally:
        os._exit = leave


def _say(config: pytest.Config, line: str) -> None:
    """Write to the terminal, past what captures the output of tests."""
    with suppress(Exception):  # whatever state the run is in: the status is what counts
        if (capture := config.pluginmanager.getplugin("capturemanager")) is not None:
            # This may be a thread of predict's, and the next test begins meanwhile: it would take the line with it.
            capture.resume_global_capture = lambda: None
            capture.suspend_global_capture(in_=True)
        if (reporter := config.pluginmanager.getplugin("terminalreporter")) is not None:
            reporter.ensure_newline()
            reporter.write_line(line, red=True)
            reporter.flush()
