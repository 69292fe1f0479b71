"""Calls and cost are counted over all processes of a run, and a call that would exceed a limit is refused before it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_promptreg.errors import BudgetError
from pytest_promptreg.spending.budget import Budget, Limits, usd
from pytest_promptreg.spending.planning import CallPlan

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TAKER = """
import sys
from pathlib import Path
from pytest_promptreg.spending.budget import Budget, Limits
from pytest_promptreg.errors import BudgetError

budget = Budget(Limits(calls=100), run="a run", rootdir=Path(sys.argv[1]))
made = 0
try:
    while True:
        budget.take(0.0)
        made += 1
except BudgetError:
    print(made)
"""


@given(st.integers(0, 20), st.integers(0, 30))
def test_as_many_calls_as_are_allowed(allowed: int, wanted: int) -> None:
    """Call number N + 1 is refused, and so is every one after it."""
    budget = Budget(Limits(calls=allowed))
    refused = 0
    for _ in range(wanted):
        try:
            budget.take(0.0)
        except BudgetError:
            refused += 1
    assert refused == max(0, wanted - allowed)


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, -5.0])
def test_what_is_no_amount_leaves_the_estimate(cost: float) -> None:
    """A predict that tells NaN or less than nothing as its cost lifts no limit."""
    budget = Budget(Limits(cost=1.0))
    budget.take(0.6)
    budget.settle(0.6, cost)
    with pytest.raises(BudgetError):
        budget.take(0.6)
    budget.take(0.4)


def test_what_a_call_did_cost_stands_in_place_of_the_estimate() -> None:
    """A dear call leaves less for the next one, a cheap one more; a call that failed counts as estimated."""
    budget = Budget(Limits(cost=1.0))
    budget.take(0.5)
    budget.settle(0.5, 0.9)
    with pytest.raises(BudgetError, match=r"\$0.9000 are spent or in flight, this call would cost about \$0.2000"):
        budget.take(0.2)
    budget.take(0.1)
    with pytest.raises(BudgetError):
        budget.take(0.0001)
    budget.settle(0.1, 0.05)
    budget.take(0.05)
    budget.settle(0.05, None)
    with pytest.raises(BudgetError):
        budget.take(0.0001)


@pytest.mark.parametrize(
    ("limits", "plan", "said"),
    [
        (Limits(calls=3), CallPlan(calls=4), "would make 4 calls, and --promptreg-max-calls allows 3"),
        (Limits(calls=0), CallPlan(calls=1), "allows 0"),
        (Limits(cost=0.01), CallPlan(calls=4, priced=4, cost_usd=0.02), r"about \$0.0200, .*max-cost allows \$0.0100"),
        (Limits(cost=9.0), CallPlan(calls=1, unpriced=frozenset({"large"})), "there is no price for large"),
        (Limits(cost=9.0), CallPlan(calls=1, unpriced=frozenset({""})), "a model that the prompt does not name"),
    ],
)
def test_a_plan_that_exceeds_a_limit_is_refused(limits: Limits, plan: CallPlan, said: str) -> None:
    """With the numbers, the flag and what to do; a cost that nobody can foresee is no limit that is held."""
    with pytest.raises(BudgetError, match=said):
        limits.check(plan)


def test_a_plan_within_the_limits_is_not_refused() -> None:
    """As many calls and as much cost as are allowed; without a limit, anything."""
    plan = CallPlan(calls=3, priced=3, cost_usd=0.02)
    Limits(calls=3, cost=0.02).check(plan)
    Limits().check(CallPlan(calls=10**6, unpriced=frozenset({"x"})))


def test_threads_count_together() -> None:
    """Calls begin in many threads, and not one too many is made."""
    budget = Budget(Limits(calls=50))
    made: list[int] = []

    def take() -> None:
        for _ in range(20):
            try:
                budget.take(0.0)
            except BudgetError:
                return
            made.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 50


def test_processes_of_a_run_count_together(tmp_path: Path) -> None:
    """Two workers share one limit however the cases fall to them; another run counts for itself."""
    workers = [
        subprocess.Popen([sys.executable, "-c", TAKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sum(int(worker.communicate()[0]) for worker in workers) == 100
    Budget(Limits(calls=1), run="another run", rootdir=tmp_path).take(0.0)
    with pytest.raises(BudgetError):
        Budget(Limits(calls=100), run="a run", rootdir=tmp_path).take(0.0)
    assert (tmp_path / ".promptreg" / ".gitignore").exists()


@pytest.mark.parametrize("found", ["{torn", "[]", "[" * 100_000, '{"a run": [1' + "0" * 5000 + ", 0.0, 0.0]}"])
def test_what_cannot_be_counted_is_not_called(tmp_path: Path, found: str) -> None:
    """Where the count cannot be read, no call is made: a limit that is not held is none."""
    (tmp_path / ".promptreg").mkdir()
    (tmp_path / ".promptreg" / "budget.json").write_text(found)
    with pytest.raises(BudgetError, match="cannot be counted"):
        Budget(Limits(calls=1), run="a run", rootdir=tmp_path).take(0.0)


def is_count(said: Any) -> bool:
    """Whether that is what a run writes of itself: calls, USD, and when it began."""
    return (
        isinstance(said, list)
        and [type(number) in {int, float} and math.isfinite(number) for number in said] == [True] * 3
        and type(said[0]) is int
        and said[0] >= 0
    )


@given(JSON.filter(lambda said: not is_count(said)), st.sampled_from(["a run", "another run"]))
@example([0.5, 0.0, 0.0], "a run")
@example([-1, 0.0, 0.0], "a run")
@example([0, math.nan, 0.0], "a run")
@example([10**400, 10**400, 0.0], "a run")
@example({"calls": 1}, "another run")
def test_a_damaged_entry_is_told(tmp_path_factory: pytest.TempPathFactory, said: Any, name: str) -> None:
    """Whatever stands where a run's numbers were, its own or another's: the person reads that, and no call is made."""
    rootdir = tmp_path_factory.mktemp("budget")
    (rootdir / ".promptreg").mkdir()
    (rootdir / ".promptreg" / "budget.json").write_text(json.dumps({name: said}))
    with pytest.raises(BudgetError, match=r"cannot be counted: budget.json is damaged") as told:
        Budget(Limits(calls=1), run="a run", rootdir=rootdir).take(0.0)
    assert "delete it" in str(told.value)


@given(JSON.filter(lambda said: said != {}))
def test_a_file_of_something_else_is_told(tmp_path_factory: pytest.TempPathFactory, said: Any) -> None:
    """Any other JSON in its place is no count either."""
    rootdir = tmp_path_factory.mktemp("budget")
    (rootdir / ".promptreg").mkdir()
    (rootdir / ".promptreg" / "budget.json").write_text(json.dumps(said))
    with pytest.raises(BudgetError, match="cannot be counted"):
        Budget(Limits(calls=1), run="a run", rootdir=rootdir).take(0.0)


@pytest.mark.parametrize(
    ("amount", "shown"), [(12.345, "$12.35"), (0.0123, "$0.0123"), (0.0, "$0.0000"), (0.00001234, "$0.000012")]
)
def test_amounts_are_shown_so_that_they_say_something(amount: float, shown: str) -> None:
    """Cents for dollars, and more digits for less."""
    assert usd(amount) == shown
