"""Commands as a person types them: into a POSIX shell, or into cmd.exe and PowerShell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

_WINDOWS = os.name == "nt"
# What neither cmd.exe nor PowerShell takes for more than itself.
_PLAIN = re.compile(r"[\w@+=:,./\\\[\]-]+", re.ASCII)


def word(text: str, *, windows: bool = _WINDOWS) -> str:
    """One word of a command, quoted where the shell would take it for more than a word.

    :param windows: whether it is for the shells of Windows, to which a single quote or a backslash quotes nothing.
    """
    if not windows:
        return shlex.quote(text)
    if _PLAIN.fullmatch(text):
        return text
    # As Microsoft's C runtime reads it: backslashes count only before a quote.
    escaped = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), text)
    return f'"{escaped}"'


def command(words: Iterable[str], *, windows: bool = _WINDOWS) -> str:
    """A whole command."""
    return " ".join(word(text, windows=windows) for text in words)
