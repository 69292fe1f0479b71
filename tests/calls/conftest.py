"""Runners of calls, each of which is stopped when its test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_promptreg.calls import Runner, Terms


@pytest.fixture
def make() -> Iterator[Callable[..., Runner]]:
    """Makes runners: four calls at once and two retries where nothing else is said."""
    made: list[Runner] = []

    def make_runner(concurrency: int = 4, retries: int = 2, **terms: Any) -> Runner:
        made.append(Runner(Terms(concurrency, retries=retries, **terms)))
        return made[-1]

    yield make_runner
    for runner in made:
        runner.stop()
