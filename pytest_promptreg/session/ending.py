"""The end of a pytest session: concluded where it ended early, and told in the terminal."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pytest

from ..options import runs_nothing
from ..report import sizing, terminal
from . import collecting

if TYPE_CHECKING:
    from .roles import Role

_NO_BASELINE = "no baseline was written"
_NO_RELEASE = "nothing was registered or promoted"
_NEED_A_SUITE = {  # by flag: what did not happen; of several flags, the first one's is told
    "plan": "there is nothing to plan",
    "update": _NO_BASELINE,
    "accept": _NO_BASELINE,
    "rescore": _NO_BASELINE,
    "register": _NO_RELEASE,
    "promote": _NO_RELEASE,
}


def finish(session: pytest.Session, role: Role, unreported: Collection[str]) -> None:
    """Conclude a run that ended early, and stop what still runs.

    :param unreported: node ids of tests that were to run and that nobody reported.
    """
    role.stop()
    if runs_nothing(session.config):
        return
    if hasattr(session.config, "workerinput"):
        collecting.last_words(session, role)
    conclusion = role.conclude(interrupted=True, exit_passed=False, unreported=unreported)
    if role.settings.shard and role.runs_elsewhere and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK  # more shards than examples: this one has nothing to run, and says so
    left_early = conclusion.run.interrupted if conclusion is not None else bool(role.expected())
    if left_early and session.exitstatus == 0 and not hasattr(session.config, "workerinput"):
        # `pytest.exit(returncode=0)` in the middle: what did not run has not passed.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if conclusion is not None:
            conclusion.problems.append(
                "pytest was left early with exit status 0: cases that did not run have not passed"
            )


def summarize(reporter: pytest.TerminalReporter, role: Role) -> None:
    """Write the closing section."""
    if role.sizings:
        sizing.write(reporter, role.sizings)
    elif role.conclusion is not None:
        terminal.write(reporter, role.conclusion)


def summarize_nothing(reporter: pytest.TerminalReporter, option: object) -> None:
    """Where no suite was collected, say so to whoever asked for something that takes one.

    :param option: pytest's, with our flags.
    """
    asked = next((flag for flag in _NEED_A_SUITE if getattr(option, f"promptreg_{flag}")), None)
    if asked is not None:
        reporter.write_line(f"promptreg: no suite was collected, so {_NEED_A_SUITE[asked]}", yellow=True)
