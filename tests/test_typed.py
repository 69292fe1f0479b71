"""Commands that a person copies into a shell."""

from __future__ import annotations

import pytest

from pytest_promptreg import typed


@pytest.mark.parametrize(
    ("words", "posix", "windows"),
    [
        (["pytest", "evals/test_a.py"], "pytest evals/test_a.py", "pytest evals/test_a.py"),
        (["pytest", "test_a.py::test[v1-x]"], "pytest 'test_a.py::test[v1-x]'", "pytest test_a.py::test[v1-x]"),
        (["pytest", "C:\\a b\\"], "pytest 'C:\\a b\\'", 'pytest "C:\\a b\\\\"'),
        (["pytest", 'v2 & "x"'], "pytest 'v2 & \"x\"'", 'pytest "v2 & \\"x\\""'),
        (["pytest", "a;b"], "pytest 'a;b'", 'pytest "a;b"'),
        (["pytest", ""], "pytest ''", 'pytest ""'),
    ],
)
def test_a_command_is_quoted_for_the_shell(words: list[str], posix: str, windows: str) -> None:
    """What a shell would take for more than a word is quoted in that shell's way."""
    assert typed.command(words, windows=False) == posix
    assert typed.command(words, windows=True) == windows
