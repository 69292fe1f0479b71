"""What a drop varies by, from what was stored, against what it does vary by."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_promptreg.noise import spread, ways
from pytest_promptreg.noise.spread import Spread


def additive(random: np.random.Generator, n: int, texts: int, own: float, pair: float) -> ways.Floats:
    """Similarities made of just what the model of :mod:`spread` says: level, texts and pairs."""
    lies_off = own * random.standard_normal((n, texts))
    shared = pair * random.standard_normal((n, texts, texts))
    shared = np.triu(shared, 1)
    level = random.uniform(0.2, 0.8, (n, 1, 1))
    return level + lies_off[:, :, None] + lies_off[:, None] + shared + shared.transpose(0, 2, 1)


@pytest.mark.parametrize(("own", "pair"), [(0.1, 0.0), (0.1, 0.1), (0.0, 0.1)])
@pytest.mark.parametrize(("stored", "samples"), [(3, 1), (4, 1), (5, 3)])
def test_the_formula_is_what_drops_do(own: float, pair: float, stored: int, samples: int) -> None:
    """The standard deviation by formula is that of many drops; what is estimated from the stored is near it."""
    values = additive(np.random.default_rng(3), 20_000, stored + samples, own, pair)
    _, drops = ways.of_similarities(values, stored)
    assert Spread(own**2, pair**2).of_drop(stored, samples) == pytest.approx(drops.std(), rel=0.03)
    estimated = spread.of_similarities(values, stored)
    if stored > 3:
        assert estimated.own == pytest.approx(own**2, rel=0.1, abs=4e-4)
        assert estimated.pair == pytest.approx(pair**2, rel=0.1, abs=4e-4)
    assert estimated.of_drop(stored, samples) == pytest.approx(drops.std(), rel=0.03 if stored > 3 else 0.25)


def test_two_generations_overstate() -> None:
    """With one similarity an example, difficulty cannot be told from noise, unless the drops of a run say less."""
    values = additive(np.random.default_rng(4), 2_000, 3, 0.1, 0.05)
    _, drops = ways.of_similarities(values, 2)
    assert spread.of_similarities(values[:, :2, :2], 2).of_drop(2, 1) > 1.2 * drops.std()
    assert spread.of_similarities(values, 2).of_drop(2, 1) == pytest.approx(drops.std(), rel=0.01)
    assert spread.of_similarities(values[:1], 2) == Spread(0.0, 0.0)


@pytest.mark.parametrize(("stored", "samples"), [(1, 1), (1, 3), (3, 2)])
def test_scores_against_a_reference(stored: int, samples: int) -> None:
    """From the stored scores of each example, or from the drops where only one is stored."""
    random = np.random.default_rng(5)
    values = random.uniform(0, 1, (5_000, 1)) + 0.1 * random.standard_normal((5_000, stored + samples))
    estimated = spread.of_scores(values, stored)
    _, drops = ways.of_scores(values, stored)
    assert estimated.own == pytest.approx(0.01, rel=0.1)
    assert estimated.of_drop(stored, samples) == pytest.approx(drops.std(), rel=0.05)


def test_one_score_of_one_example_has_no_spread() -> None:
    """Nothing to tell it from."""
    assert spread.of_scores(np.array([[0.5, 0.4]]), 1) == Spread(0.0)
