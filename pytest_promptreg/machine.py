"""What this process may use of the machine, and what it finds in its environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping


def processors() -> int:
    """How many processors this process may run on: a container or a CI runner may have it pinned to a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def environment_defaults(ours: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for a while, where the user has not set them."""
    added = [name for name in ours if name not in os.environ]
    os.environ.update({name: ours[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def environment_without(names: Iterable[str]) -> Iterator[None]:
    """Without these environment variables for a while."""
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)
