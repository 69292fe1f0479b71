"""What a case contributes to a calibrated verdict: tables of how alike its texts are."""

from __future__ import annotations

import pytest

from pytest_promptreg.errors import MetricError
from pytest_promptreg.judging.evidence import Evidence
from pytest_promptreg.judging.scoring import Scorer
from pytest_promptreg.metrics import METRICS, MetricInfo, MetricSettings
from pytest_promptreg.metrics.builtin import BuiltinMetrics
from pytest_promptreg.model import Example, ScoredCase

TEXTS = ("the red cat sleeps", "the red cat", "a blue dog barks", "the red cat sleeps")


def evidence(*terms: str) -> Evidence:
    """Evidence of these terms by the built-in metrics."""
    return Evidence(terms, Scorer(BuiltinMetrics(MetricSettings())), METRICS)


def case(reference: str | None = None) -> ScoredCase:
    """A case with a reference or without."""
    return ScoredCase(Example("e", {"text": "t"}, reference=reference))


def test_every_text_is_compared_with_every_other() -> None:
    """A table has a row and a column for each text; equal texts have the metric's best, and rows are outputs."""
    tables = evidence("rouge_l", "token_recall").of(TEXTS, case())
    rouge, recall = tables["rouge_l"], tables["token_recall"]
    assert [len(row) for row in rouge] == [4, 4, 4, 4]
    assert rouge[0][3] == rouge[3][0] == rouge[1][1] == 1.0
    assert rouge[0][2] == 0.0
    assert rouge[0][1] == rouge[1][0] == pytest.approx(6 / 7)
    assert recall[0][1] == 1.0  # the longer text has all words of the shorter one
    assert recall[1][0] == pytest.approx(3 / 4)


def test_a_drop_is_one_row_of_scores_against_the_reference() -> None:
    """Against a reference each text has one score, in the order of the texts."""
    tables = evidence("drop(token_recall)").of(TEXTS, case("the red cat sleeps"))
    assert tables["drop(token_recall)"] == [[1.0, pytest.approx(3 / 4), 0.0, 1.0]]


def test_without_a_reference_there_is_no_drop() -> None:
    """An example without a reference says nothing of what was lost against one."""
    assert evidence("drop(token_recall)").of(TEXTS, case()) == {}


def test_a_metric_that_fails_is_told() -> None:
    """A metric that cannot score is an error, and no table."""
    known = {"broken": MetricInfo("broken", 0.0, 1.0)}
    broken = Evidence(("broken",), Scorer(BuiltinMetrics(MetricSettings()), {"broken": _Broken()}, known), known)
    with pytest.raises(MetricError, match="out of order"):
        broken.of(TEXTS, case())


class _Broken:
    name = "broken"

    def signature(self) -> str:
        return "broken"

    def score(self, pairs: object) -> list[float]:
        raise MetricError("out of order")
