"""The text of a call that failed, whatever it failed with."""

from __future__ import annotations

import pytest

from pytest_promptreg.errors import PredictError
from pytest_promptreg.redaction.redactor import Redactor
from pytest_promptreg.report.call_failure import text

KEY = "ghp_" + "a1B2" * 9


class SilentError(Exception):
    """An exception whose message is built when it is asked for, wrongly."""

    def __str__(self) -> str:
        raise KeyError("response")


def raised(exc: BaseException) -> BaseException:
    with pytest.raises(type(exc)) as caught:
        raise exc
    return caught.value


@pytest.mark.parametrize(
    ("exc", "first"),
    [
        (ValueError("no key"), "predict failed: ValueError: no key"),
        (SystemExit(3), "predict failed: SystemExit: 3"),
        (SilentError(), "predict failed: SilentError: (what it says is not known: KeyError)"),
        (ValueError(f"401 for {KEY}"), "predict failed: ValueError: 401 for [redacted:github-token]"),
        (PredictError("no answer", next_step="ask again"), "predict failed: no answer"),
    ],
)
def test_its_first_line_says_what_failed(exc: BaseException, first: str) -> None:
    """With a traceback behind it where it is not ours; an exception that cannot say anything is still told."""
    told = text(raised(exc), "predict failed", hint="", redactor=Redactor())
    assert told.splitlines()[0] == first
    assert KEY not in told
    assert ("Traceback" in told) != isinstance(exc, PredictError)
