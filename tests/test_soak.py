"""The long campaign takes along every test that has more to try."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.soak import SOAK_VARIABLE, tries

TESTS = Path(__file__).parent


def _asks_for_tries(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == "tests.soak" for node in ast.walk(tree))


def _is_marked(tree: ast.Module) -> bool:
    return any("pytest.mark.soak" in ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.expr))


def test_every_test_with_more_to_try_is_taken_along() -> None:
    """A test module that asks how often to try has the marker by which `make soak` selects."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in TESTS.rglob("test_*.py")}
    asking = [path for path, tree in trees.items() if _asks_for_tries(tree) and path != Path(__file__)]
    assert [path.name for path in asking if not _is_marked(trees[path])] == []


@pytest.mark.parametrize(("value", "expected"), [(None, 3), ("1", 500), ("0", 3), ("0.1", 50), ("0.001", 3)])
def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: int) -> None:
    """Few tries as a rule, many where the variable says 1, and the share of them that it says."""
    monkeypatch.delenv(SOAK_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(SOAK_VARIABLE, value)
    assert tries(3, 500) == expected
