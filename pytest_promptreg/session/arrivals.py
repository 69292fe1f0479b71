"""Reports of tests, seen where they all arrive, and the conclusion that is drawn of them.

Every pytest run of the environment loads this module: it imports the standard library and pytest alone.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from ..options import runs_nothing
from .stash import REPORT_ATTRIBUTE, ROLE, WORKER_OUTPUT

if TYPE_CHECKING:
    from .board import Board

NAME = "promptreg-reports"  # of the plugin object


class Arrivals:
    """Reports, seen where they all arrive: in the only process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._board: Board | None = None
        self._plan: str | None = None  # of the workers, where they have cases of ours
        self._expected: set[str] = set()
        self._reported: set[str] = set()

    def expect(self, nodeids: Collection[str]) -> None:
        """These tests are going to run; pytest, or xdist, can lose one and still end with exit status 0."""
        self._expected.update(nodeids)

    @property
    def unreported(self) -> Collection[str]:
        """Those of which no result arrived."""
        return self._expected - self._reported

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hand on what rides on the report; a failure that ends the run ends its calls, here and in every worker."""
        session = self._config.pluginmanager.getplugin("session") if report.failed else None
        if session is not None and session.shouldfail:
            if ROLE in self._config.stash:  # not in the end: fixtures may take their time to be torn down
                self._config.stash[ROLE].stop()
            if self._board is not None and self._plan is not None:
                self._board.call_stop()
        # A set-up or teardown that passed is no result: the report of the call may have been the one that was lost.
        is_result = report.when == "call" or not report.passed or getattr(self._config.option, "setuponly", False)
        if is_result:
            self._reported.add(report.nodeid)
        if not hasattr(report, REPORT_ATTRIBUTE):
            return
        wire = getattr(report, REPORT_ATTRIBUTE)
        if wire is not None or report.when == "setup":
            from .process import role_of

            role_of(self._config).reported(report.nodeid, wire)
            setattr(report, REPORT_ATTRIBUTE, None)  # pytest keeps every report to the end
        if report.when != "call":
            self._let_go(report)

    def _let_go(self, report: pytest.TestReport) -> None:
        """Take a silent set-up or teardown that passed out of the terminal's list.

        pytest looks through that list once for each failure, for what its teardown printed: that is
        nine tenths of the time of 10,000 failing cases. ``--durations`` is the one other reader.
        """
        if report.sections or getattr(self._config.option, "durations", None) is not None:
            return
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        kept = reporter.stats.get("") if reporter is not None else None
        if kept and kept[-1] is report:
            kept.pop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start: it is told where word can be left, and whether the others run the same."""
        from .board import Board
        from .repeats import tell_worker

        tell_worker(node)
        self._board = Board.for_node(node, self._config) or self._board

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """What the workers are about to run, ours and others': which are ours is known when a worker ends."""
        self.expect(ids)
        if self._plan is None and self._board is not None:
            self._plan = self._board.plan()
            if self._plan and self._config.get_verbosity() >= 0:
                self._config.pluginmanager.register(_Header(self._config, self._plan))

    def pytest_unconfigure(self) -> None:
        """The workers have ended: nobody reads what was left for them any more."""
        if self._board is not None and self._plan is not None:
            self._board.clear()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker ended: in order, then it says what was declared."""
        wire = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT)
        if wire is not None:
            from .process import role_of

            role_of(self._config).worker_done(wire)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Conclude after the last test, while the exit status can still be told consistently.

        Setting ``session.exitstatus`` in sessionfinish comes too late for the summary; a failure counted here does not.
        """
        with self._no_quiet_exit():
            result = yield
        unreported = self.unreported
        if runs_nothing(self._config) or not (ROLE in self._config.stash or unreported):
            return result
        from .process import role_of

        role = role_of(self._config)
        if role.refusal:
            raise pytest.UsageError(role.refusal)
        conclusion = role.conclude(interrupted=False, exit_passed=session.testsfailed == 0, unreported=unreported)
        if conclusion is not None and conclusion.fails_run:
            session.testsfailed += 1
        return result

    def _no_quiet_exit(self) -> AbstractContextManager[None]:
        """Where this process itself runs cases, see that it does not leave before their last result."""
        role = self._config.stash.get(ROLE, None)
        if role is None or not role.expected():
            return nullcontext()
        from .exits import no_quiet_exit

        return no_quiet_exit(self._config, lambda: self.unreported)


class _Header:
    """The header line of a run under xdist, whose controller collects nothing.

    It is written when the first test starts: until then xdist rewrites a line of its own.
    """

    def __init__(self, config: pytest.Config, line: str) -> None:
        self._config = config
        self._line = line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Write it, once."""
        self._config.pluginmanager.unregister(self)
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(self._line)
            reporter.write_line("")
