"""Verdicts on shares: of examples below a floor, and of cases that passed. Bounds are exact (Clopper-Pearson)."""

from __future__ import annotations

import operator
from collections.abc import Callable

from ..judging.modes import TOO_MANY_BELOW, USUAL_BELOW
from .bounds import incomplete_beta, rate_bounds
from .words import ALPHA, State

_MOST = 100_000  # that are said to settle a share
_OPERATORS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


def judge_floor(below: int, n: int, alpha: float = ALPHA) -> tuple[State, float, float]:
    """Whether more examples fell below a catastrophe floor than do when nothing changed.

    A floor lies between what unrelated texts score and what the same prompt's outputs score, so single examples of an
    unchanged prompt fall below it too: up to ``USUAL_BELOW`` with real models. Only their number says something.

    :param below: how many of ``n`` examples fell below.
    :returns: ``regressed`` where the true share is surely above ``USUAL_BELOW``, ``passed`` where it is surely below
        ``TOO_MANY_BELOW``, else ``undecided``; with the bounds of the share, each of which holds with confidence
        1 - alpha.
    """
    lower, upper = rate_bounds(below, n, 1.0 - alpha, one_sided=True)
    if lower > USUAL_BELOW:
        return "regressed", lower, upper
    return ("passed" if upper < TOO_MANY_BELOW else "undecided"), lower, upper


def judge_rate(passes: int, n: int, bound: float, op: str = ">=", alpha: float = ALPHA) -> tuple[State, float, float]:
    """Whether the true share of passing cases meets ``op bound``: as in ``pass_rate >= 0.95``.

    Seeing 19 of 20 pass says little of a true rate of 0.95: it may be 0.78. ``passed`` and ``regressed`` are said where
    the exact bounds leave no doubt, with confidence 1 - alpha. A gate that wants all (``>= 1``), none (``<= 0``) or an
    exact share (``==``) is no statement about a true rate, and is taken at its word: met by these cases or not.

    :param op: ``>=``, ``>``, ``<=``, ``<`` or ``==``.
    :returns: the state, and the bounds of the share; undecided where there are no cases.
    """
    lower, upper = rate_bounds(passes, n, 1.0 - alpha, one_sided=True)
    if n == 0:
        return "undecided", lower, upper
    if op == "==":
        return ("passed" if abs(passes / n - bound) <= 1e-9 else "regressed"), lower, upper
    meets = _OPERATORS[op]
    if is_taken_at_its_word(bound, op):
        return ("passed" if meets(passes / n, bound) else "regressed"), lower, upper
    if meets(lower, bound) and meets(upper, bound):
        return "passed", lower, upper
    return ("undecided" if meets(lower, bound) or meets(upper, bound) else "regressed"), lower, upper


def is_taken_at_its_word(bound: float, op: str) -> bool:
    """Whether a gate on a share wants all cases, none or exactly so many: these cases meet it, or they do not."""
    return op == "==" or (op == ">=" and bound >= 1.0) or (op == "<=" and bound <= 0.0)


def settling_floor(below: int, n: int, alpha: float = ALPHA) -> int | None:
    """How many examples would settle what a floor's count says, should the share stay as it was seen.

    :param alpha: of the statement that too many fell below; that few did keeps :data:`ALPHA`.
    :returns: None where nothing was seen, or no number would.
    """
    return _least(
        below,
        n,
        lambda hits, of: _surely_above(hits, of, USUAL_BELOW, alpha) or _surely_below(hits, of, TOO_MANY_BELOW, ALPHA),
    )


def settling_rate(passes: int, n: int, bound: float, alpha: float = ALPHA) -> int | None:
    """How many cases would settle on which side of ``bound`` the true share lies, should it stay as it was seen.

    :returns: None where nothing was seen, or no number would: a share that equals the bound is never settled.
    """
    return _least(
        passes, n, lambda hits, of: _surely_above(hits, of, bound, alpha) or _surely_below(hits, of, bound, alpha)
    )


def _least(hits: int, n: int, settles: Callable[[int, int], bool]) -> int | None:
    """The least number of which such a share settles it; the search doubles, and halves the last step."""

    def settled(of: int) -> bool:
        return settles(round(hits / n * of), of)

    if not n:
        return None
    low, high = n, n + 1
    while not settled(high):
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def _surely_above(hits: int, n: int, bound: float, alpha: float) -> bool:
    """Whether the exact lower bound of a share lies above ``bound``, told without computing it."""
    return hits > 0 and incomplete_beta(hits, n - hits + 1, bound) < alpha


def _surely_below(hits: int, n: int, bound: float, alpha: float) -> bool:
    return hits < n and 1.0 - incomplete_beta(hits + 1, n - hits, bound) < alpha
