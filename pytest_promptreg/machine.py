"""What this process may use of the machine."""

from __future__ import annotations

import os


def processors() -> int:
    """How many processors this process may run on: a container or a CI runner may have it pinned to a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
