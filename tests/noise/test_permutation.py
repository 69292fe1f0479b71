"""p values: valid, exact where they can be, and the same for the same scores."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from making_noise import matrices

from pytest_promptreg.noise import ways
from pytest_promptreg.noise.permutation import p_value


def statistics_of(seed: int, n: int, stored: int = 3, samples: int = 1, shift: float = 0.0) -> ways.Floats:
    return ways.of_similarities(matrices(np.random.default_rng(seed), n, stored, samples, shift=shift), stored)[0]


@pytest.mark.parametrize("n", [8, 40])
def test_paired_drops_agree_with_scipy(n: int) -> None:
    """One stored score an example is the sign-flip test: exactly equal where enumerated, else within sampling error."""
    scores = np.random.default_rng(n).normal([0.6, 0.55], 0.1, (n, 2))
    own = p_value([ways.of_scores(scores, 1)[0]], 1)
    theirs = scipy.stats.permutation_test(
        (scores[:, 1] - scores[:, 0],),
        np.mean,
        permutation_type="samples",
        alternative="less",
        n_resamples=9_999,
        rng=np.random.default_rng(2),
    ).pvalue
    assert own == pytest.approx(theirs, abs=1e-12 if n == 8 else 4 * (0.25 / 9_999) ** 0.5)


def test_enumeration_and_draws_agree() -> None:
    """The drawn p value lies within sampling error of the exact one."""
    groups = [statistics_of(3, 5, shift=0.05), statistics_of(4, 2, stored=2)]
    exact = p_value(groups, 0, draws=4**5 * 3**2)
    drawn = p_value(groups, 0, draws=4**5 * 3**2 - 1)
    assert exact * 4**5 * 3**2 == pytest.approx(round(exact * 4**5 * 3**2))
    assert drawn == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 9_215) ** 0.5)


def test_one_of_one_is_one_of_its_ways() -> None:
    """A single example with three generations can say one in four, and no more."""
    assert p_value([statistics_of(5, 1, shift=5.0)], 0) == 0.25


def test_equal_scores_say_nothing() -> None:
    """Where every text scores alike, sums that differ in their last digits only are ties."""
    assert p_value([np.full((50, 4), 0.1)], 0) == 1.0
    assert p_value([], 0) == 1.0


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.sampled_from([0.25, 8.0, 100.0]))
def test_scale_shift_and_order_do_not_matter(seed: int, shift: float, scale: float) -> None:
    """Another unit, another level, examples in another order, generations under other names: the same p value."""
    statistics = statistics_of(seed, 30, shift=0.03)
    mixed = np.random.default_rng(seed + 1)
    other = statistics[mixed.permutation(30)].copy()
    other[:, 1:] = mixed.permuted(other[:, 1:], axis=1)
    assert p_value([other * scale + shift], 7, draws=999) == pytest.approx(
        p_value([statistics], 7, draws=999), abs=2e-3
    )


@pytest.mark.parametrize(("stored", "samples"), [(2, 1), (3, 2)])
def test_unchanged_suites_have_uniform_p_values(stored: int, samples: int) -> None:
    """p <= level in no more than that share of unchanged suites, and not in much fewer either."""
    p_values = np.array([p_value([statistics_of(seed, 12, stored, samples)], 1, draws=399) for seed in range(600)])
    for level in (0.05, 0.2, 0.5):
        error = (level * (1 - level) / 600) ** 0.5
        assert (p_values <= level).mean() == pytest.approx(level, abs=3.5 * error)


def test_many_examples_take_fewer_draws() -> None:
    """100,000 examples are judged by 999 draws and more, in bounded memory."""
    assert p_value([np.tile([0.0, 1.0], (100_000, 1))], 0) == pytest.approx(1 / 1_001, rel=0.01)


def test_no_number_is_refused() -> None:
    """A statistic that is no number is no evidence."""
    with pytest.raises(ValueError, match="finite"):
        p_value([np.array([[np.nan, 1.0]])], 0)
