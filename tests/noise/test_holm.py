"""Holm's adjustment, against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.noise.holm import adjusted

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def rejected_by_definition(p_values: list[float], alpha: float) -> set[int]:
    """Holm's own words: from the smallest on, stop at the first above alpha / (hypotheses that are left)."""
    rejected: set[int] = set()
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: (p_values[place], place))):
        if p_values[place] * (len(p_values) - rank) > alpha:
            break
        rejected.add(place)
    return rejected


@given(P_VALUES, st.floats(0.001, 0.5))
def test_adjusted_values_reject_what_the_procedure_rejects(p_values: list[float], alpha: float) -> None:
    """Adjusted p <= alpha is the step-down procedure."""
    assert {place for place, p in enumerate(adjusted(p_values)) if p <= alpha} == rejected_by_definition(
        p_values, alpha
    )


def test_a_known_example() -> None:
    """The example of every textbook."""
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted([]) == []
