"""Stopping early with the error rates of the whole run."""

from __future__ import annotations

import numpy as np
import pytest
from making_noise import evidence, matrices

from pytest_promptreg.noise.looks import Decision, decide, look_counts
from pytest_promptreg.noise.ways import Floats

KEY = ("v2", "semantic")


def run(values: Floats, margin: float | None = None, versions: int = 1) -> tuple[Decision, int]:
    """What a run that looks comes to, and how many examples it asked for."""
    seen = []
    for count in look_counts(len(values)):
        seen.append({KEY: evidence(values[:count], 3)})
        decision = decide(seen, margin=margin, versions=versions, seed=5)
        if decision.state != "go on":
            break
    return decision, count


def test_looks_are_evenly_spaced() -> None:
    """Thirds, the last at all examples."""
    assert look_counts(40) == (14, 27, 40)
    assert look_counts(1) == (1, 1, 1)


def test_a_plain_regression_stops_at_the_first_look() -> None:
    """Nothing is gained by asking on."""
    decision, examples = run(matrices(np.random.default_rng(1), 60, 3, shift=0.5))
    assert (decision.state, examples, decision.verdicts[0].state) == ("regressed", 20, "regressed")


def test_plainly_unchanged_stops_early_too() -> None:
    """A drop that is surely below the margin is as settled as one that is not."""
    decision, examples = run(matrices(np.random.default_rng(2), 300, 3, noise=0.02))
    assert (decision.state, examples) == ("passed", 100)


def test_what_is_not_settled_goes_on() -> None:
    """After the last look that is: undecided."""
    decision, examples = run(matrices(np.random.default_rng(3), 12, 3))
    assert (decision.state, examples) == ("go on", 12)
    assert decision.verdicts[0].state == "undecided"


def test_all_looks_together_err_in_no_more_than_alpha() -> None:
    """Of unchanged suites no more than 5 % are called regressed at any look, without the help of a margin."""
    random = np.random.default_rng(4)
    found = [run(matrices(random, 18, 3), margin=0.0)[0].state for _ in range(300)]
    assert found.count("regressed") <= 300 * (0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5)


def test_versions_that_are_looked_at_share_alpha() -> None:
    """Of unchanged suites of three versions no more than 5 % have one that is called regressed at any look."""
    random = np.random.default_rng(7)
    suites = [[run(matrices(random, 12, 3), margin=0.0, versions=3)[0].state for _ in range(3)] for _ in range(120)]
    found = sum("regressed" in states for states in suites)
    assert found <= 120 * (0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5)


def test_a_version_among_others_has_to_show_more() -> None:
    """What is a regression by itself may be chance among ten versions; that one passed is said of it alone."""
    worse = matrices(np.random.default_rng(12), 12, 3, shift=0.1)
    assert [run(worse, versions=versions)[0].state for versions in (1, 10)] == ["regressed", "go on"]
    kept = matrices(np.random.default_rng(2), 300, 3, noise=0.02)
    assert [(decision.state, examples) for decision, examples in (run(kept), run(kept, versions=10))] == [
        ("passed", 100)
    ] * 2


def test_looks_that_were_not_planned_are_refused() -> None:
    """A fourth look of three, none at all, or shares of more than alpha."""
    one = {KEY: evidence(matrices(np.random.default_rng(5), 6, 3), 3)}
    for seen, shares in ([one] * 4, (0.1, 0.2, 0.7)), ([], (1.0,)), ([one], (0.6, 0.6)):
        with pytest.raises(ValueError, match="looks were taken"):
            decide(seen, shares=shares, seed=1)
