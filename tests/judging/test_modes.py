"""The ways to judge a suite: how they are named, what they judge, and which one a baseline speaks for."""

from __future__ import annotations

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record
from pytest_promptreg.errors import GateError
from pytest_promptreg.judging import modes
from pytest_promptreg.metrics import METRICS
from pytest_promptreg.model import PromptVersion

PROMPT = PromptVersion("v1", "Say {{ it }}")
KEY = PROMPT.digest[:32]


def stored(**generations: int) -> Baseline:
    """A baseline whose records hold so many generations, one text each."""
    records = {
        name: Record(name, "inputs", tuple(f"text {i}" for i in range(count)), (KEY,) * count, (1,) * count)
        for name, count in generations.items()
    }
    return Baseline(KEY, {KEY: PROMPT}, records)


@pytest.mark.parametrize("mode", modes.MODES)
def test_a_mode_stands_among_gates(mode: str) -> None:
    """A mode is a word among the gate lines, in whatever place, and is taken out of them."""
    assert modes.split(["semantic >= 0.5", f" {mode} ", "bleu >= 10"], "here") == (
        mode,
        ["semantic >= 0.5", "bleu >= 10"],
    )


def test_no_mode_is_named() -> None:
    """Gates alone name no mode, and are all kept."""
    assert modes.split(["semantic >= 0.5"], "here") == ("", ["semantic >= 0.5"])


def test_a_mistyped_mode_is_refused_with_what_was_meant() -> None:
    """A word that is no mode is refused, with the place and the mode that was probably meant."""
    with pytest.raises(GateError, match=r"'calibrate' is no gate and no mode") as caught:
        modes.split(["calibrate"], "test_x.py:3")
    assert "calibrated" in str(caught.value)
    assert "test_x.py:3" in str(caught.value)


def test_a_metric_without_a_number_is_told_how_a_gate_reads() -> None:
    """A bare word that resembles no mode was meant as a gate: how one is written is said, and which modes there are."""
    with pytest.raises(GateError, match=r"'semantic' is no gate and no mode") as caught:
        modes.split(["semantic"], "here")
    assert "a gate reads: semantic >= 0.8" in str(caught.value)
    assert "strict, floor, calibrated" in str(caught.value)


def test_two_modes_are_refused() -> None:
    """A suite is judged in one way, so two modes are a mistake."""
    with pytest.raises(GateError, match="one mode"):
        modes.split(["floor", "calibrated"], "here")


@pytest.mark.parametrize(
    ("baseline", "mode"),
    [
        (stored(a=3, b=3), "calibrated"),
        (stored(a=2, b=1), "calibrated"),
        (stored(a=1, b=1), "floor"),
        (stored(a=2, b=1, c=1), "floor"),
        (stored(), "floor"),
    ],
)
def test_the_baseline_speaks_for_a_mode(baseline: Baseline, mode: str) -> None:
    """A suite without gates is calibrated where half of its records or more tell what the model varies by."""
    assert modes.by_baseline(baseline, ["a", "b", "c"], 1) == mode


def test_a_model_that_never_varied_may_change_nothing() -> None:
    """Where all stored generations are the same there is no noise: a suite without gates is strict."""
    records = {name: Record(name, "inputs", ("same",), (KEY,), (3,)) for name in ("a", "b")}
    assert modes.by_baseline(Baseline(KEY, {KEY: PROMPT}, records), ["a", "b"], 3) == "strict"
    records["b"] = Record("b", "inputs", ("same", "other"), (KEY, KEY), (2, 1))
    assert modes.by_baseline(Baseline(KEY, {KEY: PROMPT}, records), ["a", "b"], 3) == "calibrated"


@pytest.mark.parametrize(("generations", "mode"), [(1, "floor"), (2, "calibrated")])
def test_what_an_update_will_store_speaks_for_a_mode(generations: int, mode: str) -> None:
    """Where there is no baseline yet, the mode is that of the baseline that an update will write."""
    assert modes.by_baseline(None, ["a"], generations) == mode


def test_every_floor_and_similarity_is_a_metric() -> None:
    """What is judged without being named is known, and no signal."""
    for name in (*modes.FLOORS, *modes.SIMILARITIES):
        assert not METRICS[name].signal


def test_named_metrics_are_judged_in_place_of_the_usual_ones() -> None:
    """A suite that names metrics is judged by those that compare texts: no signals, and none of the user's own."""
    assert modes.terms("calibrated", ["rouge_l", "numbers", "my_judge"], references=False) == ("rouge_l",)
    assert modes.terms("calibrated", ["my_judge"], references=False) == modes.SIMILARITIES
    assert modes.terms("floor", ["bleu", "novel_recall"], references=True) == ("bleu",)
    assert modes.terms("strict", ["bleu"], references=True) == ()


@pytest.mark.parametrize(
    ("told", "are"),
    [
        ([["{}", "[1]"], ['{"a": 1}']], True),
        ([["{}", "text"], ["[]"]], False),
        ([["{}"], ["[]"], ["text"]], True),
        ([], False),
    ],
)
def test_outputs_are_json_where_most_examples_say_so(told: list[list[str]], are: bool) -> None:
    """All generations of more than half of the examples, and nothing is made of no example."""
    assert modes.are_json(told) is are


def test_references_are_one_more_thing_to_lose() -> None:
    """A calibrated suite with references is judged by what is lost of them too."""
    assert modes.terms("calibrated", (), references=True) == (*modes.SIMILARITIES, "drop(token_recall)")
