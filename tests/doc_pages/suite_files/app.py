"""The application of the page's reader."""

from __future__ import annotations

from pytest_promptreg import Request


def echo(request: Request) -> str:
    """What it is asked."""
    return request.text


summarize = echo
