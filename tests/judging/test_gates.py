"""The gate grammar and its arithmetic: what is accepted can fail and can be met, and everything else is refused."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import GateError, MetricError
from pytest_promptreg.judging.gates import (
    TOLERANCE,
    Gate,
    SuiteGateResult,
    Verdict,
    aggregate,
    bounds,
    judge_case,
    judge_suite,
    nearest,
    parse,
    perfect,
    show,
)
from pytest_promptreg.metrics import METRICS

SUBJECTS = [
    "pass_rate",
    *(
        f"{aggregate_}({term})" if aggregate_ else term
        for metric in METRICS
        for term in ((metric,) if METRICS[metric].signal else (metric, f"drop({metric})"))
        for aggregate_ in ("", "mean", "median", "min", "max", "p05", "p5", "p50", "p99")
    ),
]
OPERATORS = [">=", "<=", ">", "<", "=="]
LINES = st.builds(
    lambda subject, op, bound: f"{subject} {op} {bound!r}",
    st.sampled_from(SUBJECTS),
    st.sampled_from(OPERATORS),
    st.floats(-101, 101)
    | st.floats(-1, 1)
    | st.floats(0.01, 0.99)
    | st.sampled_from([0.0, 1.0, -1.0, 100.0, 0.9999995, 1.0000005, 1e-7, 2.0, -2.0, 1e308]),
)


def refused(line: object) -> GateError:
    with pytest.raises(GateError) as error:
        parse(line, "test_x.py:3")
    assert error.value.where == "test_x.py:3"
    return error.value


def equal_outputs_value(gate: Gate) -> float:
    return 1.0 if gate.metric is None else perfect(gate.term)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_is_accepted(subject: str) -> None:
    """Each metric, drop, aggregate and the pass rate can be gated on, and is read as what it says."""
    line = f"{subject} {'<=' if 'drop' in subject else '>='} 0.{'5' if 'drop' in subject else '9'}"
    if "bleu" in subject or "chrf" in subject:
        line = line.replace("0.9", "90")
    gate = parse(line)
    assert str(gate) == line
    assert gate.subject == subject
    assert gate.is_drop == ("drop" in subject)
    assert gate.of_suite == (subject == "pass_rate" or subject.partition("(")[0] not in {*METRICS, "drop"})


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("semantic>=0.8", "semantic >= 0.8"),
        ("  semantic   >=   .80  ", "semantic >= 0.8"),
        ("mean( drop( rouge_l ) ) <= +2e-2", "mean(drop(rouge_l)) <= 0.02"),
        ("bleu > 30", "bleu > 30"),
        ("exact == 1", "exact == 1"),
        ("drop(bleu) <= 5.", "drop(bleu) <= 5"),
        ("pass_rate >= 0.999999", "pass_rate >= 0.999999"),
        ("semantic >= 0.12345678", "semantic >= 0.12345678"),
    ],
)
def test_space_and_number_forms_are_free(line: str, meant: str) -> None:
    """White space and the way in which a number is written do not matter, and no digit of it is lost."""
    assert str(parse(line)) == meant


def test_a_gate_is_a_gate() -> None:
    """What is parsed already is taken as it is."""
    gate = parse("semantic >= 0.5")
    assert parse(gate) is gate


@given(LINES)
@example("semantic > 0.9999999")
@example("pass_rate >= 0.33333333333")
@settings(max_examples=400, suppress_health_check=[HealthCheck.filter_too_much])
def test_accepted_gates_round_trip(line: str) -> None:
    """A gate written out and read again is the same gate: it travels between processes as its text."""
    try:
        gate = parse(line)
    except GateError:
        assume(False)
        raise
    assert parse(str(gate)) == gate


@given(LINES)
@settings(max_examples=800, suppress_health_check=[HealthCheck.filter_too_much])
def test_accepted_gates_can_be_met_and_breached(line: str) -> None:
    """An accepted gate is breached by some value that its subject can take, and met by an output that is equal."""
    try:
        gate = parse(line)
    except GateError:
        assume(False)
        raise
    low, high = bounds(gate)
    values = [low, high, min(max(gate.bound, low), high)]
    assert gate.met_by(equal_outputs_value(gate))
    assert low <= equal_outputs_value(gate) <= high
    assert any(not gate.met_by(value) for value in values)


@given(LINES)
@settings(max_examples=800)
def test_useful_gates_are_accepted(line: str) -> None:
    """A gate is refused only where it cannot fail, cannot be met, fails equal outputs, or has the wrong scale."""
    subject, op, number = line.split(" ")
    bound = float(number)
    metric = subject.replace("(", " ").replace(")", " ").split()[-1]
    aggregate_ = subject.partition("(")[0] if subject.partition("(")[0] not in {*METRICS, "drop", "pass_rate"} else None
    inner = subject[len(aggregate_) + 1 : -1] if aggregate_ else subject
    gate = Gate(aggregate_, inner, None if metric == "pass_rate" else metric, op, bound)
    low, high = bounds(gate)
    can_fail = any(not gate.met_by(value) for value in (low, high))
    rescaled = high == 100 and not gate.is_drop and 0 < bound < 1
    if can_fail and gate.met_by(equal_outputs_value(gate)) and not rescaled:
        assert parse(line) == gate
    else:
        refused(line)


@pytest.mark.parametrize(
    "line",
    [
        "semantic >= -1",
        "semantic <= 1",
        "semantic >= -0.9999995",
        "pass_rate >= 0",
        "pass_rate <= 1",
        "rouge_l >= -5",
        "bleu <= 100",
        "drop(rouge_l) <= 1",
        "drop(semantic) <= 2",
        "drop(bleu) <= 100",
        "mean(drop(chrf)) >= -100",
        "p05(exact) >= 0",
        "semantic <= 1e999",
        "min(rouge_l) > -0.1",
    ],
)
def test_gates_that_never_fail_are_refused(line: str) -> None:
    """A gate that every value meets is refused: it would check nothing."""
    assert "can never fail" in refused(line).what


@pytest.mark.parametrize(
    "line",
    [
        "semantic >= 1.01",
        "rouge_l >= 80",
        "pass_rate >= 95",
        "semantic > 1",
        "bleu >= 101",
        "pass_rate < 0",
        "chrf == 300",
    ],
)
def test_gates_that_are_never_met_are_refused(line: str) -> None:
    """A gate that no value meets is refused."""
    assert "can never be met" in refused(line).what


@pytest.mark.parametrize(
    "line",
    [
        "semantic <= 0.8",
        "drop(rouge_l) >= 0.08",
        "exact == 0",
        "pass_rate < 1",
        "bleu < 30",
        "drop(bleu) > 0",
        "exact < 1",
    ],
)
def test_gates_that_equal_outputs_fail_are_refused(line: str) -> None:
    """A gate that the baseline itself would not meet is turned the wrong way round."""
    assert "equal the baseline" in refused(line).what


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rouge >= 0.5", "did you mean 'rouge_l'?"),
        ("rougel >= 0.5", "did you mean 'rouge_l'?"),
        ("semantics >= 0.5", "did you mean 'semantic'?"),
        ("Semantic >= 0.5", "did you mean 'semantic'?"),
        ("drop(rogue_l) <= 0.1", "did you mean 'rouge_l'?"),
        ("passrate >= 0.9", "did you mean 'pass_rate'?"),
        (
            "mean(passrate) >= 0.9",
            "known: bleu, chrf, entities, exact, json_fields, json_shape, json_valid, length_ratio, ",
        ),
        ("foo >= 0.5", "known: "),
        ("avg(semantic) >= 0.5", "known: drop, max, mean, median, min, p05"),
        ("meen(semantic) >= 0.5", "did you mean 'mean'?"),
        ("p00(semantic) >= 0.5", "did you mean 'p05'?"),
        ("p100(semantic) >= 0.5", "p05"),
        ("dorp(rouge_l) <= 0.1", "did you mean 'drop'?"),
        ("mean(mean(semantic)) >= 0.5", "did you mean 'semantic'?"),
        ("drop(drop(rouge_l)) <= 0.5", "rouge_l"),
        ("drop(pass_rate) <= 0.5", "known: "),
        ("mean() >= 0.5", "known: "),
        ("mean(semantic >= 0.5", "semantic"),
        ("semantic => 0.5", "did you mean '>='?"),
        ("semantic =< 0.5", "did you mean '<='?"),
        ("semantic = 0.5", "did you mean '=='?"),
        ("semantic ≥ 0.5", "did you mean '>='?"),
        ("semantic ≤ 0.5", "did you mean '<='?"),
        ("semantic != 0.5", "known: >=, <=, >, <, =="),
        ("semantic >= 80", "did you mean 0.8?"),
        ("rouge_l >= 50", "did you mean 0.5?"),
        ("pass_rate >= 95", "did you mean 0.95?"),
        ("bleu >= 0.3", "did you mean 30?"),
        ("mean(chrf) > 0.45", "did you mean 45?"),
        ("semantic <= 0.8", "did you mean '>='?"),
        ("drop(rouge_l) > 0.08", "did you mean '<'?"),
        ("semantic", "a gate reads: "),
        ("0.8 <= semantic", "a gate reads: "),
        ("semantic 0.8", "a gate reads: "),
        ("", "a gate reads: "),
        ("semántic >= 0.8", "a gate reads: "),
        ("semantic >=", "a gate reads: "),
    ],
)
def test_refusals_say_what_was_meant(line: str, said: str) -> None:
    """Every misunderstanding is refused with the nearest thing that there is."""
    error = refused(line)
    assert said in str(error.next_step)


@pytest.mark.parametrize(
    "bound", ["80%", "0,8", "nan", "inf", "-inf", "0x1", "1_0", "٠.٨", "a", "0.8 and more", "= 0.8"]
)
def test_what_is_no_number_is_refused(bound: str) -> None:
    """A bound is a plain decimal number; anything else is named in the refusal."""
    error = refused(f"semantic >= {bound}")
    assert f"{bound!r} in " in error.what
    assert "a gate reads: " in str(error.next_step)


@pytest.mark.parametrize("line", [None, 0.8, {"semantic": 0.8}, b"semantic >= 0.8"])
def test_what_is_no_text_is_refused(line: object) -> None:
    """A gate is a text; a mapping or number is refused with the form that is expected."""
    assert "a gate is a text such as 'semantic >= 0.8'" in refused(line).what


@given(st.text(alphabet="semantic_drop(rouge_l) <>=!.0123456789é\n", max_size=40))
@settings(max_examples=300)
def test_any_text_is_a_gate_or_refused(line: str) -> None:
    """Nothing but GateError comes out of the parser."""
    try:
        gate = parse(line)
    except GateError:
        return
    assert parse(str(gate)) == gate


@pytest.mark.parametrize("op", OPERATORS)
def test_nan_meets_no_gate(op: str) -> None:
    """NaN is never a pass, whatever the operator."""
    assert not Gate(None, "semantic", "semantic", op, 0.5).met_by(math.nan)


def test_bounds_are_met_within_the_noise() -> None:
    """Embedding noise around a bound does not decide for >=, <= and ==; a strict bound is strict."""
    assert parse("semantic >= 0.8").met_by(0.8 - TOLERANCE / 2)
    assert not parse("semantic >= 0.8").met_by(0.8 - 2 * TOLERANCE)
    assert parse("drop(rouge_l) <= 0.1").met_by(0.1 + TOLERANCE / 2)
    assert not parse("drop(rouge_l) <= 0.1").met_by(0.1 + 2 * TOLERANCE)
    assert not parse("semantic > 0.8").met_by(0.8)


def test_the_nearest_gate_on_a_subject_wins() -> None:
    """Example row over marker over ini, subject by subject; several gates on one subject of one level stay together."""
    ini = [parse("semantic >= 0.8"), parse("rouge_l >= 0.5"), parse("mean(semantic) >= 0.9")]
    marker = [parse("semantic >= 0.7"), parse("drop(rouge_l) <= 0.1")]
    row = [parse("semantic >= 0.2"), parse("semantic > 0.1")]
    assert [str(gate) for gate in nearest(ini, marker, row)] == [
        "semantic >= 0.2",
        "semantic > 0.1",
        "rouge_l >= 0.5",
        "mean(semantic) >= 0.9",
        "drop(rouge_l) <= 0.1",
    ]
    assert nearest() == ()
    assert nearest(ini, []) == tuple(ini)


@given(st.lists(st.lists(LINES, max_size=4), max_size=3))
@settings(max_examples=60)
def test_no_subject_loses_its_gates(levels: list[list[str]]) -> None:
    """Whatever is nearer, each subject that has a gate anywhere keeps those of its nearest level, all of them."""
    parsed: list[list[Gate]] = []
    for lines in levels:
        parsed.append([])
        for line in lines:
            try:
                parsed[-1].append(parse(line))
            except GateError:
                continue
    kept = nearest(*parsed)
    for subject in {gate.subject for level in parsed for gate in level}:
        closest = next(level for level in reversed(parsed) if any(gate.subject == subject for gate in level))
        assert [gate for gate in kept if gate.subject == subject] == [g for g in closest if g.subject == subject]


def test_a_case_is_judged_by_its_own_gates() -> None:
    """Case gates breach with value and bound; suite gates are not a case's business."""
    gates = [parse("semantic >= 0.8"), parse("drop(rouge_l) <= 0.1"), parse("mean(semantic) >= 0.9")]
    assert judge_case(gates, {"semantic": 0.9, "drop(rouge_l)": 0.1}) == ()
    (breach,) = judge_case(gates, {"semantic": 0.714, "drop(rouge_l)": -0.5})
    assert str(breach) == "semantic 0.714 (gate >= 0.8)"
    both = judge_case(gates, {"semantic": 0.1, "drop(rouge_l)": 0.5})
    assert [breach.gate for breach in both] == gates[:2]


