"""What is said while a test waits for a call."""

from __future__ import annotations

import pytest

from pytest_promptreg.calls import Progress
from pytest_promptreg.session.progress import told


@pytest.mark.parametrize(
    ("progress", "elapsed_s", "line"),
    [
        (Progress(0, 46, 16), 2.0, "promptreg: 0 of 46 outputs, 16 calls in flight"),
        (
            Progress(120, 800, 16, 2),
            10.0,
            "promptreg: 120 of 800 outputs, 12 a second, about 57 s left, 16 calls in flight, 2 to be tried again",
        ),
        (
            Progress(3, 63, 1),
            60.0,
            "promptreg: 3 of 63 outputs, 3 a minute, about 20 min left, 1 call in flight",
        ),
        (
            Progress(1, 1001, 4),
            30.0,
            "promptreg: 1 of 1001 outputs, 2 a minute, about 8 h 20 min left, 4 calls in flight",
        ),
    ],
)
def test_progress_is_told_with_rate_and_what_is_left(progress: Progress, elapsed_s: float, line: str) -> None:
    """A line says how far the calls are, how fast they go and how long the rest will take, as soon as that is known."""
    assert told(progress, elapsed_s) == line
