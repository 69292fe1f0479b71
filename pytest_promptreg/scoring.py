"""Scores outputs in batches: each metric is asked once for all the pairs at hand, and each pair once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from . import metrics
from .errors import MetricError
from .metrics import Metric, MetricSettings, Pair
from .model import ScoredCase

_T = TypeVar("_T")


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
    """The metrics of one process, made on first need."""

    def __init__(self, settings: MetricSettings) -> None:
        self._settings = settings
        self._metrics: dict[str, Metric] = {}
        self._broken: dict[str, MetricError] = {}

    def signature(self, metric: str) -> str:
        """What shapes the metric's scores.

        :raises MetricError: when the metric cannot be had here.
        """
        return self._guarded(metric, lambda: self._metric(metric).signature())

    def score(self, comparisons: Sequence[Comparison]) -> list[dict[str, float]]:
        """For each comparison, its score by term; a drop is left out where there is no reference.

        :raises MetricError: when a metric cannot score.
        """
        wanted: dict[str, dict[Pair, float]] = {}
        for comparison in comparisons:
            for term in comparison.terms:
                wanted.setdefault(metric_of(term), {}).update(dict.fromkeys(_pairs(term, comparison), 0.0))
        for name, scored in wanted.items():
            ordered = list(scored)
            scored.update(zip(ordered, self._score(name, ordered), strict=True))
        return [
            {
                term: _value(term, [wanted[metric_of(term)][pair] for pair in pairs])
                for term in comparison.terms
                if (pairs := _pairs(term, comparison))
            }
            for comparison in comparisons
        ]

    def _score(self, name: str, pairs: list[Pair]) -> list[float]:
        return self._guarded(name, lambda: self._metric(name).score(pairs))

    def _metric(self, name: str) -> Metric:
        if name not in self._metrics:
            self._metrics[name] = metrics.create(name, self._settings)
        return self._metrics[name]

    def _guarded(self, name: str, ask: Callable[[], _T]) -> _T:
        """A metric that failed once is not asked again: a missing model is not looked for a thousand times."""
        if name in self._broken:
            raise self._broken[name]
        try:
            return ask()
        except MetricError as exc:
            self._broken[name] = exc
            raise
        except Exception as exc:
            raise MetricError(f"the metric {name} failed: {type(exc).__name__}: {exc}") from exc


def metric_of(term: str) -> str:
    """The metric in a term."""
    return term.removeprefix("drop(").removesuffix(")")


def _pairs(term: str, comparison: Comparison) -> list[Pair]:
    if not term.startswith("drop("):
        return [Pair(comparison.output, comparison.accepted, comparison.case)]
    if comparison.reference is None:
        return []
    return [
        Pair(comparison.accepted, comparison.reference, comparison.case),
        Pair(comparison.output, comparison.reference, comparison.case),
    ]


def _value(term: str, scores: list[float]) -> float:
    return scores[0] - scores[1] if term.startswith("drop(") else scores[0]
