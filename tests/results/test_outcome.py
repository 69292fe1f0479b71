"""What a run found: plain values, counted and compared without losing a case."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.judging.gates import JUDGED, Verdict, parse
from pytest_promptreg.metrics import METRICS
from pytest_promptreg.model import CaseKey, Example, PromptVersion
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome, version_outcome
from pytest_promptreg.suites.suite import SuiteSpec

V1, V2 = PromptVersion("v1", "one"), PromptVersion("v2", "two")
EXAMPLES = tuple(Example(name, {"q": name}) for name in "abcd")


def spec(*gates: str) -> SuiteSpec:
    return SuiteSpec("t.py::test", "t.py:1", Path("t.py"), "test", (V1, V2), EXAMPLES, tuple(map(parse, gates)))


def case(example: str, verdict: str, version: str = "v1", **more: Any) -> CaseOutcome:
    passed = verdict in {"unchanged", "changed"}
    return CaseOutcome("t.py::test", version, example, verdict, **{"passed": passed, **more})


def stored(version: PromptVersion, *ids: str) -> Baseline:
    plan = plan_refresh(
        Path("x"), None, version, {name: ["x"] for name in ids}, examples=EXAMPLES, signatures={}, refused={}
    )
    assert plan.after is not None
    return plan.after


CASES = st.builds(
    case,
    st.text(),
    st.sampled_from([str(verdict) for verdict in Verdict]),
    output=st.none() | st.text(),
    samples=st.lists(st.text(), max_size=3).map(tuple),
    recorded=st.integers(0, 3),
    accepted=st.none() | st.text(),
    scores=st.dictionaries(st.sampled_from(["semantic", "drop(bleu)"]), st.floats(allow_nan=False)),
    breaches=st.lists(st.text()),
    latency_s=st.none() | st.floats(0, 10),
    input_tokens=st.none() | st.integers(0),
    nodeid=st.text(),
)


@given(CASES)
def test_cases_survive_the_wire(outcome: CaseOutcome) -> None:
    """A case is plain values that JSON can carry, and comes back equal; what is sent is no part of what stays."""
    wire = outcome.to_wire()
    assert CaseOutcome.from_wire(json.loads(json.dumps(wire))) == outcome
    wire["scores"]["other"] = 1.0
    wire["breaches"].append("other")
    assert "other" not in outcome.scores
    assert "other" not in outcome.breaches


def test_a_case_knows_its_key() -> None:
    """Suite, version and example, never the node id."""
    assert case("a", "changed", nodeid="renamed@group").key == CaseKey("t.py::test", "v1", "a")


@given(st.lists(st.sampled_from([str(verdict) for verdict in Verdict])))
def test_every_case_is_counted_once(verdicts: list[str]) -> None:
    """The counts add up to the cases, and the pass rate is the share of the judged ones without a breach."""
    version = VersionOutcome(V1, [case(str(index), verdict) for index, verdict in enumerate(verdicts)])
    assert sum(version.counts.values()) == len(verdicts)
    assert set(version.counts) == set(verdicts)
    judged = [verdict for verdict in verdicts if Verdict(verdict) in JUDGED]
    rate = version.pass_rate
    assert rate == (None if not judged else (len(judged) - judged.count("breached")) / len(judged))


@pytest.mark.parametrize("verdict", ["missing", "incomparable", "error"])
def test_unjudged_cases_have_no_part_in_means(verdict: str) -> None:
    """The score of a case that was not compared does not count, should it have one."""
    version = VersionOutcome(
        V1, [case("a", "changed", scores={"semantic": 0.5}), case("b", verdict, scores={"semantic": 0.1})]
    )
    assert version.values("semantic") == [0.5]
    assert version.mean("semantic") == 0.5
    assert version.mean("bleu") is None


def test_suite_gates_are_judged_over_the_version() -> None:
    """Cases are put in the order of the examples and the suite's gates judged over them."""
    cases = [case("c", "breached", scores={"semantic": 0.2}), case("a", "changed", scores={"semantic": 0.8})]
    version = version_outcome(
        spec("mean(semantic) >= 0.9", "pass_rate >= 0.4", "semantic >= 0.5"), V1, cases, gated=True
    )
    assert [outcome.example for outcome in version.cases] == ["a", "c"]
    assert [str(result) for result in version.gates] == [
        "mean(semantic) 0.500 (gate >= 0.9)",
        "pass_rate 0.500 (gate >= 0.4)",
    ]
    assert [str(result).split()[0] for result in version.breached_gates] == ["mean(semantic)"]


def test_a_nan_score_fails_the_suites_gate() -> None:
    """NaN in one case is a suite gate that is not met, whatever the others scored."""
    cases = [case("a", "changed", scores={"semantic": 0.9}), case("b", "changed", scores={"semantic": math.nan})]
    for gate in ("mean(semantic) >= 0.5", "min(semantic) >= 0.5", "p05(semantic) >= 0.5", "median(semantic) >= 0.5"):
        version = version_outcome(spec(gate), V1, cases, gated=True)
        assert version.breached_gates
        assert version.failed


