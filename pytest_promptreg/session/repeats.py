"""Tests that run several times, by a plugin or in each worker, and the parameters of a function that are its own.

A repetition is a parameter to pytest. Taken for one of the function's own, it would have a baseline of its own; taken
for none, the last attempt alone would be judged. Several outputs of a case are what samples are for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ..errors import ConfigError
from .stash import CASE_KEY, REPEATED_BY

# What the parameters of plugins that repeat tests begin with.
_REPEATERS = {"__pytest_repeat_step_number": "pytest-repeat", "__flakefinder_": "pytest-flakefinder"}
_EACH = "promptreg_runs_each"  # under which a worker is told so


def repeated_by(callspec: Any) -> str | None:
    """The plugin that repeats a test; None where none does.

    :param callspec: pytest's own record of the test's parameters.
    """
    return next((found for name in callspec.params if (found := _repeater(name))), None)


def variant_of(callspec: Any, slug: str) -> str:
    """The ids of the function's own other parameters; those of the case and of a repetition are left out.

    :param callspec: pytest's own record of the test's parameters.
    :param slug: the id of the case.
    """
    ids, names = list(callspec._idlist), list(callspec.params)
    # They come before all other parameters, or after.
    if _repeater(names[0]):
        del ids[0]
    elif _repeater(names[-1]):
        del ids[-1]
    ids.remove(slug)
    return "-".join(ids)


def tell_worker(node: Any) -> None:
    """Tell a worker of xdist whether the others run all that it runs: there `dist` is always "no".

    :param node: xdist's own object of a worker that is about to start.
    """
    node.workerinput[_EACH] = node.config.option.dist == "each" and node.workerinput["workercount"] > 1


def refuse_repeated(items: Iterable[pytest.Item], config: pytest.Config) -> None:
    """Of the tests that are left to run, none may be a repetition, and no case may run twice.

    :raises ConfigError: saying what repeats a case.
    """
    seen, by_all = set(), "pytest-xdist's --dist each" if getattr(config, "workerinput", {}).get(_EACH) else None
    for item in items:
        key = item.stash.get(CASE_KEY, None)
        if key is None:
            continue
        repeater = item.stash.get(REPEATED_BY, None) or by_all
        if repeater is not None or key in seen:
            by = repeater or "a plugin or --keep-duplicates"
            raise ConfigError(
                f"{by} repeats {item.name}, and of a case that runs several times only one output would be judged",
                where=item.nodeid.partition("::")[0],
                next_step="for several outputs of each case: --promptreg-samples 3; to repeat other tests only: "
                "-m 'not promptreg'",
            )
        seen.add(key)


def _repeater(name: str) -> str | None:
    return next((plugin for start, plugin in _REPEATERS.items() if name.startswith(start)), None)
