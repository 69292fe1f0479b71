"""Two runs beside each other: what the second does better and worse than the first, suite by suite."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..judging.gates import SuiteGateResult, Verdict, goodness
from ..judging.noise_result import NoiseResult
from .outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome

_RANK = {Verdict.UNCHANGED: 0, Verdict.CHANGED: 1, Verdict.BREACHED: 2}
_NOT_JUDGED, _FAILS = 3, 2
_SAME = 1e-9  # scores that differ by less are the same


@dataclass(frozen=True, slots=True)
class Pair:
    """One case in both runs."""

    before: CaseOutcome
    after: CaseOutcome

    @property
    def worse(self) -> bool:
        """Whether it fails, or cannot be judged, where it did not before."""
        return _rank(self.after) >= _FAILS and _rank(self.after) > _rank(self.before)

    @property
    def better(self) -> bool:
        """The other way round."""
        return _rank(self.before) >= _FAILS and _rank(self.before) > _rank(self.after)

    @property
    def differs(self) -> bool:
        """Whether the outputs themselves are others."""
        return tuple(self.before.generated) != tuple(self.after.generated)


@dataclass(frozen=True, slots=True)
class Means:
    """The mean of one thing over the cases that have it in both runs.

    :param better: whether the second is the better one; None where they are the same.
    """

    name: str
    before: float
    after: float
    better: bool | None


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """One prompt version that both runs have.

    :param pairs: its cases that both have.
    :param alone: how many cases only the first run has, and only the second.
    :param same_prompt: whether its text is the same in both.
    :param scores: by term.
    :param outlay: mean latency in seconds, tokens and cost in USD of a case.
    :param missed: gates that are not met now, and were or were not there; ``met`` those that are met now and were not.
    """

    label: str
    pairs: Sequence[Pair]
    alone: tuple[int, int]
    same_prompt: bool
    scores: Sequence[Means]
    outlay: Sequence[Means]
    missed: Sequence[str]
    met: Sequence[str]

    @property
    def worse(self) -> list[Pair]:
        """The cases that are worse in the second run."""
        return [pair for pair in self.pairs if pair.worse]

    @property
    def better(self) -> list[Pair]:
        """The cases that are better in the second run."""
        return [pair for pair in self.pairs if pair.better]

    @property
    def differing(self) -> list[Pair]:
        """The cases whose outputs differ."""
        return [pair for pair in self.pairs if pair.differs]

    @property
    def regressed(self) -> bool:
        """Whether a case is worse or a gate is not met any more."""
        return bool(self.missed) or any(pair.worse for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class SuiteComparison:
    """One suite.

    :param only_in: 0 or 1 where only the first or second run has it; None where both do.
    :param alone: labels of the versions that only the first run has, and only the second.
    """

    name: str
    only_in: int | None = None
    versions: Sequence[VersionComparison] = field(default_factory=list)
    alone: tuple[Sequence[str], Sequence[str]] = ((), ())


def compare(before: RunOutcome, after: RunOutcome) -> list[SuiteComparison]:
    """Every suite that either run has cases of, in the order of the first run, then of the second."""
    there = {suite.spec.id: suite for suite in before.suites}
    here = {suite.spec.id: suite for suite in after.suites}
    return [_suite(there.get(key), here.get(key)) for key in dict.fromkeys([*there, *here])]


def _suite(before: SuiteOutcome | None, after: SuiteOutcome | None) -> SuiteComparison:
    if before is None or after is None:
        one = before or after
        assert one is not None  # noqa: S101  a suite is in one of the two
        return SuiteComparison(one.spec.name, only_in=0 if after is None else 1)
    there = {version.version.label: version for version in before.versions}
    here = {version.version.label: version for version in after.versions}
    return SuiteComparison(
        after.spec.name,
        versions=[_version(there[label], here[label], after) for label in there if label in here],
        alone=([label for label in there if label not in here], [label for label in here if label not in there]),
    )


def _version(before: VersionOutcome, after: VersionOutcome, suite: SuiteOutcome) -> VersionComparison:
    there = {case.example: case for case in before.cases}
    here = {case.example: case for case in after.cases}
    pairs = [Pair(case, here[name]) for name, case in there.items() if name in here]
    terms = dict.fromkeys(term for pair in pairs for term in pair.before.scores if term in pair.after.scores)
    missed = _gates(after.breached_gates)
    was_missed = _gates(before.breached_gates)
    return VersionComparison(
        label=after.version.label,
        pairs=pairs,
        alone=(len(there) - len(pairs), len(here) - len(pairs)),
        same_prompt=before.version.digest == after.version.digest,
        scores=[found for term in terms if (found := _scores(term, pairs, suite))],
        outlay=[found for name, ask in _OUTLAY.items() if (found := _means(name, pairs, ask, lambda cost: -cost))],
        missed=[said for subject, said in missed.items() if subject not in was_missed],
        met=[said for subject, said in _gates(_met(after)).items() if subject in was_missed],
    )


def _met(version: VersionOutcome) -> list[SuiteGateResult | NoiseResult]:
    results: list[SuiteGateResult | NoiseResult] = [*version.gates, *version.noise]
    return [result for result in results if result.met]


def _gates(results: Iterable[SuiteGateResult | NoiseResult]) -> dict[str, str]:
    """What is said of each, by what it is known by in both runs: the two ends of a band are two gates."""
    return {
        f"{result.gate.subject} {result.gate.op}"
        if isinstance(result, SuiteGateResult)
        else f"{result.term} under noise": str(result)
        for result in results
    }


def _scores(term: str, pairs: Sequence[Pair], suite: SuiteOutcome) -> Means | None:
    return _means(
        term,
        pairs,
        lambda case: case.scores.get(term) if case.judged else None,
        lambda score: goodness(term, score, suite.spec.known),
    )


def _means(
    name: str, pairs: Sequence[Pair], ask: Callable[[CaseOutcome], float | None], good: Callable[[float], float]
) -> Means | None:
    found = [(ask(pair.before), ask(pair.after)) for pair in pairs]
    both = [(old, new) for old, new in found if old is not None and new is not None]
    both = [(old, new) for old, new in both if math.isfinite(old) and math.isfinite(new)]  # others have no difference
    if not both:
        return None
    before, after = (statistics.fmean(side) for side in zip(*both, strict=True))
    # The mean goodness, and not that of the mean: of a score whose best lies in the middle, both ends are bad.
    gain = statistics.fmean(good(new) - good(old) for old, new in both)
    return Means(name, before, after, None if abs(gain) <= _SAME else gain > 0)


def _tokens(case: CaseOutcome) -> float | None:
    if case.input_tokens is None and case.output_tokens is None:
        return None
    return float((case.input_tokens or 0) + (case.output_tokens or 0))


_OUTLAY: Mapping[str, Callable[[CaseOutcome], float | None]] = {
    "latency (s)": lambda case: case.latency_s,
    "tokens": _tokens,
    "cost (USD)": lambda case: case.cost_usd,
}


def _rank(case: CaseOutcome) -> int:
    rank = _RANK.get(Verdict(case.verdict), _NOT_JUDGED)
    return rank if case.passed else max(rank, _FAILS)
