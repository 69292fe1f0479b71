"""Texts made to take a pattern long: each is read in a time that grows with its length, and not with its square."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_promptreg.errors import GateError, PromptError
from pytest_promptreg.inputs.templates import check_syntax, place_of_variable
from pytest_promptreg.judging.gates import is_gate_shaped, metric_named, parse
from pytest_promptreg.model import PromptVersion
from pytest_promptreg.redaction.known import without_known_secrets
from pytest_promptreg.report.escape import obeyed_by_none

_SIZE = 300_000  # characters: seconds of work become an hour where they grow with the square
_HANG_S = 60


@contextmanager
def ending() -> Iterator[None]:
    """A hang becomes a failure, where the system can interrupt a pattern at work."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(*_: object) -> None:
        raise AssertionError("it takes for ever")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def a_template(text: str) -> PromptVersion:
    return PromptVersion("v1", text, where="v1.md", first_line=1)


@pytest.mark.parametrize("text", ["a" + " " * _SIZE, "a >= 1" + " " * _SIZE + "x", "a >= " + "1" * _SIZE + "x"])
def test_a_long_line_is_no_gate(text: str) -> None:
    """A line in an example file that is made for the gates' pattern is refused at once, in a short message."""
    with ending():
        assert not is_gate_shaped(text)
        assert metric_named(text) is None
        with pytest.raises(GateError, match="is no gate") as caught:
            parse(text)
    assert len(caught.value.what) < 200


def test_braces_that_never_close_take_no_time() -> None:
    """A template of open braces and spaces is checked; one that names a variable at its end is found there."""
    with ending():
        for text in (
            "{{ a" + " " * _SIZE,
            "{{a" * (_SIZE // 3),
            "{{ a " + "\n" * _SIZE,
            "{" * _SIZE,
            "{{" + " " * _SIZE,
        ):
            check_syntax(a_template(text))
        assert place_of_variable(a_template("{%" * (_SIZE // 2) + "\n{{ name }}"), "name") == "v1.md:1"
        assert place_of_variable(a_template("{{" + "\n" * _SIZE + "}} {{ name }}"), "name") == f"v1.md:{_SIZE + 1}"
        with pytest.raises(PromptError, match=r"is not a variable") as caught:
            check_syntax(a_template("{{ " + "a b" * _SIZE + " }}"))
        assert len(caught.value.what) < 200


def test_output_is_made_harmless_in_time() -> None:
    """Empty lines without end, and keys that begin and never end, are looked through once."""
    with ending():
        assert obeyed_by_none("\n \n" * (_SIZE // 3) + "::error::x").endswith("\n\\::error::x")
        begun = "-----BEGIN PRIVATE KEY-----" * (_SIZE // 27)
        assert without_known_secrets(begun) == begun
