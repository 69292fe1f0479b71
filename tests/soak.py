"""How often a test tries what luck has a part in: a few times in ``make test``, many times in ``make soak``.

A test that asks here carries the marker ``soak``: by that ``make soak`` finds it, and by nothing else.
"""

from __future__ import annotations

import os

SOAK_VARIABLE = "PROMPTREG_SOAK"


def tries(few: int, many: int) -> int:
    """How many times to try.

    :param few: in ``make test``, where all tests together have minutes.
    :param many: in ``make soak``, which has hours.
    """
    return many if os.environ.get(SOAK_VARIABLE) == "1" else few
