"""Errors: what, where, and what to do, and nothing in them that a terminal or a CI runner obeys."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pytest_promptreg
from pytest_promptreg.errors import PromptregError

_KINDS = ("Config", "Prompt", "Example", "Gate", "Baseline", "Replay", "Budget", "Results", "Report")
_MISTAKES = frozenset({*(f"{kind}Error" for kind in _KINDS), "error"})  # the last where the kind is handed in


def test_an_error_reads_as_place_problem_and_step() -> None:
    """The place stands before the problem, and the next step on a line of its own."""
    assert str(PromptregError("it is broken", where="a.md:3", next_step="mend it")) == "a.md:3: it is broken\n  mend it"
    assert str(PromptregError("it is broken")) == "it is broken"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;title\x07.md", "\\x1b]0;title\\x07.md"),
        ("safe\u202egnp.md", "safe\\u202egnp.md"),
        ("a\r::error::b", "a\\x0d::error::b"),
        ("a\n::error::b", "a\n\\::error::b"),
        ("##vso[task.complete]", "\\##vso[task.complete]"),
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_in_an_error_is_obeyed(raw: str, shown: str) -> None:
    """Escape sequences, turned reading directions and runners' commands in names and messages are written out."""
    error = PromptregError(raw, where=raw, next_step=raw)
    assert (error.what, error.where, error.next_step) == (shown, shown, shown)
    assert str(error) == f"{shown}: {shown}\n  {shown}"


def test_each_mistake_comes_with_what_to_do() -> None:
    """Wherever a person's mistake is refused, the next step is said."""
    silent = [
        f"{path.name}:{call.lineno}: {ast.unparse(call)}"
        for path in Path(pytest_promptreg.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in _MISTAKES
        and "next_step" not in {keyword.arg for keyword in call.keywords}
    ]
    assert silent == []
