"""Verdicts on shares."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.noise.floors import judge_floor, judge_rate, settling_floor, settling_rate


@pytest.mark.parametrize(
    ("below", "n", "state"),
    [
        (0, 5, "undecided"),
        (0, 20, "passed"),
        (2, 20, "passed"),
        (6, 20, "undecided"),
        (7, 20, "regressed"),
        (20, 20, "regressed"),
        (1, 1, "undecided"),
        (0, 0, "undecided"),
    ],
)
def test_the_floor_is_judged_on_the_suites_count(below: int, n: int, state: str) -> None:
    """Some fall below a floor when nothing changed; many do not."""
    found, lower, upper = judge_floor(below, n)
    assert found == state
    assert 0 <= lower <= upper <= 1


@pytest.mark.parametrize(
    ("passes", "n", "bound", "op", "state"),
    [
        (19, 20, 0.95, ">=", "undecided"),
        (20, 20, 0.95, ">=", "undecided"),
        (59, 59, 0.95, ">=", "passed"),
        (15, 20, 0.95, ">=", "regressed"),
        (15, 20, 0.95, ">", "regressed"),
        (0, 0, 0.95, ">=", "undecided"),
        (20, 20, 1.0, ">=", "passed"),
        (19, 20, 1.0, ">=", "regressed"),
        (20, 20, 1.0, "==", "passed"),
        (19, 20, 0.95, "==", "passed"),
        (18, 20, 0.95, "==", "regressed"),
        (0, 3, 0.0, "<=", "passed"),
        (1, 30, 0.5, "<", "passed"),
        (29, 30, 0.5, "<=", "regressed"),
        (15, 30, 0.5, "<=", "undecided"),
    ],
)
def test_a_rate_is_judged_by_exact_bounds(passes: int, n: int, bound: float, op: str, state: str) -> None:
    """Passed or regressed where the bounds leave no doubt; all and none are taken at their word."""
    assert judge_rate(passes, n, bound, op)[0] == state


@settings(max_examples=60)
@given(st.integers(1, 200), st.floats(0, 1), st.floats(0.01, 0.99))
def test_a_rate_and_its_complement_agree(n: int, share: float, bound: float) -> None:
    """That 90 % pass is that 10 % do not."""
    passes = round(n * share)
    state, lower, upper = judge_rate(passes, n, bound)
    other, other_lower, other_upper = judge_rate(n - passes, n, 1 - bound, "<=")
    if min(abs(lower - bound), abs(upper - bound)) > 1e-9:
        assert state == other
    assert (lower, upper) == pytest.approx((1 - other_upper, 1 - other_lower), abs=1e-9)


def test_fewer_below_is_never_worse() -> None:
    """From passed over undecided to regressed, and never back."""
    order = ["passed", "undecided", "regressed"]
    states = [order.index(judge_floor(below, 40)[0]) for below in range(41)]
    assert states == sorted(states)
    assert set(states) == {0, 1, 2}


def test_what_settles_a_rate() -> None:
    """59 of 59 pass under 0.95, 58 do not; a share that equals the bound, or of nothing, is never settled."""
    assert settling_rate(20, 20, 0.95) == settling_rate(1, 1, 0.95) == 59
    assert settling_rate(19, 20, 0.95) is None
    assert settling_rate(0, 0, 0.95) is None


@settings(max_examples=60)
@given(st.integers(1, 60), st.floats(0, 1), st.sampled_from([0.15, 0.5, 0.9, 0.95]))
def test_a_rate_is_settled_by_as_many_as_it_says(n: int, share: float, bound: float) -> None:
    """With so many and the share that was seen, the exact bounds leave no doubt; with one fewer they did."""
    passes = round(n * share)
    needed = settling_rate(passes, n, bound)
    if needed is None or judge_rate(passes, n, bound)[0] != "undecided":
        return
    assert needed > n
    assert judge_rate(round(passes / n * needed), needed, bound)[0] != "undecided"
    fewer = needed - 1
    assert fewer == n or judge_rate(round(passes / n * fewer), fewer, bound)[0] == "undecided"


@settings(max_examples=60)
@given(st.integers(1, 60), st.floats(0, 1))
def test_a_floor_is_settled_by_as_many_as_it_says(n: int, share: float) -> None:
    """As a rate, on both of its sides."""
    below = round(n * share)
    needed = settling_floor(below, n)
    if needed is not None and judge_floor(below, n)[0] == "undecided":
        assert judge_floor(round(below / n * needed), needed)[0] != "undecided"
