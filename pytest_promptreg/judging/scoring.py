"""Scores outputs in batches: each metric is asked once for all the pairs at hand, and each pair once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from ..equality import same
from ..errors import MetricError, said
from ..metrics import METRICS, Metric, MetricInfo, Pair
from ..metrics.away import is_worth_it, score_away
from ..metrics.builtin import BuiltinMetrics
from ..model import ScoredCase
from .gates import metric_of, perfect

_T = TypeVar("_T")
FAILURES = 3  # one after the other, by which a metric counts as away
_REMEMBERED = (
    20_000  # scores: those of a case are asked for by its gates and as evidence, of its stored texts by version
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one case is scored on.

    :param terms: ``semantic`` compares the output with the accepted one; ``drop(rouge_l)`` both with the reference.
    """

    output: str
    accepted: str
    reference: str | None
    terms: tuple[str, ...]
    case: ScoredCase | None = None


class Scorer:
    """The metrics of a suite.

    :param builtin: gives the built-in metric of a name; suites of one process share it, and so the embedding model.
    :param own: the suite's own metrics by name.
    :param known: every metric that a gate of the suite may name.
    """

    def __init__(
        self,
        builtin: BuiltinMetrics,
        own: Mapping[str, Metric] | None = None,
        known: Mapping[str, MetricInfo] = METRICS,
    ) -> None:
        self._builtin = builtin
        self._own = {} if own is None else own  # as it is: fixtures add to it
        self._known = known
        self.executor: Executor | None = None  # where scores that take a model's time are computed; None for here
        self._broken: dict[str, MetricError] = {}
        self._failures: Counter[str] = Counter()
        self._remembered: dict[tuple[str, str, str], float] = {}

    def signature(self, metric: str) -> str:
        """What shapes the metric's scores.

        :raises MetricError: when the metric cannot be had here.
        """
        if metric in self._broken:
            raise self._broken[metric]
        try:
            return self._guarded(metric, lambda: self._metric(metric).signature())
        except MetricError as exc:  # a missing model is not looked for a thousand times
            self._broken[metric] = exc
            raise

    def score(self, comparisons: Sequence[Comparison]) -> list[dict[str, float]]:
        """For each comparison, its score by term; a drop is left out where there is no reference.

        Texts that say the same have the metric's best score, without the metric being asked.

        :raises MetricError: when a metric cannot score.
        """
        wanted: dict[str, dict[Pair, float]] = {}
        for comparison in comparisons:
            for term in comparison.terms:
                wanted.setdefault(metric_of(term), {}).update(dict.fromkeys(_pairs(term, comparison), 0.0))
        for name, scored in wanted.items():
            unequal = [pair for pair in scored if not same(pair.output, pair.baseline)]
            scored.update(dict.fromkeys(scored, perfect(name, self._known)))
            scored.update(self._scores(name, unequal))
        return [
            {
                term: self._value(term, [wanted[metric_of(term)][pair] for pair in pairs])
                for term in comparison.terms
                if (pairs := _pairs(term, comparison))
            }
            for comparison in comparisons
        ]

    def _value(self, term: str, scores: list[float]) -> float:
        """The score itself; of a drop, what was lost between the two scores, whichever end of the scale is the best."""
        if not term.startswith("drop("):
            return scores[0]
        before, now = scores
        info = self._known[metric_of(term)]
        return now - before if info.best == info.low else before - now

    def load_ahead(self, names: Iterable[str]) -> None:
        """Have those of the metrics that take seconds to load loaded while something else is waited for."""
        if self.executor is not None:
            return
        self._builtin.load([name for name in names if name not in self._own])

    def explain(self, metric: str, comparison: Comparison) -> str:
        """What a metric can say of a score in words; empty where it has none.

        :raises MetricError: when it cannot be computed.
        """
        ask = getattr(self._metric(metric), "explain", None) if metric not in self._own else None
        pair = Pair(comparison.output, comparison.accepted, comparison.case)
        return str(self._guarded(metric, lambda: ask(pair))) if ask else ""

    def _scores(self, name: str, pairs: list[Pair]) -> dict[Pair, float]:
        """The score of each pair; built-in metrics see nothing but its texts, and are asked once for the same two."""
        if name in self._own:
            return dict(zip(pairs, self._score(name, pairs), strict=True))
        known = self._remembered
        texts = [(name, pair.output, pair.baseline) for pair in pairs]
        found = {at: known[at] for at in texts if at in known}
        new = {at: pair for at, pair in zip(texts, pairs, strict=True) if at not in found}
        found.update(zip(new, self._score(name, list(new.values())), strict=True))
        known.update((at, found[at]) for at in new)
        for at in list(itertools.islice(known, max(0, len(known) - _REMEMBERED))):
            del known[at]
        return {pair: found[at] for at, pair in zip(texts, pairs, strict=True)}

    def _score(self, name: str, pairs: list[Pair]) -> list[float]:
        if not pairs:
            return []
        self.signature(name)  # what cannot be had fails here, once
        metric = self._metric(name)
        try:
            scores = self._score_away(name, pairs)
            if scores is None:
                scores = self._guarded(name, lambda: metric.score(pairs))
        except MetricError as exc:
            # An endpoint or a judge that is away is not asked for every case: each asking may take minutes.
            self._failures[name] += 1
            if self._failures[name] == FAILURES and (name not in self._own or getattr(metric, "is_remote", False)):
                self._broken[name] = exc
            raise
        self._failures[name] = 0
        return scores

    def _score_away(self, name: str, pairs: list[Pair]) -> list[float] | None:
        """The scores by the executor; None where there is none, and where it could not: then they are computed here."""
        if self.executor is None or name in self._own or not is_worth_it(name):
            return None
        return score_away(self.executor, name, self._builtin.settings, self.signature(name), pairs)

    def try_out(self, metric: str) -> None:
        """Have a built-in metric show that it works: that a model has a digest does not say that it can be loaded.

        :raises MetricError: when it does not.
        """
        self._score(metric, [Pair("one text", "another text")])

    def _metric(self, name: str) -> Metric:
        return self._own[name] if name in self._own else self._builtin(name)

    def _guarded(self, name: str, ask: Callable[[], _T]) -> _T:
        try:
            return ask()
        except (MetricError, KeyboardInterrupt):
            raise
        except BaseException as exc:  # a pytest.skip() in an embedder must not end the case as passed
            raise MetricError(f"the metric {name} failed: {said(exc)}") from exc


def _pairs(term: str, comparison: Comparison) -> list[Pair]:
    if not term.startswith("drop("):
        return [Pair(comparison.output, comparison.accepted, comparison.case)]
    if comparison.reference is None:
        return []
    return [
        Pair(comparison.accepted, comparison.reference, comparison.case),
        Pair(comparison.output, comparison.reference, comparison.case),
    ]
