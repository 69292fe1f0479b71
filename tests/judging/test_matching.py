"""An output beside the accepted ones: scored with what else is ready, and never by another output's scores."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_promptreg.baselines.baseline import Baseline, Record
from pytest_promptreg.judging.against import Against
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.judging.matching import Matching
from pytest_promptreg.judging.scoring import Comparison, Scorer
from pytest_promptreg.metrics import MetricSettings
from pytest_promptreg.metrics.builtin import BuiltinMetrics
from pytest_promptreg.model import CallKey, CaseKey, Example, Key, Output, PromptVersion
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Say {{ it }}")
EXAMPLES = (Example("a", {"it": 1}), Example("b", {"it": 2}))
ACCEPTED = "one two three four"
SAMPLES: list[Key] = [CallKey(CaseKey("s", "v1", name), number) for name in "ab" for number in (0, 1)]


class Counting(Scorer):
    """Says of how many outputs it was asked at once."""

    def __init__(self) -> None:
        super().__init__(BuiltinMetrics(MetricSettings()))
        self.asked: list[int] = []

    def score(self, comparisons: Any) -> list[dict[str, float]]:
        """As it does."""
        found: list[Comparison] = list(comparisons)
        self.asked.append(len(found))
        return super().score(found)


def test_scores_of_another_output_are_not_taken() -> None:
    """What was scored along may be called for once more before it is judged: where another sample failed, say."""
    spec = SuiteSpec("s", "t.py:1", Path("t.py"), "test_y", (V1,), EXAMPLES, (parse("rouge_l >= 0.5"),), samples=2)
    records = {one.id: Record(one.id, one.inputs_digest, (ACCEPTED,), (V1.digest[:32],), (1,)) for one in spec.examples}
    prompt = V1.digest[:32]
    scorer = Counting()
    ready: dict[Key, Output] = {key: Output("one two three") for key in SAMPLES}
    runner: Any = SimpleNamespace(ready=lambda: ready)
    matching = Matching(Against(spec, Baseline(prompt, {prompt: V1}, records), spec), scorer, runner)

    def score(key: Key, text: str) -> float:
        ready.pop(key, None)
        return matching.best(key, Output(text), records[key.example], ("rouge_l",)).scores["rouge_l"]

    assert round(score(SAMPLES[0], "one two three"), 3) == 0.857
    assert scorer.asked == [4], "what is ready is scored along"
    assert round(score(SAMPLES[1], "one two three"), 3) == 0.857
    assert scorer.asked == [4]
    assert score(SAMPLES[2], "nothing like it") == 0.0
    assert scorer.asked == [4, 1]
    assert round(score(SAMPLES[3], "one two three"), 3) == 0.857
    assert scorer.asked == [4, 1]
