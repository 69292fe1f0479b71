"""What could have been otherwise: every choice of the new texts, the observed one first."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making_noise import matrices

from pytest_promptreg.noise import ways


@pytest.mark.parametrize(("stored", "samples"), [(2, 1), (3, 1), (3, 3), (4, 2)])
def test_similarities_are_averaged_over_every_choice(stored: int, samples: int) -> None:
    """Each way's statistic is the mean of the directed scores from its texts to the others, by hand."""
    values = matrices(np.random.default_rng(1), 5, stored, samples)
    statistics, drops = ways.of_similarities(values, stored)
    texts = stored + samples
    assert statistics.shape == (5, math.comb(texts, samples))
    for place in range(5):
        by_hand = [
            np.mean([values[place, new, old] for new in chosen for old in range(texts) if old not in chosen])
            for chosen in itertools.combinations(range(texts), samples)
        ]
        assert sorted(statistics[place]) == pytest.approx(sorted(by_hand))
        assert statistics[place, 0] == pytest.approx(by_hand[-1])  # combinations end with the last texts: the new
        among = np.mean([values[place, a, b] for a, b in itertools.permutations(range(stored), 2)])
        assert drops[place] == pytest.approx(among - by_hand[-1])


def test_scores_are_differences_of_means() -> None:
    """Against a reference a way's statistic is the mean of its texts minus that of the others."""
    statistics, drops = ways.of_scores(np.array([[4.0, 2.0, 0.0]]), 2)
    assert statistics[0].tolist() == pytest.approx([-3.0, 3.0, 0.0])
    assert drops.tolist() == [3.0]
    statistics, drops = ways.of_scores(np.array([[4.0, 1.0]]), 1)
    assert (statistics.tolist(), drops.tolist()) == ([[-3.0, 3.0]], [3.0])


@pytest.mark.parametrize("kind", ["similarities", "scores"])
def test_very_many_ways_are_sampled(kind: str) -> None:
    """Of 3,003 ways 256 are taken, the observed one first, and the same ones again."""
    values = matrices(np.random.default_rng(2), 3, 10, 5)
    of = ways.of_similarities if kind == "similarities" else ways.of_scores
    values = values if kind == "similarities" else values[:, 0]
    statistics, drops = of(values, 10)
    again, _ = of(values, 10)
    assert statistics.shape == (3, ways.MOST_WAYS)
    assert (statistics == again).all()
    if kind == "scores":
        assert statistics[:, 0] == pytest.approx(-drops)
    else:
        assert statistics[:, 0] == pytest.approx(values[:, 10:, :10].mean((1, 2)))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 3), st.permutations(range(4)))
def test_the_order_of_the_generations_does_not_matter(seed: int, stored: int, samples: int, order: list[int]) -> None:
    """Stored generations under other names: the same drop, the same observed way, the same ways in all."""
    values = matrices(np.random.default_rng(seed), 2, stored, samples)
    renamed = [place for place in order if place < stored] + list(range(stored, stored + samples))
    statistics, drops = ways.of_similarities(values, stored)
    other, other_drops = ways.of_similarities(values[:, renamed][:, :, renamed], stored)
    assert drops == pytest.approx(other_drops)
    assert statistics[:, 0] == pytest.approx(other[:, 0])
    assert np.sort(statistics) == pytest.approx(np.sort(other))


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        (np.ones((2, 3, 3)), 1),
        (np.ones((2, 3, 3)), 3),
        (np.ones((2, 3, 4)), 2),
        (np.ones(3), 2),
        (np.full((2, 3, 3), math.nan), 2),
    ],
)
def test_what_cannot_be_evidence_is_refused(values: ways.Floats, stored: int) -> None:
    """Too few texts, no square, or a score that is no number."""
    with pytest.raises(ValueError, match=r"stored|square|dimensions|finite"):
        ways.of_similarities(values, stored)


def test_no_examples_give_no_statistics() -> None:
    """Empty in, empty out."""
    statistics, drops = ways.of_similarities(np.ones((0, 3, 3)), 2)
    assert (len(statistics), len(drops)) == (0, 0)
