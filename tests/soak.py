"""How often a test tries what luck has a part in: a few times in ``make test``, many times in ``make soak``.

``PROMPTREG_SOAK=1`` asks for all of the many, ``PROMPTREG_SOAK=0.1`` for a tenth, and so on.

A test that asks here carries the marker ``soak``: by that ``make soak`` finds it, and by nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
SOAK_VARIABLE = "PROMPTREG_SOAK"


def share() -> float:
    """What part of the long campaign is asked for; 0 in ``make test``."""
    return float(os.environ.get(SOAK_VARIABLE) or 0)


def tries(few: int, many: int) -> int:
    """How many times to try.

    :param few: in ``make test``, where all tests together have minutes.
    :param many: in ``make soak``, which has hours.
    """
    return max(few, 1, round(many * share())) if share() else few


def some_or_all(things: Sequence[_T]) -> Sequence[_T]:
    """The first of them in ``make test``, all in any ``make soak``."""
    return things if share() else things[:1]
