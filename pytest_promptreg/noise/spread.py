"""How much one example's scores vary by themselves, from what was stored.

The similarity of two texts of one example is thought of as: the example's level + what text A lies off + what text B
lies off + what only this pair shares. The first does not matter (an example's drop is a difference), the others are the
noise, as variances: ``own`` of one text, ``pair`` of a pair (W. Hoeffding 1948). A score against a reference has no
pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .ways import Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """The noise of one example.

    :param own: variance that a single text brings, in squares of the metric's unit.
    :param pair: variance that only the pair of two texts has.
    """

    own: float
    pair: float = 0.0

    def of_drop(self, stored: int, samples: int) -> float:
        """The standard deviation of one example's drop when nothing changed, in the metric's unit.

        :param stored: stored generations; :param samples: new outputs of the example.
        """
        pairs = self.pair and self.pair * (2.0 / (stored * (stored - 1)) + 1.0 / (stored * samples))
        return math.sqrt(self.own * (1.0 / stored + 1.0 / samples) + pairs)


def of_similarities(matrices: Floats, stored: int) -> Spread:
    """The noise of texts compared with each other, ``(n, t, t)`` as in :mod:`ways`, from the ``stored`` ones.

    From the fourth generation on the two variances can be told apart. With three only their sum can, and they are taken
    to be equal: what a drop varies by is then wrong by less than a quarter (vectors and texts were measured on either
    side). With two there is one similarity an example. How it differs between examples includes how hard they are, and
    how the drops of a run differ between examples includes that a change meets some more than others: both overstate,
    and the smaller is taken. (Measured: with the first alone the margin costs 7 % of power at 50 examples for nothing.)
    """
    n, m = len(matrices), stored
    generations = matrices[:, :stored, :stored]
    symmetric = (generations + generations.transpose(0, 2, 1)) / 2.0
    pairs = symmetric[:, *np.triu_indices(m, 1)]
    if m == 2:
        part = _least_between(matrices, pairs) if n > 1 else 0.0
        return Spread(part, part)
    left_out = _left_out_variance(generations)
    one = 1.0 / (m - 1) + 1.0
    if m == 3:
        return Spread(left_out / 3.0, left_out / 3.0)
    both = 2.0 / ((m - 1) * (m - 2)) + 1.0 / (m - 1)
    within = float(pairs.var(axis=1, ddof=1).mean())
    shared = 2.0 - 2.0 * (m - 2) / (pairs.shape[1] - 1)
    own = (left_out - both * within) / (one - both * shared)
    own = min(max(own, 0.0), left_out / one)
    return Spread(own, (left_out - one * own) / both)


def _least_between(matrices: Floats, pairs: Floats) -> float:
    """``own`` = ``pair`` from two stored generations, by how examples differ."""
    part = float(pairs.var(ddof=1)) / 3.0
    if (samples := matrices.shape[1] - 2) > 0:
        drops = pairs[:, 0] - matrices[:, 2:, :2].mean((1, 2))
        part = min(part, float(drops.var(ddof=1)) / (1.5 * (1.0 + 1.0 / samples)))
    return part


def _left_out_variance(generations: Floats) -> float:
    """The mean square of the drop that each stored generation shows, had it been the new one."""
    m = generations.shape[1]
    off = generations * (1.0 - np.eye(m))
    to_others = off.sum(2)
    touching = to_others + off.sum(1)
    among_others = (off.sum((1, 2))[:, None] - touching) / ((m - 1) * (m - 2))
    return float(((among_others - to_others / (m - 1)) ** 2).mean())


def of_scores(scores: Floats, stored: int) -> Spread:
    """The noise of scores ``(n, t)`` against a reference.

    From the spread of the stored scores within each example; where only one is stored, from how the drops differ
    between examples, which overstates when a change met only some of them.
    """
    n, texts = scores.shape
    if stored > 1:
        return Spread(float(scores[:, :stored].var(axis=1, ddof=1).mean()))
    drops = scores[:, 0] - scores[:, 1:].mean(1)
    return Spread(float(drops.var(ddof=1)) / (1.0 + 1.0 / (texts - 1)) if n > 1 else 0.0)
