"""What is wrong with an ini option, told at its place: the line of the ini file, or the flag that overrides it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import PromptregError
from ..files import display_path

if TYPE_CHECKING:
    import pytest

_NAMED = re.compile(r"the ini option (promptreg_\w+)")


@contextlib.contextmanager
def told_at_its_place(config: pytest.Config) -> Iterator[None]:
    """Give a mistake that begins by naming an ini option the place of that option.

    :raises PromptregError: the one that was raised inside.
    """
    try:
        yield
    except PromptregError as exc:
        named = _NAMED.match(exc.where or exc.what)
        if named and (place := _place(config, named[1])):
            exc.where = f"{place}: {exc.where}" if exc.where else place
        raise


def _place(config: pytest.Config, name: str) -> str:
    """``pytest.ini:3``, or ``-o`` for an option of the command line; empty where it stands in neither."""
    if any(entry.partition("=")[0].strip() == name for entry in config.getoption("override_ini") or ()):
        return "-o"
    if config.inipath is None:
        return ""
    begins = re.compile(rf"\s*[\"']?{name}[\"']?\s*[=:]")
    try:
        lines = config.inipath.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    number = next((number for number, line in enumerate(lines, start=1) if begins.match(line)), None)
    shown = display_path(config.inipath)
    return f"{shown}:{number}" if number else shown
