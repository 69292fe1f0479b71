"""Where the plugin keeps its things on pytest's objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..model import CaseKey
    from ..results.outcome import CaseOutcome
    from .case import PromptregCase
    from .hearing import Hearing
    from .progress import ProgressLine
    from .roles import Role
    from .upcoming import Upcoming, UpcomingOfWorker

ROLE: pytest.StashKey[Role] = pytest.StashKey()
CASE_KEY: pytest.StashKey[CaseKey] = pytest.StashKey()
REPEATED_BY: pytest.StashKey[str] = pytest.StashKey()
CASE: pytest.StashKey[PromptregCase] = pytest.StashKey()
RUNS: pytest.StashKey[bool] = pytest.StashKey()  # while the test itself does: what is reported then is a part of it
OUTCOME: pytest.StashKey[CaseOutcome] = pytest.StashKey()
ENVIRONMENT: pytest.StashKey[Mapping[str, str]] = pytest.StashKey()
HEARING: pytest.StashKey[Hearing] = pytest.StashKey()
UPCOMING: pytest.StashKey[Upcoming | UpcomingOfWorker] = pytest.StashKey()
PROGRESS: pytest.StashKey[ProgressLine | None] = pytest.StashKey()

REPORT_ATTRIBUTE = "promptreg"  # the name under which an outcome rides on a report
PLACES = "promptreg_places"  # under which a suite file's function says on which lines its arguments stand
WORKER_OUTPUT = "promptreg"  # and what was declared on a worker's output


def is_marked(node: pytest.Item | pytest.Collector) -> bool:
    """Whether the promptreg marker stands on this very node."""
    return any(mark.name == "promptreg" for mark in node.own_markers)
