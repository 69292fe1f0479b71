"""Records to be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_promptreg.model import Output
from pytest_promptreg.replay.keys import Parts
from pytest_promptreg.replay.line import Record
from pytest_promptreg.replay.store import Store
from pytest_promptreg.text import digest

MakeRecord = Callable[..., Record]
OpenStore = Callable[[Path], Store]


@pytest.fixture
def make_record() -> MakeRecord:
    """Makes the record of a number: another number, another key."""

    def make(number: int, text: str = "an output", suite: str = "test_a.py::test_a") -> Record:
        parts = Parts("p" * 16, "i" * 16, "c" * 16, "openai:/small")
        return Record(digest(str(number))[:32], suite, "v1", f"row-{number:05}", parts, Output(text, latency_s=0.5))

    return make


@pytest.fixture
def open_store() -> Iterator[OpenStore]:
    """Opens the store of a path, and closes it after the test."""
    opened = []

    def open_path(path: Path) -> Store:
        opened.append(Store(path))
        return opened[-1]

    yield open_path
    for store in opened:
        store.close()
