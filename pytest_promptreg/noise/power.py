"""What n examples can show: the smallest drop that is likely found, and how many examples settle a question.

A mean over n examples varies by sd / sqrt(n). To be found four times of five at alpha 5 %, a drop must be
1.64 + 0.84 = 2.49 of these (J. Cohen 1988).
"""

from __future__ import annotations

import math
from statistics import NormalDist

MOST_EXAMPLES = 1_000_000
_NORMAL = NormalDist()


def detectable(sd: float, n: int, *, margin: float = 0.0, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest mean drop that is called regressed with probability ``power``, in the unit of ``sd``.

    :param sd: standard deviation of one example's drop when nothing changed: :meth:`Spread.of_drop`.
    :param margin: what a drop has to exceed besides; a drop of the margin itself exceeds it in half of the runs only.
    :returns: None without examples.
    """
    if n < 1:
        return None
    error = sd / math.sqrt(n)
    luck = _NORMAL.inv_cdf(power) * error
    return max(_NORMAL.inv_cdf(1.0 - alpha) * error, margin) + luck


def settling(sd: float, margin: float, *, drop: float = 0.0, alpha: float = 0.05, power: float = 0.8) -> int:
    """How many examples settle whether the drop lies below the margin.

    With so many, an unchanged suite passes with probability ``power``; and should the drop stay as it was seen, its
    bound no longer reaches the margin.

    :param drop: what was seen.
    :returns: at least 2, at most :data:`MOST_EXAMPLES`: a drop that equals the margin is never settled.
    """
    quantile = _NORMAL.inv_cdf(1.0 - alpha)
    wanted = [(quantile + _NORMAL.inv_cdf(power), margin), (quantile, abs(margin - drop))]
    most = 2.0
    for errors, distance in wanted:
        if sd > 0.0:
            most = max(most, (errors * sd / distance) ** 2 if distance > 0.0 else math.inf)
    return math.ceil(min(most, MOST_EXAMPLES))
