"""The signals as metrics."""

from __future__ import annotations

import pytest

from pytest_promptreg.metrics import METRICS, MetricSettings, Pair, create
from pytest_promptreg.signals import SIGNALS, look

PAIRS = [
    Pair("It is not 5 g.", "It is 5 mg."),
    Pair("", "Yes."),
    Pair('{"a": "1"}', '{"a": 1}'),
    Pair("the same", "the same"),
    Pair("", ""),
]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_scores_what_it_finds(name: str) -> None:
    """The metric gives the signal's value for each pair, in order, and the best for equal texts."""
    metric = create(name, MetricSettings())
    scores = metric.score(PAIRS)
    assert scores == [look(pair.output, pair.baseline, [name])[name].value for pair in PAIRS]
    assert scores[-2:] == [METRICS[name].best] * 2


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signals_signature_is_its_name_and_version(name: str) -> None:
    """Scores by other rules are told apart by the version."""
    metric = create(name)
    assert metric.name == name
    assert metric.signature() == f"{name}|v1"
