"""Which examples lie furthest outside the noise.

Every example's statistic is compared with what it could have been (its other ways), and these comparisons are pooled
over the suite: with four ways one example can say "one in four" and no more, fifty of them "one in two hundred".
Conformal: of n unchanged examples n x level or fewer reach a rank of ``level`` or below on average, whatever the scores
look like (V. Vovk, A. Gammerman and G. Shafer 2005).
"""

from __future__ import annotations

import numpy as np

from .evidence import TermEvidence
from .ways import Floats


def ranks(evidence: TermEvidence, *more: TermEvidence) -> list[float]:
    """How unusual each example's drop is: the share of what chance does in this suite that is as low or lower.

    An example is measured in its own noise, steadied by the suite's: one that always varies does not come first.

    :returns: a number in (0, 1] for each example, in the order of the evidence; small is unusual.
    """
    by_term = [
        _scaled([group - np.median(group, axis=1, keepdims=True) for group in one.groups]) for one in (evidence, *more)
    ]
    values: list[Floats] = [np.mean(np.stack(groups), axis=0) for groups in zip(*by_term, strict=True)]
    if not values:
        return []
    # What was observed is compared with what it could have been otherwise: where every example lies outside of the
    # noise, none may hide behind the others.
    pool = np.concatenate([group[:, 1:].ravel() for group in values])
    weights = np.concatenate(
        [np.full(len(group) * (group.shape[1] - 1), 1.0 / (group.shape[1] - 1)) for group in values]
    )
    order = pool.argsort(kind="stable")
    reached = np.concatenate([[0.0], weights[order].cumsum()]) / evidence.examples
    itself = 1.0 / (len(pool) + 1)
    found = np.ones(evidence.examples)
    for group, places in zip(values, evidence.places, strict=True):
        observed = group[:, 0] + 1e-9 * max(1.0, float(np.abs(pool).max()))
        others = reached[np.searchsorted(pool[order], observed, side="right")]
        found[list(places)] = np.minimum(1.0, itself + (1.0 - itself) * others)
    return [float(value) for value in found]


def _scaled(centred: list[Floats]) -> list[Floats]:
    """Divided by the median distance of the example's ways and the suite's usual one: no single way sways either."""
    own = [np.median(np.abs(group), axis=1) for group in centred]
    if not own:
        return []
    usual = float(np.mean(np.concatenate(own)))
    if usual == 0.0:
        return centred
    return [group / np.hypot(scale, usual)[:, None] for group, scale in zip(centred, own, strict=True)]


def expected_by_chance(examples: int, level: float) -> float:
    """How many of so many unchanged examples reach a rank of ``level`` or below, on average."""
    return examples * level
