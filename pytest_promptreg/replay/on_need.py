"""The fixture that gives predict, set up by the first test that needs a call, and not at all where none does.

pytest sets up every fixture that a test needs before the test; one that asks for an API key would fail a run in which
every output is recorded. pytest has no public word for a fixture that may be needed: where its own ones have changed,
the fixture is set up as ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import pytest

PREDICT = "promptreg_predict"


def set_up_on_need(items: Iterable[pytest.Item]) -> None:
    """Have these tests ask for predict's fixture, and what only that needs, when it is needed."""
    from .. import plugin

    for item in items:
        with contextlib.suppress(AttributeError, KeyError):
            info: Any = item._fixtureinfo  # type: ignore[attr-defined]
            for definition in info.name2fixturedefs["promptreg"]:
                # Tests share the definition: it is changed once.
                if getattr(definition.func, "__module__", "") == plugin.__name__ and PREDICT in definition.argnames:
                    definition.argnames, definition.func = ("request",), _promptreg
            info.prune_dependency_tree()


def _promptreg(request: pytest.FixtureRequest) -> Any:
    from ..session import running

    return running.open_case(request, lambda: request.getfixturevalue(PREDICT))
