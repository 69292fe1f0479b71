"""Passed, regressed or undecided: what n examples say of each term."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from . import power
from .evidence import TermEvidence
from .holm import adjusted
from .permutation import p_value
from .student import mean_bound
from .words import ALPHA, State

Key = tuple[str, str]  # prompt version, term

MARGIN = 0.02  # of the term's scale: two BLEU points, 0.02 of cosine
NOISE_SHARE = 0.25  # of the noise's standard deviation: what nobody sees in one example
FEWEST = 20  # examples by which a term passes: a loss of one in ten is missing from most smaller suites


@dataclass(frozen=True, slots=True)
class TermVerdict:
    """What is said of one term of one prompt version; plain values, all in the metric's unit unless said.

    :param state: ``regressed``: the drop is no accident, and larger than the margin. ``passed``: it is bounded below
        the margin, by :data:`FEWEST` examples or more. ``undecided``: neither can be said with so few examples.
    :param examples: how many examples it rests on.
    :param drop: mean over examples of what the new outputs lost.
    :param upper: the bound that the true drop lies below with confidence 1 - alpha; None for fewer than two examples.
    :param margin: the drop that is put up with.
    :param p: how probable so large a drop is if nothing changed; :param p_adjusted: the same among all questions asked.
    :param noise_sd: standard deviation of one example's drop with one new output, if nothing changed.
    :param detectable: the smallest true drop that such a suite calls regressed in four runs of five; None without
        examples.
    :param needed: examples that would settle it; None where it is settled.
    """

    version: str
    term: str
    state: State
    examples: int
    drop: float
    upper: float | None
    margin: float
    p: float
    p_adjusted: float
    noise_sd: float
    detectable: float | None
    needed: int | None


def judge(
    evidence: Mapping[Key, TermEvidence], *, alpha: float = ALPHA, margin: float | None = None, seed: int
) -> list[TermVerdict]:
    """What is said of every term of every version, so that an unchanged suite is called regressed in at most alpha.

    :param evidence: by prompt version and term.
    :param alpha: share of unchanged suites in which anything at all may be called regressed; also 1 - confidence of the
        bound that a passed term keeps.
    :param margin: the drop that is put up with, as a share of the term's scale; left out, the larger of 0.02 and a
        quarter of the noise's standard deviation.
    :param seed: the same evidence and seed give the same verdicts.
    :returns: in the order given.
    """
    p_values = {key: chance(key, one, seed) for key, one in evidence.items()}
    return conclude(evidence, p_values, alpha=alpha, margin=margin)


def chance(key: Key, evidence: TermEvidence, seed: int) -> float:
    """The p value of one term, from draws of its own: another term beside it changes nothing."""
    return p_value(evidence.groups, seed * 2**32 + zlib.crc32("\0".join(key).encode()))


def conclude(
    evidence: Mapping[Key, TermEvidence],
    p_values: Mapping[Key, float],
    *,
    alpha: float,
    margin: float | None,
    bound_alpha: float | None = None,
) -> list[TermVerdict]:
    """The verdicts that p values and drops amount to; as :func:`judge`.

    :param bound_alpha: 1 - confidence of the bound, where it is not alpha.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha lies between 0 and 1, not {alpha}")
    if margin is not None and not 0.0 <= margin <= 1.0:
        raise ValueError(f"a margin is a share of the scale, between 0 and 1, not {margin}")
    # One example never makes a verdict, so it asks no question either.
    asked = [key for key, one in evidence.items() if one.examples > 1]
    raised = dict(zip(asked, adjusted([p_values[key] for key in asked]), strict=True))
    confidence = 1.0 - (alpha if bound_alpha is None else bound_alpha)
    level = alpha / max(1, len(asked))
    return [
        _verdict(key, one, (p_values[key], raised.get(key, 1.0)), alpha, level, confidence, margin)
        for key, one in evidence.items()
    ]


def margin_of(evidence: TermEvidence, margin: float | None) -> float:
    """The drop that is put up with, in the metric's unit."""
    return allowed(evidence.unit, evidence.noise_sd, margin)


def allowed(unit: float, noise_sd: float, margin: float | None) -> float:
    """The same, of a term of that scale and noise."""
    return margin * unit if margin is not None else max(MARGIN * unit, NOISE_SHARE * noise_sd)


def _verdict(
    key: Key,
    one: TermEvidence,
    p: tuple[float, float],
    alpha: float,
    level: float,
    confidence: float,
    margin: float | None,
) -> TermVerdict:
    allowed = margin_of(one, margin)
    upper = mean_bound(one.drops, confidence)
    state: State = "undecided"
    if upper is not None:
        if p[1] <= alpha and one.drop > allowed:
            state = "regressed"
        elif upper < allowed and one.examples >= FEWEST:
            state = "passed"
    sd = one.spread.of_drop(one.stored, one.samples) if one.stored else 0.0
    needed = _needed(one, sd, allowed, 1.0 - confidence) if state == "undecided" else None
    return TermVerdict(
        *key,
        state,
        one.examples,
        one.drop,
        upper,
        allowed,
        *p,
        one.noise_sd,
        power.detectable(sd, one.examples, margin=allowed, alpha=level),
        needed,
    )


def _needed(one: TermEvidence, sd: float, margin: float, alpha: float) -> int:
    """What would settle an unchanged suite; with so many examples already, what would settle the drop that was seen."""
    seen = max(sd, float(one.drops.std(ddof=1)) if one.examples > 1 else 0.0)
    needed = max(FEWEST, power.settling(seen, margin, alpha=alpha))
    if needed <= one.examples:
        needed = power.settling(seen, margin, drop=one.drop, alpha=alpha)
    return max(needed, one.examples + 1)
