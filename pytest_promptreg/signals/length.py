"""Whether there is an answer at all, and how long it is beside the baseline."""

from __future__ import annotations

from ..text import remembered
from .findings import KEPT, Finding
from .kind import blank

_LOW, _HIGH = 1 / 3, 3.0
_LABEL = 20  # characters: "Yes" and "Yes, it is" differ threefold and say the same


def nonempty(output: str, baseline: str) -> Finding:
    """0 where there is nothing to see in the output, and something in the baseline."""
    if not blank(output) or blank(baseline):
        return KEPT
    return Finding(0.0, "nothing but white space" if output else "nothing")


def length_ratio(output: str, baseline: str) -> Finding:
    """Characters of the output for each of the baseline's, a run of white space as one; 1 where both are blank.

    The ratio is always what it is. The detail names only those out of bounds that mean something: of two labels of
    fewer than 20 characters it is empty.
    """
    now, before = _length(output), _length(baseline)
    if now == before:
        return KEPT
    ratio = now / max(1, before)
    if _LOW <= ratio <= _HIGH or max(now, before) < _LABEL:
        return Finding(ratio)
    times = f"{ratio:.1f} times as long" if ratio > 1 else f"{ratio:.0%} of the length"
    return Finding(ratio, f"{times} ({now} characters, the baseline {before})")


@remembered(256)
def _length(text: str) -> int:
    return len(" ".join(text.split()))