def test_a_drop_without_reference_is_not_judged() -> None:
    """A case without a reference has no drop, and passes the gates that it has."""
    assert judge_case([parse("drop(rouge_l) <= 0.1"), parse("semantic >= 0.8")], {"semantic": 0.9}) == ()


@pytest.mark.parametrize(
    ("gate", "scores"),
    [
        ("semantic >= 0.8", {}),
        ("semantic >= 0.8", {"semantic": math.nan}),
        ("semantic >= 0.8", {"rouge_l": 1.0}),
        ("drop(rouge_l) <= 0.1", {"drop(rouge_l)": math.nan}),
    ],
)
def test_a_score_that_is_missing_or_nan_is_an_error(gate: str, scores: dict[str, float]) -> None:
    """A gate whose score is no number is neither passed nor breached: the metric failed."""
    with pytest.raises(MetricError, match="gave no number"):
        judge_case([parse(gate)], scores)


U, C, B = Verdict.UNCHANGED, Verdict.CHANGED, Verdict.BREACHED


@pytest.mark.parametrize(
    ("verdicts", "rate", "met"),
    [
        ([U, C, B, B], 0.5, True),
        ([C, B, B, B], 0.25, False),
        ([U, Verdict.MISSING, Verdict.ERROR, Verdict.INCOMPARABLE], 1.0, True),
        ([Verdict.MISSING, Verdict.ERROR], None, False),
        ([], None, False),
    ],
)
def test_the_pass_rate_is_of_what_was_judged(verdicts: list[Verdict], rate: float | None, met: bool) -> None:
    """Cases that were not judged count neither for nor against the rate, and nothing to judge is no pass."""
    (result,) = judge_suite([parse("pass_rate >= 0.5")], [], verdicts)
    assert (result.value, result.met) == (rate, met)


