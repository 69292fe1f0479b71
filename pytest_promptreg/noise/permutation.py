"""How seldom chance alone does as much: the p value of a mean over examples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .ways import Floats

DRAWS = 9_999
FEWEST_DRAWS = 999
_WORK = 100_000_000  # choices of all draws together: a second or two
_CHUNK = 2_000_000  # choices held at once
_TIE = 1e-9  # relative to the largest number: sums in another order differ by less


def p_value(groups: Sequence[Floats], seed: int, draws: int = DRAWS) -> float:
    """The probability, if nothing changed, of a mean as low as the observed one or lower.

    One way is chosen at random for every example, the statistics are averaged over all examples, and that is repeated.
    The observed choice counts as one of them, which makes the p value valid (never too small on average) however few
    draws there are: (hits + 1) / (draws + 1). Where all joint choices are no more than the draws, they are enumerated
    and the p value is exact. It depends neither on the order of the examples nor on that of the stored generations.

    :param groups: arrays ``(n, C)`` of :mod:`ways`, the observed way first; examples with unequal numbers of texts lie
        in different groups and count alike.
    :param seed: the same seed gives the same value.
    :param draws: how many choices are drawn; fewer for more than 10,000 examples (999 for 100,000), so that it takes
        seconds.
    :returns: a probability; 1 without examples.
    """
    rows = [np.asarray(group, dtype=np.float64) for group in groups if len(group)]
    if not rows:
        return 1.0
    if not all(np.isfinite(group).all() for group in rows):
        raise ValueError("a statistic is no finite number")
    observed = sum(float(group[:, 0].sum()) for group in rows)
    examples = sum(map(len, rows))
    limit = observed + _TIE * examples * max(float(np.abs(group).max()) for group in rows)
    rows = [_ordered(group) for group in rows]
    if sum(len(group) * math.log(group.shape[1]) for group in rows) <= math.log(draws):
        return float((_every_sum(rows) <= limit).mean())
    draws = min(draws, max(FEWEST_DRAWS, _WORK // examples))
    random = np.random.default_rng(seed)
    hits = 0
    size = max(1, _CHUNK // examples)
    for start in range(0, draws, size):
        hits += int((_drawn_sums(rows, random, min(size, draws - start)) <= limit).sum())
    return (hits + 1) / (draws + 1)


def _ordered(group: Floats) -> Floats:
    """Ways by their value and examples by their ways: the same draws meet the same numbers however they came."""
    group = np.sort(group, axis=1)
    return group[np.lexsort(group.T[::-1])]


def _every_sum(groups: Sequence[Floats]) -> Floats:
    sums = np.zeros(1)
    for group in groups:
        for ways in group:
            sums = np.add.outer(sums, ways).ravel()
    return sums


def _drawn_sums(groups: Sequence[Floats], random: np.random.Generator, draws: int) -> Floats:
    sums = np.zeros(draws)
    for group in groups:
        n, ways = group.shape
        step = max(1, _CHUNK // draws)  # one draw of very many examples is cut too
        for start in range(0, n, step):
            part = group[start : start + step]
            chosen = random.integers(ways, size=(draws, len(part)), dtype=np.uint8 if ways <= 256 else np.int64)
            sums += part.ravel()[chosen + np.arange(len(part)) * ways].sum(1)
    return sums
