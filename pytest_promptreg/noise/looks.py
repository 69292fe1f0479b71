"""Stopping early: at looks fixed beforehand, with the error rates of the whole run kept.

Looking again and again until something is significant finds something in any suite. So alpha is divided among the looks
(0.1, 0.2 and 0.7 of it at a third, two thirds and all of the examples): at each look a p value is divided by the look's
share, and the least so far is judged. The sum of what the looks may err by is alpha, however they depend on each other.
Little is spent early because little is enough there: what is worth stopping for has a p value of a thousandth; and the
last look keeps most of its power (it finds drops 7 % larger than one look with all of alpha does).

That a version is regressed may be said at any look. That it passed is said before the end only from the second look on,
and with forty examples seen: fewer have often met none of the few that lose much, and what they have not met, no bound
tells of. (Where one example of twenty bears the whole loss, 29 % of suites would pass after 27 of 40 examples, and 16 %
after all of them; after 40 of 60 no more pass than in the end.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .evidence import TermEvidence
from .judging import Key, TermVerdict, chance, conclude
from .words import ALPHA

SHARES = (0.1, 0.2, 0.7)
FEWEST_EARLY = 40  # examples by which a version passes before the last look


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look came to.

    :param state: ``regressed``: one term is, and no further example can take it back. ``passed``: all terms are, and
        this is the last look, or one that has seen enough. ``go on``: neither; after the last look: undecided.
    :param verdicts: of each term, as far as it can be said now.
    """

    state: Literal["regressed", "passed", "go on"]
    verdicts: tuple[TermVerdict, ...]


def look_counts(examples: int, shares: Sequence[float] = SHARES) -> tuple[int, ...]:
    """After how many examples to look: as many looks as shares, evenly spaced, the last at all."""
    return tuple(math.ceil(examples * (place + 1) / len(shares)) for place in range(len(shares)))


def decide(
    seen: Sequence[Mapping[Key, TermEvidence]],
    *,
    shares: Sequence[float] = SHARES,
    alpha: float = ALPHA,
    margin: float | None = None,
    versions: int = 1,
    seed: int,
) -> Decision:
    """What is said at a look.

    :param seen: the evidence at every look so far, this one last; each holds all examples up to it, in an order that
        was fixed before anything was seen.
    :param shares: of alpha, one for each planned look; they sum to at most 1.
    :param versions: of the suite that are looked at, each by itself and at its own time: each may err by its part of
        alpha. That a term passed is said of one version, and its bound keeps its confidence.
    """
    if not 1 <= len(seen) <= len(shares) or sum(shares) > 1.0 + 1e-9 or min(shares) <= 0.0:
        raise ValueError(f"{len(seen)} looks were taken, and {tuple(shares)} planned: shares of alpha that sum to 1")
    least: dict[Key, float] = {}
    for evidence, share in zip(seen, shares, strict=False):
        for key, one in evidence.items():
            least[key] = min(least.get(key, 1.0), chance(key, one, seed) / share)
    bound_alpha = alpha * shares[len(seen) - 1]
    verdicts = conclude(seen[-1], least, alpha=alpha / versions, margin=margin, bound_alpha=bound_alpha)
    if any(verdict.state == "regressed" for verdict in verdicts):
        return Decision("regressed", tuple(verdicts))
    enough = len(seen) > 1 and all(one.examples >= FEWEST_EARLY for one in seen[-1].values())
    may_pass = enough or len(seen) == len(shares)
    if may_pass and verdicts and all(verdict.state == "passed" for verdict in verdicts):
        return Decision("passed", tuple(verdicts))
    return Decision("go on", tuple(verdicts))
