"""Scoring in batches: each pair once, each metric once, drops against the reference."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import MetricError
from pytest_promptreg.judging import scoring
from pytest_promptreg.judging.gates import metric_of
from pytest_promptreg.judging.scoring import Comparison, Scorer
from pytest_promptreg.metrics import METRICS, Metric, MetricSettings, Pair, create
from pytest_promptreg.metrics.builtin import BuiltinMetrics
from pytest_promptreg.model import Example, PromptVersion, ScoredCase

SURFACE = ("bleu", "chrf", "exact", "rouge_l")
TERMS = [*SURFACE, *(f"drop({metric})" for metric in SURFACE)]
TEXTS = st.sampled_from(["", "the cat sat", "the cat sat on the mat", "Ein anderer Text.", "猫が座る"])


def alone(metric: str, text: str, other: str) -> float:
    return create(metric, MetricSettings()).score([Pair(text, other)])[0]


@given(
    st.lists(
        st.builds(
            Comparison,
            TEXTS,
            TEXTS,
            TEXTS | st.none(),
            st.lists(st.sampled_from(TERMS), unique=True).map(tuple),
        ),
        max_size=6,
    )
)
@settings(max_examples=100)
def test_a_batch_scores_as_each_alone(comparisons: list[Comparison]) -> None:
    """Whatever stands in a batch, each comparison has the scores that it has alone, and no drop without a reference."""
    scored = Scorer(BuiltinMetrics(MetricSettings())).score(comparisons)
    assert len(scored) == len(comparisons)
    for comparison, scores in zip(comparisons, scored, strict=True):
        expected = {}
        for term in comparison.terms:
            metric = metric_of(term)
            if metric == term:
                expected[term] = alone(metric, comparison.output, comparison.accepted)
            elif comparison.reference is not None:
                before = alone(metric, comparison.accepted, comparison.reference)
                expected[term] = before - alone(metric, comparison.output, comparison.reference)
        assert scores == expected
        assert list(scores) == [term for term in comparison.terms if term in expected]


def test_a_drop_is_positive_when_the_output_got_worse() -> None:
    """The score of the baseline output minus that of the new one, both against the reference."""
    comparison = Comparison("nothing alike", "the cat sat", "the cat sat", ("drop(rouge_l)",))
    assert Scorer(BuiltinMetrics(MetricSettings())).score([comparison]) == [{"drop(rouge_l)": 1.0}]


class Counting(BuiltinMetrics):
    """The built-in metrics, with what ROUGE-L is asked for."""

    def __init__(self) -> None:
        super().__init__(MetricSettings())
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str) -> Metric:
        """The metric of a name, told."""
        metric = super().__call__(name)

        class Told:
            name = metric.name
            signature = staticmethod(metric.signature)

            @staticmethod
            def score(pairs: Sequence[Pair]) -> list[float]:
                self.asked += [(pair.output, pair.baseline) for pair in pairs]
                return metric.score(pairs)

        return Told()


def test_a_built_in_metric_is_asked_once_for_the_same_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever case they are of: by a gate and as evidence, of each version; what is remembered is bounded."""
    monkeypatch.setattr(scoring, "_REMEMBERED", 2)
    builtin = Counting()
    scorer = Scorer(builtin)
    version = PromptVersion("v1", "x")
    case, other = (ScoredCase(Example(name, {}), version) for name in "ab")
    first = scorer.score([Comparison("a b", "a", None, ("rouge_l",), case)])
    both = [Comparison("a b", "a", None, ("rouge_l",), one) for one in (case, other)]
    assert scorer.score(both) == [*first, *first]
    assert builtin.asked == [("a b", "a")]
    scorer.score([Comparison(text, "a", None, ("rouge_l",), case) for text in ("c", "d")])
    assert scorer.score(both) == [*first, *first]
    assert builtin.asked == [("a b", "a"), ("c", "a"), ("d", "a"), ("a b", "a")]


def test_an_empty_reference_is_a_reference() -> None:
    """An expected answer of no text is expected; only where there is none is there no drop."""
    comparison = Comparison("words", "", "", ("drop(rouge_l)",))
    assert Scorer(BuiltinMetrics(MetricSettings())).score([comparison]) == [{"drop(rouge_l)": 1.0}]


@pytest.mark.parametrize("term", TERMS)
def test_metric_of(term: str) -> None:
    """The metric in a term is one of those that there are."""
    assert metric_of(term) in METRICS
    assert term in {metric_of(term), f"drop({metric_of(term)})"}


def test_a_missing_model_is_looked_for_once() -> None:
    """A metric that cannot be had fails every comparison with the same error, and the others go on."""
    scorer = Scorer(BuiltinMetrics(MetricSettings(embedding_model="no-such-model")))
    comparison = Comparison("a", "b", None, ("semantic",))
    errors = []
    for ask in (lambda: scorer.score([comparison]), lambda: scorer.signature("semantic")):
        with pytest.raises(MetricError, match="no embedding model 'no-such-model'") as error:
            ask()
        errors.append(error.value)
    assert errors[0] is errors[1]
    assert scorer.score([Comparison("a", "b", None, ("exact",))]) == [{"exact": 0.0}]


def test_equal_texts_need_no_model() -> None:
    """Outputs that equal what they are compared with are scored where the model is missing, too."""
    scorer = Scorer(BuiltinMetrics(MetricSettings(embedding_model="no-such-model")))
    assert scorer.score([Comparison("a", "a", "a", ("semantic", "drop(semantic)"))]) == [
        {"semantic": 1.0, "drop(semantic)": 0.0}
    ]


def test_signatures_are_the_metrics_own() -> None:
    """The scorer's signature of a metric is that of the metric with the same settings."""
    for tokens in ("unicode", "rouge-score"):
        chosen = MetricSettings(rouge_tokens=tokens)
        for metric in SURFACE:
            assert Scorer(BuiltinMetrics(chosen)).signature(metric) == create(metric, chosen).signature()
