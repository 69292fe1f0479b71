"""How far the truth may lie from what was seen: exact bounds of a share.

The regularised incomplete beta function behind them is computed here (Lentz's continued fraction, *Numerical Recipes*
6.4), so that scipy, which takes most of a second to import, is not needed; nor is numpy, for a gate on a pass rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_TINY = 1e-300
_STEPS = 100_000  # of a continued fraction; it takes about the root of the larger parameter


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b): the share of a Beta(a, b) distribution that lies below x."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _STEPS):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 / _away_from_zero(1.0 + factor * d)
            c = _away_from_zero(1.0 + factor / c)
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value


def _away_from_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY


def solve(rising: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a rising function reaches the value, by halving until two neighbours are left."""
    while low < (middle := (low + high) / 2.0) < high:
        if rising(middle) < wanted:
            low = middle
        else:
            high = middle
    return high


def rate_bounds(hits: int, n: int, confidence: float = 0.95, *, one_sided: bool = False) -> tuple[float, float]:
    """The exact (Clopper-Pearson 1934) bounds of a share, of which ``hits`` in ``n`` were seen.

    :param confidence: how often, at least, the bounds hold: both of them together, or each by itself.
    :param one_sided: each by itself: for a statement about one side only.
    :returns: lower and upper bound, shares between 0 and 1; (0, 1) where nothing was seen.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence lies between 0 and 1, not {confidence}")
    tail = 1.0 - confidence if one_sided else (1.0 - confidence) / 2.0
    lower = 0.0 if hits == 0 else solve(lambda x: incomplete_beta(hits, n - hits + 1, x), tail, 0.0, 1.0)
    upper = 1.0 if hits == n else solve(lambda x: incomplete_beta(hits + 1, n - hits, x), 1.0 - tail, 0.0, 1.0)
    return lower, upper
