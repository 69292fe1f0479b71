"""Scores that an executor computes are those that are computed here, or none."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from pytest_promptreg.errors import MetricError
from pytest_promptreg.judging.scoring import Comparison, Scorer
from pytest_promptreg.metrics import MetricSettings, Pair, create
from pytest_promptreg.metrics.away import is_worth_it, score_away
from pytest_promptreg.metrics.builtin import BuiltinMetrics

SETTINGS = MetricSettings(threads=1)
PAIRS = [Pair(f"The refund of order {number} was late.", "Orders are refunded in time.") for number in range(20)]


class Broken(Executor):
    """An executor whose worker is lost."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Fail."""
        raise OSError("the worker is gone")


class Counting(ThreadPoolExecutor):
    """Counts what it is given."""

    count = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Count, and compute."""
        self.count += 1
        return super().submit(fn, *args, **kwargs)


def test_another_process_gives_the_same_scores() -> None:
    """Twenty pairs go to a process in two tasks and come back in order, equal to those of this process."""
    here = create("semantic", SETTINGS)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        there = score_away(executor, "semantic", SETTINGS, here.signature(), PAIRS)
    assert there == pytest.approx(here.score(PAIRS), abs=1e-6)


def test_a_lost_worker_gives_no_scores_and_the_scorer_computes_them_here() -> None:
    """Infrastructure that fails changes no score."""
    assert score_away(Broken(), "semantic", SETTINGS, "any", PAIRS) is None
    scorer = Scorer(BuiltinMetrics(SETTINGS))
    comparison = Comparison(PAIRS[0].output, PAIRS[0].baseline, None, ("semantic",))
    alone = scorer.score([comparison])
    scorer.executor = Broken()
    assert scorer.score([comparison]) == alone


def test_another_metric_there_than_here_is_refused() -> None:
    """Scores by another model, or another version, are never taken for these."""
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(MetricError, match="not the metric that it is here") as caught,
    ):
        score_away(executor, "semantic", SETTINGS, "semantic|v0|another model", PAIRS)
    assert "have the same versions" in str(caught.value)


def test_only_what_takes_a_models_time_travels() -> None:
    """Metrics over words are computed sooner than their texts are sent."""
    assert [name for name in ("semantic", "semantic_worst", "bleu", "rouge_l", "refusal") if is_worth_it(name)] == [
        "semantic",
        "semantic_worst",
    ]
    scorer = Scorer(BuiltinMetrics(SETTINGS))
    with Counting(1) as executor:
        scorer.executor = executor
        scorer.score([Comparison("one text", "another text", None, ("bleu", "semantic"))])
    assert executor.count == 1
