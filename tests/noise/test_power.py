"""What n examples can show."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_promptreg.noise.power import MOST_EXAMPLES, detectable, settling


@pytest.mark.parametrize(("sd", "n", "drop"), [(0.1, 20, 0.056), (0.1, 200, 0.018), (0.2, 50, 0.070)])
def test_the_detectable_drop_is_two_and_a_half_errors(sd: float, n: int, drop: float) -> None:
    """2.49 sd / sqrt(n) without a margin."""
    assert detectable(sd, n) == pytest.approx(drop, abs=6e-4)


def test_the_detectable_drop_is_detected_four_times_of_five() -> None:
    """In a simulation of normal drops, with a margin that matters."""
    random = np.random.default_rng(1)
    found = detectable(0.1, 100, margin=0.03)
    assert found is not None
    means = random.normal(found, 0.1, (4_000, 100)).mean(1)
    regressed = (means > 1.645 * 0.01) & (means > 0.03)
    assert regressed.mean() == pytest.approx(0.8, abs=0.02)


def test_what_settles() -> None:
    """(2.49 sd / margin) ^ 2 for an unchanged suite; more where the drop lies near the margin; never endless."""
    assert settling(0.1, 0.02) == 155
    assert settling(0.1, 0.02, drop=0.015) == 1083
    assert settling(0.1, 0.02, drop=0.02) == MOST_EXAMPLES
    assert settling(0.1, 0.0) == MOST_EXAMPLES
    assert settling(0.0, 0.02) == 2
    assert detectable(0.1, 0) is None
