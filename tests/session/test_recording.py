"""What the end of a run leaves in MLflow: nothing is moved by a run that fails, for whatever reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.session.recording import Recording
from pytest_promptreg.settings import LIST_OPTIONS, read_settings


def recording(root: Path, *, exit_passed: bool) -> Recording:
    settings = read_settings(
        {"promptreg_promote": "champion"}.get,
        lambda name: [] if name in LIST_OPTIONS else "",
        rootdir=root,
        invocation="pytest",
        environ={},
    )
    return Recording(settings, exit_passed=exit_passed)


@pytest.mark.parametrize(("exit_passed", "fatal"), [(False, False), (True, True)])
def test_a_run_that_fails_promotes_nothing(tmp_path: Path, exit_passed: bool, fatal: bool) -> None:
    """Another test may have failed, or a baseline could not be written: the exit status is the same."""
    publish = recording(tmp_path, exit_passed=exit_passed).publisher()
    assert publish is not None
    with pytest.raises(TrackingError, match="the run did not pass, so nothing is promoted"):
        publish(Conclusion(RunOutcome([], 0, 1), fatal=fatal))