def test_nothing_judged_fails_the_suites_gate() -> None:
    """Where every case failed, the suite's gates are not met either."""
    version = version_outcome(spec("pass_rate >= 0.1", "mean(semantic) >= 0.1"), V1, [case("a", "error")], gated=True)
    assert len(version.breached_gates) == 2


def test_a_refresh_has_no_gates() -> None:
    """What a person accepts is not judged."""
    version = version_outcome(spec("pass_rate >= 0.9"), V1, [case("a", "breached", passed=True)], gated=False)
    assert not version.gates
    assert not version.failed


@pytest.mark.parametrize(
    ("cases", "gates", "failed"),
    [
        ([case("a", "unchanged")], (), False),
        ([case("a", "changed")], (), False),
        ([case("a", "unchanged", passed=False)], (), True),
        ([case("a", "breached")], (), True),
        ([case("a", "breached", passed=True), case("b", "changed")], ("pass_rate >= 0.5",), False),
        ([case("a", "breached", passed=True)], ("pass_rate >= 0.5",), True),
        ([case("a", "missing")], (), True),
    ],
)
def test_what_fails_fails_all_the_way_up(cases: list[CaseOutcome], gates: tuple[str, ...], failed: bool) -> None:
    """A failed case or suite gate fails its version, its suite and the run."""
    suite = SuiteOutcome(spec(*gates), None, [version_outcome(spec(*gates), V1, cases, gated=True)])
    assert suite.versions[0].failed is failed
    assert suite.failed is failed
    assert RunOutcome([suite], 0, 1).failed is failed
    assert RunOutcome([suite], 0, 1, lost=["t.py::test[v1-b]"]).failed


def test_the_worst_come_first() -> None:
    """Breached cases before others, then by the loss of the first score that tells them apart; unchanged ones never."""
    cases = [
        case("a", "changed", scores={"semantic": 0.1}),
        case("b", "breached", scores={"semantic": 0.7, "drop(bleu)": 5}),
        case("c", "breached", scores={"semantic": 0.7, "drop(bleu)": 40}),
        case("d", "breached", scores={"semantic": 0.6}),
        case("e", "unchanged", scores={"semantic": 1}),
        case("f", "error"),
    ]
    worst = VersionOutcome(V1, cases).worst(["semantic", "drop(bleu)"], 4, METRICS)
    assert [outcome.example for outcome in worst] == ["d", "c", "b", "a"]
    assert len(VersionOutcome(V1, cases).worst(["semantic"], 2, METRICS)) == 2


def test_deltas_are_to_the_baselines_version() -> None:
    """The mean minus the accepted version's in the same run; where that did not run, minus a perfect score."""
    one = VersionOutcome(V1, [case("a", "changed", scores={"semantic": 0.9, "drop(bleu)": 1})])
    two = VersionOutcome(V2, [case("a", "changed", "v2", scores={"semantic": 0.6, "drop(bleu)": 8})])
    both = SuiteOutcome(spec("semantic >= 0.5"), stored(V1, "a"), [one, two])
    assert both.delta(two, "semantic") == pytest.approx(-0.3)
    assert both.delta(two, "drop(bleu)") == 7
    assert both.delta(one, "semantic") == 0
    assert both.delta(one, "chrf") is None
    alone = replace(both, versions=[two])
    assert alone.delta(two, "semantic") == pytest.approx(-0.4)
    assert alone.delta(two, "drop(bleu)") == 8


def test_terms_of_rows_are_terms_of_the_suite() -> None:
    """A score that only a row's own gate asked for is shown as well, behind the suite's."""
    version = VersionOutcome(V1, [case("a", "changed", scores={"chrf": 50, "semantic": 1})])
    assert SuiteOutcome(spec("semantic >= 0.5"), None, [version]).terms == ("semantic", "chrf")


def test_the_accepted_prompt_is_that_of_most_records() -> None:
    """After an edit in place that was accepted for a few examples, the text behind most records is shown."""
    edited = PromptVersion("v1", "one, edited")
    plan = plan_refresh(
        Path("x"), stored(V1, "a", "b", "c"), edited, {"a": ["x"]}, examples=EXAMPLES, signatures={}, refused={}
    )
    assert plan.after is not None
    prompt = SuiteOutcome(spec(), plan.after, []).baseline_prompt()
    assert prompt is not None
    assert prompt.text == "one"
    assert SuiteOutcome(spec(), None, []).baseline_prompt() is None
    assert SuiteOutcome(spec(), None, []).baseline_label is None


def test_breached_gates_are_gathered_over_the_run() -> None:
    """The run knows every suite gate that was not met, with suite and version."""
    version = version_outcome(spec("pass_rate >= 0.9"), V1, [case("a", "breached")], gated=True)
    suite = SuiteOutcome(spec("pass_rate >= 0.9"), None, [version])
    ((where, which, result),) = RunOutcome([suite], 0, 1).breached_gates
    assert (where, which, str(result)) == (suite, version, "pass_rate 0.000 (gate >= 0.9)")
