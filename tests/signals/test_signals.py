"""All signals together: their table, and what holds of each for any two texts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.judging import gates
from pytest_promptreg.metrics import METRICS
from pytest_promptreg.signals import SIGNALS, Finding, look

PIECES = st.sampled_from(
    ["not ", "5 mg ", "```\n", "{", "}", '"a": 1', "[", "]", "I'm sorry, but I can't ", "As an AI ", "\n", "- ", "ha",
     "http://a.b ", "不", "Да ", "1,000", "Alice ", "\x00", "👍", ".", " ", "\u200b", "def f(x):\n", "~~~", "%", "$"]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=20).map("".join)


def test_the_table_names_the_signals_among_the_metrics() -> None:
    """Each signal is a metric, and each metric that is a signal is in the table."""
    assert {*SIGNALS} == {name for name, info in METRICS.items() if info.signal}
    assert all(signal.name == name for name, signal in SIGNALS.items())


def test_only_hard_signals_are_judged_by_default() -> None:
    """A hard signal has bounds and an action, an explanatory one has neither."""
    for signal in SIGNALS.values():
        assert bool(signal.bounds) == (signal.default != "tell")


@pytest.mark.parametrize(
    ("name", "bound"), [(signal.name, bound) for signal in SIGNALS.values() for bound in signal.bounds]
)
def test_default_bounds_are_met_by_what_is_kept(name: str, bound: str) -> None:
    """A default bound names its own signal in the gates' grammar and lets an equal output pass."""
    subject, operator, number = bound.split()
    assert subject == name
    assert operator in {"==", ">=", "<="}
    assert gates.Gate(None, name, name, operator, float(number)).met_by(METRICS[name].best)


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_every_signal_has_a_number_for_any_two_texts(output: str, baseline: str) -> None:
    """Values lie within the metric's range, details are one short line, and the names keep their order."""
    findings = look(output, baseline)
    assert [*findings] == [*SIGNALS]
    for name, finding in findings.items():
        assert type(finding.value) is float
        assert math.isfinite(finding.value)
        assert METRICS[name].low <= finding.value <= METRICS[name].high
        assert "\n" not in finding.detail
        assert len(finding.detail) < 600
        if name != "length_ratio":
            assert bool(finding.detail) == (finding.value < 1)


@given(TEXTS)
@settings(max_examples=150)
def test_a_text_keeps_everything_of_itself(text: str) -> None:
    """An output that equals its baseline has nothing to report."""
    assert set(look(text, text).values()) == {Finding(1.0, "")}


UNITS = (
    "a", " ", "\n", "\x00", "not ", "[", "{", "(", '"', "ha", "1,", "1.", "-", "```\n", "a@", "http://", ")", "a = b; ",
    "f(x)", "i'm sorry ", "i cannot ", "as an ai ", "9", "twenty-", "A-", "A. ", "<a ", "不", "| ", "es tut mir leid ",
    "http://a)", "a,", "a=", "if ", ": ", "*", "\u200b", "$", "-5", "\n- ", "\n1. ",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_long_monotonous_texts_come_to_an_end(unit: str) -> None:
    """Texts that make a careless pattern run for hours are looked at like any other."""
    text, baseline = unit * (60_000 // len(unit)), "The cat sat on the mat."
    assert all(math.isfinite(finding.value) for finding in look(text, baseline).values())
    assert all(math.isfinite(finding.value) for finding in look(baseline, text).values())


def test_deep_json_is_looked_at() -> None:
    """Nesting to the parser's limit and past it is no failure."""
    for depth in (90, 900, 20_000):
        nested = "[" * depth + "]" * depth
        assert look(nested, '{"a": 1}', ["json_shape"])["json_shape"].value < 1


def test_only_the_named_signals_are_computed() -> None:
    """What is not asked for is not looked at, and an unknown name is an error."""
    assert [*look("a", "b", ["order", "nonempty"])] == ["order", "nonempty"]
    with pytest.raises(KeyError):
        look("a", "b", ["rouge_l"])
