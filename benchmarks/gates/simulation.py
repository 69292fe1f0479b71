"""Suites by the thousand: how often each mode calls an unchanged one regressed, and how often a changed one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pytest_promptreg.noise import permutation
from pytest_promptreg.noise.evidence import TermEvidence
from pytest_promptreg.noise.floors import judge_floor
from pytest_promptreg.noise.judging import Key, conclude
from pytest_promptreg.noise.looks import SHARES, decide, look_counts
from pytest_promptreg.noise.words import ALPHA

from .sources import Floats, Source, Suite, evidence_of

SIZES = (20, 50, 200)
GENERATIONS = (1, 2, 3, 5)
SAMPLES = 3
_DRAWS = 999  # of a simulated suite: the p value is as valid, and a little coarser


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of simulated suites."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.of

    @property
    def error(self) -> float:
        """What a share of alpha varies by in so many suites: the Monte Carlo error."""
        return math.sqrt(ALPHA * (1.0 - ALPHA) / self.of)

    def __str__(self) -> str:
        return f"{100 * self.value:.0f}"


@dataclass(frozen=True, slots=True)
class Cell:
    """Everything that is said of one suite size and number of stored generations, unchanged and changed."""

    n: int
    stored: int
    unchanged: Mapping[str, Rate]
    changed: Mapping[str, Rate]


def cells(source: Source, suites: int) -> Iterator[Cell]:
    """All sizes and numbers of generations; false alarms over ``suites`` baselines, power over a third of that."""
    for n in SIZES:
        for stored in GENERATIONS:
            yield Cell(
                n,
                stored,
                _rates(source, n, stored, suites, changed=False),
                _rates(source, n, stored, suites // 3, changed=True),
            )


def _rates(source: Source, n: int, stored: int, suites: int, *, changed: bool) -> dict[str, Rate]:
    random = np.random.default_rng([n, stored, changed])
    hits: dict[str, int] = {}
    for _ in range(suites):
        suite = source.suite(random, n)
        suite.baseline(random, stored)
        scores = suite.run(random, SAMPLES, changed=changed)
        one = {term: _first_sample(values, stored) for term, values in scores.items()}
        for mode, hit in {**_simple(source, one, stored), **_calibrated(source, one, scores, stored, random)}.items():
            hits[mode] = hits.get(mode, 0) + hit
    return {mode: Rate(count, suites) for mode, count in hits.items()}


def _first_sample(scores: Floats, stored: int) -> Floats:
    return scores[:, : stored + 1, : stored + 1] if scores.ndim == 3 else scores[:, : stored + 1]


def _simple(source: Source, scores: Mapping[str, Floats], stored: int) -> dict[str, bool]:
    """The gates that know nothing of noise, and the floor. Accepted outputs count by the best match."""
    term, bound = source.strict
    values = scores[term]
    if values.ndim == 2:
        drops = values[:, 0] - values[:, stored]
        return {"every": bool((drops > bound).any()), "mean": bool(drops.mean() > bound)}
    best = values[:, stored, :stored].max(1)
    found = {"every": bool((best < bound).any()), "mean": bool(best.mean() < bound)}
    if source.floor:
        below = int((scores[source.floor[0]][:, stored, :stored].max(1) < source.floor[1]).sum())
        found["floor"] = judge_floor(below, len(best))[0] == "regressed"
    return found


def _calibrated(
    source: Source, one: Mapping[str, Floats], several: Mapping[str, Floats], stored: int, random: np.random.Generator
) -> dict[str, bool]:
    if stored < 2 and any(values.ndim == 3 for values in one.values()):
        return {}
    evidence = evidence_by_term(source, one, stored)
    p_values = chances(evidence, random)
    without = {verdict.state for verdict in conclude(evidence, p_values, alpha=ALPHA, margin=0.0)}
    states = {verdict.state for verdict in conclude(evidence, p_values, alpha=ALPHA, margin=None)}
    more = evidence_by_term(source, several, stored)
    sampled = {verdict.state for verdict in conclude(more, chances(more, random), alpha=ALPHA, margin=None)}
    return {
        "calibrated": "regressed" in states,
        "no margin": "regressed" in without,
        "samples": "regressed" in sampled,
        "passed": states == {"passed"},
        "samples passed": sampled == {"passed"},
    }


def evidence_by_term(
    source: Source, scores: Mapping[str, Floats], stored: int, first: int | None = None
) -> dict[Key, TermEvidence]:
    """The evidence of a run, of its first examples where wanted."""
    return {("v2", term): evidence_of(values, stored, source.units[term], first) for term, values in scores.items()}


def chances(evidence: Mapping[Key, TermEvidence], random: np.random.Generator) -> dict[Key, float]:
    """p values from fewer draws than the product takes, but other ones for each suite: their errors average out."""
    return {key: permutation.p_value(one.groups, _seed(random), _DRAWS) for key, one in evidence.items()}


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**32))


@dataclass(frozen=True, slots=True)
class Unlucky:
    """False alarms of single stored baselines, each run again and again unchanged: mean, ninth decile, worst."""

    n: int
    stored: int
    with_margin: tuple[float, float, float]
    without: tuple[float, float, float]


def unlucky(source: Source, baselines: int, runs: int = 30) -> Iterator[Unlucky]:
    """What a baseline that came out unlucky does to all the runs that are compared with it."""
    for n in SIZES:
        for stored in GENERATIONS[1:]:
            random = np.random.default_rng([n, stored, 7])
            shares = np.array([_of_baseline(source, n, stored, runs, random) for _ in range(baselines)])
            ours, bare = (
                (float(column.mean()), float(np.quantile(column, 0.9)), float(column.max())) for column in shares.T
            )
            yield Unlucky(n, stored, ours, bare)


def _of_baseline(source: Source, n: int, stored: int, runs: int, random: np.random.Generator) -> tuple[float, float]:
    suite: Suite = source.suite(random, n)
    suite.baseline(random, stored)
    alarms = np.zeros(2)
    for _ in range(runs):
        evidence = evidence_by_term(source, suite.run(random, 1, changed=False), stored)
        p_values = chances(evidence, random)
        for place, margin in enumerate((None, 0.0)):
            verdicts = conclude(evidence, p_values, alpha=ALPHA, margin=margin)
            alarms[place] += any(verdict.state == "regressed" for verdict in verdicts)
    return float(alarms[0] / runs), float(alarms[1] / runs)


@dataclass(frozen=True, slots=True)
class Floored:
    """How probable each word of the floor is, where this share of outputs falls below it; exact, nothing simulated."""

    n: int
    share: float
    states: Mapping[str, float]


def floored() -> Iterator[Floored]:
    """Shares that are usual, and shares that are not."""
    for n in SIZES:
        words = [judge_floor(below, n)[0] for below in range(n + 1)]
        for share in (0.03, 0.15, 0.3, 0.5):
            states = dict.fromkeys(("passed", "regressed", "undecided"), 0.0)
            for below, word in enumerate(words):
                states[word] += math.comb(n, below) * share**below * (1.0 - share) ** (n - below)
            yield Floored(n, share, states)


@dataclass(frozen=True, slots=True)
class Overlooked:
    """Suites whose true drop is just the margin, and which of them were called passed all the same."""

    n: int
    stored: int
    drop: float
    passed: Rate


def overlooked(source: Source, suites: int) -> Iterator[Overlooked]:
    """What "passed" may err by; for a source of one term."""
    (unit,) = source.units.values()
    drop = _true_drop(source)
    for n in SIZES:
        for stored in GENERATIONS[1:]:
            random = np.random.default_rng([n, stored, 8])
            passed = 0
            for _ in range(suites):
                suite = source.suite(random, n)
                suite.baseline(random, stored)
                evidence = evidence_by_term(source, suite.run(random, 1, changed=True), stored)
                (verdict,) = conclude(evidence, dict.fromkeys(evidence, 1.0), alpha=ALPHA, margin=drop / unit)
                passed += verdict.state == "passed"
            yield Overlooked(n, stored, drop, Rate(passed, suites))


def _true_drop(source: Source) -> float:
    random = np.random.default_rng(6)
    drops = []
    for _ in range(200):
        suite = source.suite(random, 200)
        suite.baseline(random, 3)
        drops += [one.drop for one in evidence_by_term(source, suite.run(random, 3, changed=True), 3).values()]
    return float(np.mean(drops))


@dataclass(frozen=True, slots=True)
class Stopped:
    """Early stopping beside one look at all examples: what is found, and which share of the calls was not needed."""

    n: int
    changed: bool
    one_look: Rate
    looks: Rate
    saved: float


def stopped(source: Source, stored: int, suites: int) -> Iterator[Stopped]:
    """Suites that stop at a look, unchanged and changed."""
    for n in SIZES:
        for changed in (False, True):
            random = np.random.default_rng([n, changed, 9])
            single = several = asked = 0
            for _ in range(suites):
                suite = source.suite(random, n)
                suite.baseline(random, stored)
                scores = suite.run(random, 1, changed=changed)
                whole = evidence_by_term(source, scores, stored)
                verdicts = conclude(whole, chances(whole, random), alpha=ALPHA, margin=None)
                single += any(verdict.state == "regressed" for verdict in verdicts)
                state, count = _looked(partial(evidence_by_term, source, scores, stored), n, _seed(random))
                several += state == "regressed"
                asked += count
            yield Stopped(n, changed, Rate(single, suites), Rate(several, suites), 1.0 - asked / (suites * n))


def _looked(
    first: Callable[[int], Mapping[Key, TermEvidence]], n: int, seed: int, margin: float | None = None
) -> tuple[str, int]:
    """What looks come to, and how many examples they asked for.

    :param first: the evidence of so many of the examples.
    """
    seen = []
    for count in look_counts(n, SHARES):
        seen.append(first(count))
        decision = decide(seen, margin=margin, seed=seed)
        if decision.state != "go on":
            return decision.state, count
    return "undecided", n


UNEVEN = (0.5, 0.1, 0.05)  # shares of the examples that bear the whole loss
_LOSS = 0.02  # the mean of it, and the margin
_NOISE = 0.02  # standard deviation of a score


@dataclass(frozen=True, slots=True)
class Uneven:
    """Suites that lose just the margin, all of it in a few examples, and which were called passed all the same."""

    n: int
    share: float
    one_look: Rate
    looks: Rate


def uneven(stored: int, suites: int) -> Iterator[Uneven]:
    """What "passed" errs by where it is hardest to see: in one look at the whole suite, and stopping early."""
    for n in (20, 40, 60, 200):
        for share in UNEVEN:
            random = np.random.default_rng([n, round(100 * share), 10])
            single = several = 0
            for _ in range(suites):
                scores = _NOISE * random.standard_normal((n, stored + 1))
                scores[:, stored] -= _LOSS / share * (random.random(n) < share)
                first = partial(_first, scores, stored)
                (whole,) = conclude(first(n), {_KEY: 1.0}, alpha=ALPHA, margin=_LOSS)
                single += whole.state == "passed"
                several += _looked(first, n, _seed(random), _LOSS)[0] == "passed"
            yield Uneven(n, share, Rate(single, suites), Rate(several, suites))


_KEY = ("v2", "drop")


def _first(scores: Floats, stored: int, count: int) -> dict[Key, TermEvidence]:
    return {_KEY: evidence_of(scores, stored, 1.0, count)}
