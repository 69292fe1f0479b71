"""Which examples lie furthest outside the noise."""

from __future__ import annotations

import numpy as np
import pytest
from making_noise import evidence, matrices

from pytest_promptreg.noise.evidence import ExampleScores, TermEvidence
from pytest_promptreg.noise.ranks import expected_by_chance, ranks


@pytest.mark.parametrize(("stored", "samples"), [(2, 1), (3, 1), (3, 3)])
def test_unchanged_examples_reach_a_level_as_often_as_is_said(stored: int, samples: int) -> None:
    """On average over suites the share of ranks at or below a level is no more than that level, and not much less."""
    shares = []
    for seed in range(300):
        random = np.random.default_rng(seed)
        values = matrices(random, 30, stored, samples)
        values = 1.0 - (1.0 - values) * random.lognormal(0, 1, (30, 1, 1))  # some examples vary far more than others
        found = np.array(ranks(evidence(values, stored)))
        shares.append([(found <= level).mean() for level in (0.02, 0.1, 0.5)])
    means, errors = np.mean(shares, axis=0), np.std(shares, axis=0) / 300**0.5
    assert (means <= [0.02, 0.1, 0.5] + 3.5 * errors).all()
    assert means[1] == pytest.approx(0.1, abs=0.01)
    assert expected_by_chance(30, 0.02) == pytest.approx(0.6)


def test_the_case_that_changed_comes_first() -> None:
    """Even where another example always varies ten times as much."""
    random = np.random.default_rng(1)
    values = matrices(random, 40, 3)
    values[5] = matrices(random, 1, 3, noise=1.0)[0]
    values[17] = matrices(random, 1, 3, shift=2.0)[0]
    found = ranks(evidence(values, 3))
    assert found.index(min(found)) == 17
    assert found[17] < 0.02


def test_several_terms_are_looked_at_together() -> None:
    """What is a little unusual in each of several terms is more so in all; unchanged examples keep to their share."""
    random = np.random.default_rng(5)
    terms = [matrices(random, 40, 3) for _ in range(4)]
    for values in terms:
        values[9] = matrices(random, 1, 3, shift=0.7)[0]
    together = ranks(*(evidence(values, 3) for values in terms))
    assert together.index(min(together)) == 9
    unchanged = [ranks(*(evidence(matrices(random, 40, 3), 3) for _ in range(4))) for _ in range(40)]
    assert np.mean([rank <= 0.1 for found in unchanged for rank in found]) == pytest.approx(0.1, abs=0.02)


def test_places_are_kept_where_generations_differ() -> None:
    """Examples of other sizes stand in other groups, and their ranks in their places."""
    random = np.random.default_rng(2)
    sizes = [2 + place % 2 for place in range(20)]
    rows = [
        ExampleScores(matrices(random, 1, stored, shift=2.0 * (place == 7))[0].tolist(), stored)
        for place, stored in enumerate(sizes)
    ]
    found = ranks(TermEvidence.of(rows))
    assert found.index(min(found)) == 7


def test_equal_outputs_are_not_unusual() -> None:
    """Where nothing varies every rank is one; without examples there is none."""
    assert ranks(evidence(np.ones((5, 4, 4)), 3)) == pytest.approx([1.0] * 5)
    assert ranks(TermEvidence.of([])) == []
