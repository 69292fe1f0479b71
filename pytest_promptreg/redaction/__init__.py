"""Hiding what must not be stored, shown or sent.

    names.py      settings that by their own names hold a secret, and what addresses carry
    known.py      keys, tokens and passwords that are known by their own shape
    redactor.py   the rules of a run, applied to texts and to values of any depth
    rules.py      the ini option -> the rules of a run
    declared.py   suites and baselines, redacted where they enter
    reported.py   pytest's own report of a case: what was printed, and how it failed

Texts are redacted once, where they enter (an output when it is there, a suite when it is declared, a baseline when it
is read), so that everything behind that (judgement, files, reports, MLflow) sees the same redacted text.
"""

from __future__ import annotations

from .names import (
    HIDDEN,
    is_secret_name,
    open_settings,
    without_address_secrets,
    without_secrets,
    without_user_info,
)

__all__ = [
    "HIDDEN",
    "is_secret_name",
    "open_settings",
    "without_address_secrets",
    "without_secrets",
    "without_user_info",
]
