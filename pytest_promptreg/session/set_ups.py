"""For which test the fixture ``promptreg`` is set up."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest

_REQUEST: ContextVar[pytest.FixtureRequest | None] = ContextVar("promptreg_set_up_for", default=None)


def take_request() -> pytest.FixtureRequest | None:
    """The request of the fixture that is being set up, told once; None in a run without a suite."""
    request = _REQUEST.get()
    _REQUEST.set(None)
    return request


class SetUps:
    """Tells the fixture ``promptreg`` for which test it is set up; registered where there is a suite.

    Were ``request`` among its arguments, pytest would make that three times for each case, which is a twentieth of the
    whole run where calls take no time.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        """Note the request, and leave the set-up to pytest."""
        if fixturedef.argname == "promptreg":
            _REQUEST.set(request)