def test_suite_gates_are_over_the_cases_that_have_the_score() -> None:
    """A mean of drops is over the cases with a reference, and says of how many."""
    scores = [{"semantic": 1.0, "drop(rouge_l)": 0.2}, {"semantic": 0.5}]
    mean, drop, none = judge_suite(
        [parse("mean(semantic) >= 0.8"), parse("mean(drop(rouge_l)) <= 0.1"), parse("min(bleu) >= 10")], scores, [C, C]
    )
    assert (mean.value, mean.cases, mean.met) == (0.75, 2, False)
    assert (drop.value, drop.cases, drop.met) == (0.2, 1, False)
    assert (none.value, none.cases, none.met) == (None, 0, False)
    assert str(mean) == "mean(semantic) 0.750 (gate >= 0.8)"
    assert str(none) == "min(bleu) nothing to judge (gate >= 10)"


@pytest.mark.parametrize("name", ["mean", "median", "min", "max", "p01", "p05", "p50", "p99"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_nan_fails_every_aggregate(name: str, position: int) -> None:
    """A single NaN among good scores is never lost in an aggregate, wherever it stands."""
    values = [0.9, 0.95]
    values.insert(position, math.nan)
    (result,) = judge_suite([parse(f"{name}(semantic) >= 0.5")], [{"semantic": value} for value in values], [C] * 3)
    assert result.value is not None
    assert math.isnan(result.value)
    assert not result.met


VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@given(VALUES, st.integers(1, 99))
def test_percentiles_are_numpys(values: list[float], percent: int) -> None:
    """pNN is NumPy's percentile with its default, linear interpolation."""
    wanted = float(np.percentile(values, percent))
    assert aggregate(f"p{percent:02d}", values) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@given(VALUES)
def test_aggregates_are_the_statistics(values: list[float]) -> None:
    """mean, median, min and max are what statistics say."""
    assert aggregate("mean", values) == statistics.fmean(values)
    assert aggregate("median", values) == pytest.approx(float(np.median(values)))
    assert (aggregate("min", values), aggregate("max", values)) == (min(values), max(values))


@given(st.floats(-1, 1), st.floats(-0.9, 0.9))
@example(0.79996, 0.8)
@example(0.8, 0.8)
def test_a_shown_value_is_on_its_side_of_the_bound(value: float, bound: float) -> None:
    """A breach never reads as if it were none: digits are added until the value shown breaches as well."""
    gate = Gate(None, "semantic", "semantic", ">=", bound)
    assume(abs(value - bound) > 4 * TOLERANCE)
    assert gate.met_by(float(show(value, gate))) == gate.met_by(value)
    assert abs(float(show(value, gate)) - value) <= 0.0005000001


def test_a_result_without_a_value_is_not_met() -> None:
    """Nothing to judge is not a pass, even for a gate that zero would meet."""
    assert not SuiteGateResult(parse("mean(drop(rouge_l)) <= 0.1"), None, 0).met
