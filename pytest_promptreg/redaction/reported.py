"""pytest's own report of a case: what was printed and logged while it ran, and how it failed."""

from __future__ import annotations

from typing import Any

from .redactor import Redactor

_OF_PYTEST = "_pytest."


def redact_report(report: Any, redactor: Redactor) -> None:
    """Redact what a report says, in place: from it come the terminal's failures and the JUnit file."""
    if redactor.hides_nothing:
        return
    if report.sections:
        report.sections[:] = [(name, redactor.message(text)) for name, text in report.sections]
    if isinstance(report.longrepr, str):
        report.longrepr = redactor.message(report.longrepr)
    elif report.longrepr is not None:
        report.longrepr = _redacted(report.longrepr, redactor)


def _redacted(value: Any, redactor: Redactor) -> Any:
    """What pytest made of an exception, with every text in it redacted: lists, tuples and objects of its own."""
    if isinstance(value, str):
        return redactor.message(value)
    if isinstance(value, list):
        value[:] = [_redacted(item, redactor) for item in value]
    elif isinstance(value, tuple):
        return tuple(_redacted(item, redactor) for item in value)
    elif type(value).__module__.startswith(_OF_PYTEST) and hasattr(value, "__dict__"):
        for name, item in vars(value).items():
            object.__setattr__(value, name, _redacted(item, redactor))
    return value
