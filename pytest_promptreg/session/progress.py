"""Says how far the calls are while a test waits for one: rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from .stash import PROGRESS

if TYPE_CHECKING:
    from ..calls import Progress

FIRST_WORD_S = 2.0  # of one test's waiting, before anything is said
AGAIN_S = 30.0  # between two lines, where none can be rewritten: a log in CI is read from the top


class ProgressLine:
    """Tells progress through pytest's terminal, past whatever captures the output of tests."""

    def __init__(self, config: pytest.Config, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._rewrites = sys.__stdout__ is not None and reporter.isatty and sys.__stdout__.isatty()
        self._began = self._waits_since = time.monotonic()
        self._said = -AGAIN_S

    @classmethod
    def of(cls, config: pytest.Config) -> ProgressLine | None:
        """The one of this run, for a test that begins to wait; None where nobody reads it."""
        if PROGRESS not in config.stash:
            reporter = config.pluginmanager.getplugin("terminalreporter")
            unread = reporter is None or config.get_verbosity() < 0
            config.stash[PROGRESS] = None if unread else cls(config, reporter)
        line = config.stash[PROGRESS]
        if line is not None:
            line._waits_since = time.monotonic()
        return line

    def __call__(self, progress: Progress) -> None:
        """The calls are so far; asked every quarter of a second or so."""
        now = time.monotonic()
        if now - self._waits_since < FIRST_WORD_S or (not self._rewrites and now - self._said < AGAIN_S):
            return
        line = told(progress, now - self._began)
        with self._capture.global_and_fixture_disabled() if self._capture else nullcontext():
            if self._rewrites:
                self._reporter.rewrite(line, erase=True)
            else:
                self._reporter.write_line(line)
        self._said = now


def told(progress: Progress, elapsed_s: float) -> str:
    """How far the calls are, in one line.

    :param elapsed_s: seconds since the first one began.
    """
    parts = [f"promptreg: {progress.done} of {progress.expected} outputs"]
    if progress.done and elapsed_s > 0:
        rate = progress.done / elapsed_s
        left_s = (progress.expected - progress.done) / rate
        parts.append(f"{rate:.3g} a second" if rate >= 1 else f"{rate * 60:.3g} a minute")
        parts.append(f"about {_duration(left_s)} left")
    parts.append(f"{progress.running} call{'' if progress.running == 1 else 's'} in flight")
    if progress.waiting:
        parts.append(f"{progress.waiting} to be tried again")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
