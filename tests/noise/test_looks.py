"""Stopping early with the error rates of the whole run."""

from __future__ import annotations

import numpy as np
import pytest
from making_noise import evidence, matrices

from pytest_promptreg.noise.judging import chance
from pytest_promptreg.noise.looks import SHARES, Decision, decide, look_counts
from pytest_promptreg.noise.ways import Floats
from pytest_promptreg.noise.words import ALPHA

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
    """A drop that is surely below the margin is settled at the second look; at the first, too little has been seen."""
    decision, examples = run(matrices(np.random.default_rng(2), 300, 3, noise=0.02))
    assert (decision.state, examples) == ("passed", 200)


@pytest.mark.parametrize(("count", "looks", "state"), [(60, 2, "passed"), (58, 3, "passed"), (18, 3, "go on")])
def test_nothing_passes_early_that_few_examples_speak_for(count: int, looks: int, state: str) -> None:
    """Outputs that are all equal pass at a look that has seen forty examples, or in the end where there are twenty."""
    decision, examples = run(np.ones((count, 4, 4)))
    assert (decision.state, examples) == (state, look_counts(count)[looks - 1])
    alone = decide([{KEY: evidence(np.ones((count, 4, 4)), 3)}], shares=(1.0,), seed=5)
    assert alone.state == state, "the only look is the last one"


def test_what_is_not_settled_goes_on() -> None:
    """After the last look that is: undecided."""
    decision, examples = run(matrices(np.random.default_rng(3), 12, 3))
    assert (decision.state, examples) == ("go on", 12)
    assert decision.verdicts[0].state == "undecided"


def test_a_look_is_judged_by_its_share_of_alpha() -> None:
    """Each look's p value is divided by its share, exactly, and the least so far counts."""
    for seed, shift in (9, 0.04), (12, 0.1):
        values = matrices(np.random.default_rng(seed), 24, 3, shift=shift)
        seen = [{KEY: evidence(values[:count], 3)} for count in look_counts(24)]
        alone = [chance(KEY, one[KEY], 5) for one in seen]
        assert max(alone) < 0.2
        for looks in (1, 2, 3):
            (verdict,) = decide(seen[:looks], margin=0.0, seed=5).verdicts
            assert verdict.p == min(p / share for p, share in zip(alone[:looks], SHARES, strict=False))


def test_all_looks_together_err_in_no_more_than_alpha() -> None:
    """Of unchanged suites no more than 5 % are called regressed at any look; with all of alpha at each, more are."""
    random = np.random.default_rng(4)
    suites = [matrices(random, 18, 3) for _ in range(150)]
    found = sum(run(values, margin=0.0)[0].state == "regressed" for values in suites)
    undivided = sum(
        any(chance(KEY, evidence(values[:count], 3), 5) <= ALPHA for count in look_counts(18)) for values in suites
    )
    assert found <= 150 * (ALPHA + 3 * (ALPHA * (1 - ALPHA) / 150) ** 0.5)
    assert found < undivided


def test_versions_that_are_looked_at_share_alpha() -> None:
    """Each of so many versions has its part of alpha, exactly: one version more, and the same p value is no finding."""
    worse = matrices(np.random.default_rng(12), 12, 3, shift=0.1)
    decision, _ = run(worse)
    most = int(ALPHA / decision.verdicts[0].p_adjusted)
    assert 1 < most < 100
    assert [run(worse, versions=versions)[0].state for versions in (most, most + 1)] == ["regressed", "go on"]


def test_that_a_version_passed_is_said_of_it_alone() -> None:
    """Ten versions beside it make it no less sure."""
    kept = matrices(np.random.default_rng(2), 300, 3, noise=0.02)
    assert [(decision.state, examples) for decision, examples in (run(kept), run(kept, versions=10))] == [
        ("passed", 200)
    ] * 2


def test_looks_that_were_not_planned_are_refused() -> None:
    """A fourth look of three, none at all, or shares of more than alpha."""
    one = {KEY: evidence(matrices(np.random.default_rng(5), 6, 3), 3)}
    for seen, shares in ([one] * 4, (0.1, 0.2, 0.7)), ([], (1.0,)), ([one], (0.6, 0.6)):
        with pytest.raises(ValueError, match="looks were taken"):
            decide(seen, shares=shares, seed=1)
