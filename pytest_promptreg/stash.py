"""Where the plugin keeps its things on pytest's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    pass

ROLE = pytest.StashKey["Role"]()
CASE_KEY = pytest.StashKey["CaseKey"]()
CASE = pytest.StashKey["PromptregCase"]()
OUTCOME = pytest.StashKey["CaseOutcome"]()

REPORT_ATTRIBUTE = "promptreg"  # the name under which an outcome rides on a report
WORKER_OUTPUT = "promptreg"  # and what was declared on a worker's output
