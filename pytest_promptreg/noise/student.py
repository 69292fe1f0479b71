"""How far the mean may lie from that of what was seen: Student's bounds (W. S. Gosset 1908)."""

from __future__ import annotations

import math

import numpy as np

from .bounds import incomplete_beta, solve
from .ways import Floats


def student_quantile(probability: float, freedom: float) -> float:
    """The value below which that share of Student's t distribution lies, with so many degrees of freedom."""
    if not 0.0 < probability < 1.0 or freedom <= 0:
        raise ValueError(f"no quantile {probability} of a t distribution with {freedom} degrees of freedom")
    if probability == 0.5:
        return 0.0
    tail = min(probability, 1.0 - probability)
    x = solve(lambda x: incomplete_beta(freedom / 2.0, 0.5, x), 2.0 * tail, 0.0, 1.0)
    distance = math.sqrt(freedom * (1.0 - x) / x)
    return distance if probability > 0.5 else -distance


def mean_bound(values: Floats, confidence: float = 0.95) -> float | None:
    """The upper bound of the mean that these values were drawn around: it lies below that so often.

    Student's t, so trustworthy for about 20 values or more, or fewer without outliers. The scatter is taken at
    face value: values that are all equal bound their mean to themselves, and a rare disaster that did not happen
    is not in it.

    :returns: None for fewer than two values, which say nothing of their spread.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return None
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) + (student_quantile(confidence, len(values) - 1) * error if error else 0.0)
