"""Errors: what, where, and what to do, and nothing in them that a terminal or a CI runner obeys."""

from __future__ import annotations

import pytest

from pytest_promptreg.errors import PromptregError


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
