"""Processes that run commands, and a project for them, shared by all tests: each takes a second to make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.deeds import Arena, make_project


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """What runs the commands."""
    made = Arena(tmp_path_factory.mktemp("arena"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def arenas(tmp_path_factory: pytest.TempPathFactory, arena: Arena) -> Iterator[tuple[Arena, Arena]]:
    """Two that run commands."""
    other = Arena(tmp_path_factory.mktemp("other"))
    yield arena, other
    other.close()


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, arena: Arena) -> Path:
    """A project whose baselines are stored."""
    folder = tmp_path_factory.mktemp("stored") / "project"
    folder.mkdir()
    make_project(folder, arena)
    return folder
