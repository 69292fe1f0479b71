"""The three words of a verdict, and how often they may be wrong."""

from __future__ import annotations

from typing import Literal

State = Literal["passed", "regressed", "undecided"]

ALPHA = 0.05  # share of unchanged suites that may be called regressed, and of bounds that need not hold
