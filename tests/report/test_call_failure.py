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
        (ValueError("no key"), "ValueError: no key"),
        (SystemExit(3), "SystemExit: 3"),
        (SilentError(), "SilentError: (what it says is not known: KeyError)"),
        (ValueError(f"401 for {KEY}"), "ValueError: 401 for [redacted:github-token]"),
        (PredictError("no answer", next_step="ask again"), "no answer"),
    ],
)
def test_its_first_line_says_what_failed(exc: BaseException, first: str) -> None:
    """With a traceback behind it where it is not ours; an exception that cannot say anything is still told."""
    told = text(raised(exc), hint="", redactor=Redactor())
    assert told.splitlines()[0] == first
    assert KEY not in told
    assert ("Traceback" in told) != isinstance(exc, PredictError)


def test_a_predict_that_takes_no_request_is_told_what_it_takes() -> None:
    """A call that did not even begin has no traceback to show; one that began has."""
    failure = TypeError("<lambda>() takes 0 positional arguments but 1 was given")
    told = text(failure, hint="", redactor=Redactor())
    assert told.splitlines() == [
        "TypeError: <lambda>() takes 0 positional arguments but 1 was given",
        "  predict takes one argument, the request: def predict(request)",
    ]
    assert "Traceback" in text(raised(TypeError("inside")), hint="", redactor=Redactor())
