"""Exact bounds and quantiles, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.noise.bounds import incomplete_beta, rate_bounds
from pytest_promptreg.noise.student import mean_bound, student_quantile


@settings(max_examples=300)
@given(st.floats(0.1, 5_000), st.floats(0.1, 5_000), st.floats(0, 1))
def test_incomplete_beta_is_scipys(a: float, b: float, x: float) -> None:
    """To ten digits."""
    assert incomplete_beta(a, b, x) == pytest.approx(scipy.special.betainc(a, b, x), abs=1e-10)


@settings(max_examples=60)
@given(st.integers(1, 2_000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.999]), st.booleans())
def test_rate_bounds_are_scipys(n: int, share: float, confidence: float, one_sided: bool) -> None:
    """Both sides together, and each by itself."""
    hits = round(n * share)
    if one_sided:
        expected = (
            scipy.stats.binomtest(hits, n, alternative="greater").proportion_ci(confidence, "exact").low,
            scipy.stats.binomtest(hits, n, alternative="less").proportion_ci(confidence, "exact").high,
        )
    else:
        interval = scipy.stats.binomtest(hits, n).proportion_ci(confidence, "exact")
        expected = (interval.low, interval.high)
    assert rate_bounds(hits, n, confidence, one_sided=one_sided) == pytest.approx(expected, abs=1e-9)


def test_bounds_of_nothing_say_nothing() -> None:
    """No cases leave every share possible; impossible counts are refused."""
    assert rate_bounds(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no share"):
        rate_bounds(3, 2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        rate_bounds(1, 2, 1.0)


@settings(max_examples=60)
@given(st.floats(0.001, 0.999), st.integers(1, 100_000))
def test_student_quantiles_are_scipys(probability: float, freedom: int) -> None:
    """On both sides of the middle."""
    expected = scipy.stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_a_quantile_outside_the_distribution_is_refused() -> None:
    """Probability 1 has none."""
    with pytest.raises(ValueError, match="no quantile"):
        student_quantile(1.0, 3)


def test_the_bound_of_a_mean_is_students() -> None:
    """One-sided, as scipy has it; nothing for one value, the value itself for equal ones."""
    values = np.random.default_rng(1).normal(0.1, 0.2, 25)
    interval = scipy.stats.ttest_1samp(values, 0.0, alternative="less").confidence_interval(0.95)
    assert mean_bound(values) == pytest.approx(interval.high)
    assert mean_bound(values[:1]) is None
    assert mean_bound(np.full(4, 0.5)) == 0.5
    assert math.isfinite(mean_bound(values[:2]) or math.inf)
