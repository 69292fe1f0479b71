"""Scores computed on an executor: what takes the time of a model, beside the calls, wherever these run."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import lru_cache

from ..errors import MetricError
from . import METRICS, MetricSettings, Pair
from .builtin import BuiltinMetrics

_AT_ONCE = 16  # pairs in one task: a batch that keeps a processor busy, and many enough for several


def is_worth_it(name: str) -> bool:
    """Whether a metric takes longer than its pairs take to travel."""
    return name in METRICS and METRICS[name].room == "embedding"


def score_away(
    executor: Executor, name: str, settings: MetricSettings, signature: str, pairs: Sequence[Pair]
) -> list[float] | None:
    """The scores of the pairs, computed where the executor runs.

    :param signature: what the metric's is here: scores of other settings, or of another model, are not these.
    :returns: None where the executor could not: a worker was lost, or lacks the model.
    :raises MetricError: when the metric there is another one than here.
    """
    tasks = [pairs[start : start + _AT_ONCE] for start in range(0, len(pairs), _AT_ONCE)]
    try:
        futures = [
            executor.submit(score_here, name, settings, [(pair.output, pair.baseline) for pair in task])
            for task in tasks
        ]
        answers = [future.result() for future in futures]
    except Exception:
        return None
    if others := {told for told, _ in answers} - {signature}:
        raise MetricError(
            f"{name} on the executor is not the metric that it is here\n  here  {signature}\n  there {min(others)}",
            next_step="have the same versions and the same embedding model in both places",
        )
    return [score for _, scores in answers for score in scores]


def score_here(name: str, settings: MetricSettings, pairs: Sequence[tuple[str, str]]) -> tuple[str, list[float]]:
    """The metric's signature and the scores of pairs of texts: what runs on the executor."""
    metric = _metrics(settings)(name)
    return metric.signature(), metric.score([Pair(output, baseline) for output, baseline in pairs])


@lru_cache(maxsize=2)
def _metrics(settings: MetricSettings) -> BuiltinMetrics:
    return BuiltinMetrics(settings)
