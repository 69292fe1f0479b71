"""What collecting made is out of the garbage collector's way while cases run, and given back when they have."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pytest_promptreg.session import garbage
from pytest_promptreg.session.garbage import Frozen


@pytest.fixture
def _nothing_frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process of a user; what these tests have frozen for themselves is frozen again."""
    monkeypatch.setattr(garbage, "gc", gc)
    before = gc.get_freeze_count()
    gc.unfreeze()
    yield
    gc.unfreeze()
    if before:
        gc.freeze()


@pytest.mark.usefixtures("_nothing_frozen")
def test_what_is_there_is_frozen_until_the_end() -> None:
    """Beginning freezes what there is, once; the end gives it back, once."""
    frozen = Frozen()
    frozen.begin()
    count = gc.get_freeze_count()
    assert count > 0
    frozen.begin()
    assert gc.get_freeze_count() <= count, "what has come since is not frozen too"
    frozen.end()
    frozen.end()
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("_nothing_frozen")
def test_what_others_froze_is_left_alone() -> None:
    """Where something is frozen already, nothing is added to it and nothing is thawed."""
    gc.freeze()
    frozen = Frozen()
    frozen.begin()
    frozen.end()
    assert gc.get_freeze_count() > 0
