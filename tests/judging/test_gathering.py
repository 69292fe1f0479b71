"""The evidence of cases, gathered in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record
from pytest_promptreg.calls import Runner, Terms
from pytest_promptreg.errors import MetricError
from pytest_promptreg.judging.against import Against
from pytest_promptreg.judging.evidence import Evidence, Table
from pytest_promptreg.judging.gathering import Gathering
from pytest_promptreg.judging.matching import BATCH
from pytest_promptreg.judging.scoring import Scorer
from pytest_promptreg.metrics import METRICS, MetricSettings
from pytest_promptreg.metrics.builtin import BuiltinMetrics
from pytest_promptreg.model import CaseKey, Example, Output, PromptVersion, ScoredCase
from pytest_promptreg.session.suite_run import SuiteRun
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Say {{ it }}")
COUNT = BATCH + 6


class Told(Evidence):
    """Evidence by ROUGE-L and of a reference, that says of how many cases it was asked at once."""

    def __init__(self, unscorable: str = "") -> None:
        super().__init__(("rouge_l", "drop(token_recall)"), Scorer(BuiltinMetrics(MetricSettings())), METRICS)
        self.asked: list[int] = []
        self.unscorable = unscorable

    def of_all(self, cases: Sequence[tuple[Sequence[str], ScoredCase]]) -> list[dict[str, Table]]:
        """As it does."""
        self.asked.append(len(cases))
        if any(case.example.id == self.unscorable for _, case in cases):
            raise MetricError("it cannot")
        return super().of_all(cases)


class Suite:
    """A calibrated suite of which every output is there already."""

    def __init__(self, evidence: Evidence, samples: int = 1) -> None:
        examples = tuple(Example(f"e{i}", {"it": i}, reference=f"word {i}" if i % 2 else None) for i in range(COUNT))
        prompt = V1.digest[:32]
        records = {
            one.id: Record(one.id, one.inputs_digest, (f"a word {one.id}", "a word"), (prompt,) * 2, (1, 1))
            for one in examples
        }
        spec = SuiteSpec("s", "t.py:1", Path("t.py"), "test_y", (V1,), examples, ())
        self.spec = replace(spec, mode="calibrated", samples=samples)
        against = Against(self.spec, Baseline(prompt, {prompt: V1}, records), self.spec)
        self.records = records
        self.outputs = {CaseKey("s", "v1", one.id): Output(f"word {one.id}") for one in examples}
        runner: Any = SimpleNamespace(ready=lambda: self.outputs)
        self.gathering = Gathering(against, evidence, runner)

    def tables(self, example: str, *outputs: str) -> dict[str, Table]:
        """What a case comes to, of its own output where none is named."""
        key = CaseKey("s", "v1", example)
        own = self.outputs.pop(key)
        return self.gathering.tables(key, self.records[example], [Output(text) for text in outputs] or [own])


def alone(suite: Suite, example: str, *outputs: str) -> dict[str, Table]:
    texts = [*suite.records[example].generated, *(outputs or [f"word {example}"])]
    return Told().of(texts, ScoredCase(suite.spec.example_by_id[example], V1))


def test_cases_that_are_ready_are_scored_together_and_as_each_alone() -> None:
    """A metric is asked once for as many cases as are there, and the tables are those of each case by itself."""
    evidence = Told()
    suite = Suite(evidence)
    for example in suite.spec.example_by_id:
        assert suite.tables(example) == alone(suite, example)
    assert evidence.asked == [BATCH, COUNT - BATCH]


def test_an_output_that_is_another_than_was_ready_is_scored_anew() -> None:
    """A test may make an output itself, or be run again."""
    suite = Suite(Told())
    suite.tables("e0")
    assert suite.tables("e1", "quite another") == alone(suite, "e1", "quite another")


def test_samples_are_scored_case_by_case() -> None:
    """What is ready of a case with several samples may be a part of it."""
    evidence = Told()
    suite = Suite(evidence, samples=2)
    assert suite.tables("e3", "one word", "two words") == alone(suite, "e3", "one word", "two words")
    assert evidence.asked == [1]


def test_a_case_that_cannot_be_scored_fails_no_other() -> None:
    """The others have their tables, and it alone the error."""
    evidence = Told(unscorable="e5")
    suite = Suite(evidence)
    assert suite.tables("e0") == alone(suite, "e0")
    with pytest.raises(MetricError, match="it cannot"):
        suite.tables("e5")
    assert suite.tables("e6") == alone(suite, "e6")
    assert evidence.asked == [BATCH, 1, 1, 1], "one batch has failed, and none is tried again"


@pytest.mark.parametrize("refreshing", [True, False])
def test_a_refresh_gathers_nothing(refreshing: bool) -> None:
    """What is made to be accepted is not judged, and nothing is computed for a verdict."""
    suite = Suite(Told())
    spec = replace(suite.spec, metrics=("rouge_l",))
    runner = Runner(Terms(concurrency=1))
    baseline = Baseline(V1.digest[:32], {V1.digest[:32]: V1}, suite.records)
    run = SuiteRun(spec, baseline, runner, Scorer(BuiltinMetrics(MetricSettings())), refreshing)
    outcome = run.judge(CaseKey("s", "v1", "e0"), Output("word e0"))
    assert outcome.judged
    assert bool(outcome.noise) is not refreshing
