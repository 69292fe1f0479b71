"""Verdicts on shares: of examples below a floor, and of cases that passed. Bounds are exact (Clopper-Pearson)."""

from __future__ import annotations

import operator

from .bounds import rate_bounds
from .judging import ALPHA, State

USUAL_BELOW = 0.15  # measured: up to so many unchanged outputs of real models fall below a catastrophe floor
TOO_MANY_BELOW = 0.30
_OPERATORS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


def judge_floor(below: int, n: int, alpha: float = ALPHA) -> tuple[State, float, float]:
    """Whether more examples fell below a catastrophe floor than do when nothing changed.

    A floor lies between what unrelated texts score and what the same prompt's outputs score, so single examples of an
    unchanged prompt fall below it too: up to 15 % with real models. Only their number says something.

    :param below: how many of ``n`` examples fell below.
    :returns: ``regressed`` where the true share is surely above 15 %, ``passed`` where it is surely below 30 %, else
        ``undecided``; with the bounds of the share, each of which holds with confidence 1 - alpha.
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
    if (op == ">=" and bound >= 1.0) or (op == "<=" and bound <= 0.0):
        return ("passed" if meets(passes / n, bound) else "regressed"), lower, upper
    if meets(lower, bound) and meets(upper, bound):
        return "passed", lower, upper
    return ("undecided" if meets(lower, bound) or meets(upper, bound) else "regressed"), lower, upper
