"""The text of a file that people write and git merges."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import PromptregError
from ..files import display_path, read_text

_MARK = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_WHOLE = "<=>"
CONFLICT_STEP = "keep what is right of both sides and delete the lines of <<<<<<<, ======= and >>>>>>>"


def is_conflict_mark(line: str) -> bool:
    """Whether a line could be one that git writes where both sides of a merge have changed the same."""
    return _MARK.match(line) is not None


def read_source(path: Path, error: type[PromptregError]) -> str:
    """The file as text, as :func:`~pytest_promptreg.files.read_text` gives it.

    :raises PromptregError: of the kind ``error``, when it cannot be read, or git has left a merge conflict in it: a
        model would be asked both sides of it at once.
    """
    text = read_text(path, error)
    if line := _conflict(text):
        raise error(
            "it holds a merge conflict",
            where=f"{display_path(path)}:{line}",
            next_step=f"{CONFLICT_STEP}; where they are meant as text, indent them by a space",
        )
    return text


def _conflict(text: str) -> int:
    """The line of the mark that begins a whole conflict; 0 where there is none."""
    begun, awaited = 0, 0
    for mark in _MARK.finditer(text):
        kind = mark.group()[0]
        if kind == "<":
            begun, awaited = mark.start(), 1
        elif awaited and kind == _WHOLE[awaited]:
            awaited += 1
            if awaited == len(_WHOLE):
                return text.count("\n", 0, begun) + 1
    return 0
