"""Passed, regressed or undecided."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making_noise import evidence, matrices

from pytest_promptreg.noise.evidence import ExampleScores, TermEvidence
from pytest_promptreg.noise.judging import FEWEST, TermVerdict, judge, margin_of
from pytest_promptreg.noise.ways import Floats

KEY = ("v2", "semantic")


def judged(values: Floats, stored: int, margin: float | None = None, unit: float = 1.0) -> TermVerdict:
    (verdict,) = judge({KEY: evidence(values, stored, unit)}, margin=margin, seed=1)
    return verdict


def test_a_large_drop_is_regressed() -> None:
    """Far outside the noise and above the margin, and everything is said of it that a person needs."""
    verdict = judged(matrices(np.random.default_rng(1), 40, 3, shift=0.3), 3)
    assert (verdict.version, verdict.term, verdict.state, verdict.examples) == (*KEY, "regressed", 40)
    assert verdict.p == verdict.p_adjusted == 1 / 10_000
    assert verdict.upper is not None
    assert verdict.detectable is not None
    assert verdict.upper > verdict.drop > verdict.margin > 0.02
    assert 0 < verdict.detectable < verdict.drop
    assert verdict.needed is None
    assert json.loads(json.dumps(asdict(verdict))) == asdict(verdict)


def test_many_unchanged_examples_pass() -> None:
    """The drop is bounded below the margin."""
    verdict = judged(matrices(np.random.default_rng(2), 400, 3), 3)
    assert verdict.state == "passed"
    assert verdict.upper is not None
    assert verdict.upper < verdict.margin


def test_few_examples_are_undecided_and_say_how_many_would_do() -> None:
    """With that many examples the same noise is settled."""
    random = np.random.default_rng(3)
    verdict = judged(matrices(random, 6, 3), 3)
    assert verdict.state == "undecided"
    assert verdict.needed is not None
    assert 6 < verdict.needed < 2_000
    states = [judged(matrices(random, verdict.needed, 3), 3).state for _ in range(10)]
    assert states.count("passed") >= 7


@pytest.mark.parametrize("kind", ["similarities", "scores"])
def test_one_of_one_is_undecided(kind: str) -> None:
    """However many generations are stored and however large the drop."""
    values = matrices(np.random.default_rng(4), 1, 40, shift=9.0)
    verdict = judged(values if kind == "similarities" else values[:, -1], 40)
    assert (verdict.state, verdict.upper, verdict.needed) == ("undecided", None, verdict.needed)
    assert (verdict.needed or 0) >= 2


def test_no_examples_are_undecided() -> None:
    """Nothing judged is no pass."""
    (verdict,) = judge({KEY: TermEvidence.of([])}, seed=1)
    assert (verdict.state, verdict.examples, verdict.p, verdict.detectable) == ("undecided", 0, 1.0, None)


def test_equal_outputs_pass() -> None:
    """A model that never varies, and did not."""
    verdict = judged(np.ones((20, 4, 4)), 3)
    assert (verdict.state, verdict.drop, verdict.noise_sd, verdict.margin) == ("passed", 0.0, 0.0, 0.02)


@pytest.mark.parametrize("count", [2, 5, FEWEST - 1])
@pytest.mark.parametrize("stored", [2, 3])
def test_few_examples_do_not_pass_however_alike(count: int, stored: int) -> None:
    """Two equal outputs have no spread, and say nothing of the next: undecided, until there are enough to tell."""
    verdict = judged(np.ones((count, stored + 1, stored + 1)), stored)
    assert (verdict.state, verdict.needed) == ("undecided", FEWEST)
    worse = matrices(np.random.default_rng(1), max(count, 4), 3, shift=0.9)
    assert judged(worse, 3).state == "regressed", "a loss may be found in any number"


@pytest.mark.parametrize("stored", [2, 3, 5])
def test_one_example_that_differs_is_not_a_regression(stored: int) -> None:
    """One of twenty examples of a model that never varied says something else: undecided, not regressed."""
    values = np.ones((20, stored + 1, stored + 1))
    values[7, :stored, stored:] = values[7, stored:, :stored] = 0.1
    assert judged(values, stored).state == "undecided"
    values[:10, :stored, stored:] = values[:10, stored:, :stored] = 0.1
    assert judged(values, stored).state == "regressed"


def test_a_sure_drop_within_the_margin_passes() -> None:
    """Significance alone is no regression: the margin says what matters."""
    values = matrices(np.random.default_rng(5), 400, 3, shift=0.08)
    assert judged(values, 3, margin=0.0).state == "regressed"
    verdict = judged(values, 3, margin=0.2)
    assert (verdict.state, verdict.margin) == ("passed", 0.2)
    assert verdict.p <= 0.05


def test_the_margin_is_a_share_of_the_scale() -> None:
    """0.02 is two BLEU points, and a quarter of the noise is a quarter in any unit."""
    values = matrices(np.random.default_rng(6), 30, 3)
    small, large = evidence(values, 3), evidence(100 * values, 3, unit=100.0)
    assert margin_of(large, 0.03) == 3.0
    assert margin_of(large, None) == pytest.approx(100 * margin_of(small, None))
    assert margin_of(small, None) == pytest.approx(max(0.02, 0.25 * small.noise_sd))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0, 0.2), st.sampled_from([0.5, 4.0]), st.floats(-2, 2), st.integers(1, 3))
def test_only_the_scores_shape_matters(seed: int, shift: float, scale: float, level: float, samples: int) -> None:
    """Level, unit, order of examples and names of generations leave the verdict as it is."""
    random = np.random.default_rng(seed)
    values = matrices(random, 25, 3, samples, shift=shift)
    names = [*random.permutation(3), *range(3, 3 + samples)]
    other = (values * scale + level)[random.permutation(25)][:, names][:, :, names]
    one, two = judged(values, 3), judged(other, 3, unit=scale)
    assert (one.state, one.examples) == (two.state, two.examples)
    assert two.p == pytest.approx(one.p, abs=1e-3)
    assert (two.drop, two.margin) == pytest.approx((one.drop * scale, one.margin * scale), abs=1e-9)


def test_a_rerun_says_the_same() -> None:
    """A fixed seed gives the same verdict, and a term beside it does not change its own p value."""
    one = evidence(matrices(np.random.default_rng(7), 30, 3, shift=0.05), 3)
    (alone,) = judge({KEY: one}, seed=3)
    assert judge({KEY: one}, seed=3) == [alone]
    beside = judge({("v2", "bleu"): one, KEY: one}, seed=3)
    assert beside[1].p == alone.p
    assert beside[1].p_adjusted > alone.p_adjusted


def test_unequal_numbers_of_generations_are_judged_together() -> None:
    """Examples with two, three and five generations are one suite, and drops keep their places."""
    random = np.random.default_rng(8)
    sizes = [2, 3, 5] * 8
    rows = [ExampleScores(matrices(random, 1, stored, shift=0.4)[0].tolist(), stored) for stored in sizes]
    together = TermEvidence.of(rows)
    assert (together.examples, len(together.groups), together.stored, together.samples) == (24, 3, 2, 1)
    for place in (0, 1, 5):
        assert together.drops[place] == TermEvidence.of([rows[place]]).drops[0]
    assert judge({KEY: together}, seed=1)[0].state == "regressed"


def test_less_is_better_is_turned_round() -> None:
    """A rise of a metric where less is better is a drop."""
    values = matrices(np.random.default_rng(9), 30, 3, shift=0.4)
    turned = TermEvidence.of([ExampleScores((-row).tolist(), 3) for row in values], higher_is_better=False)
    assert turned.drop == pytest.approx(evidence(values, 3).drop)


@pytest.mark.parametrize(
    "rows",
    [
        [ExampleScores([[1.0, float("nan")]], 1)],
        [ExampleScores([[1.0, 0.5], [0.5, 1.0]], 1)],
        [ExampleScores([[1.0, 0.5]], 1), ExampleScores(np.ones((3, 3)).tolist(), 2)],
        [ExampleScores([1.0, 0.5], 1)],  # type: ignore[list-item]
    ],
)
def test_what_cannot_be_judged_is_refused(rows: list[ExampleScores]) -> None:
    """NaN, one generation compared with itself, mixed kinds: errors, and never a silent pass."""
    with pytest.raises(ValueError, match=r"finite|stored|others|dimensions"):
        TermEvidence.of(rows)


@pytest.mark.parametrize(("alpha", "margin"), [(0.0, None), (1.0, None), (0.05, -0.1), (0.05, 2.0)])
def test_settings_out_of_range_are_refused(alpha: float, margin: float | None) -> None:
    """An alpha or a margin that makes no sense."""
    with pytest.raises(ValueError, match=r"alpha|margin"):
        judge({KEY: TermEvidence.of([])}, alpha=alpha, margin=margin, seed=1)
