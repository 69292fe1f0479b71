"""Where a run comes from: what its reports say besides what it found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The command and the commit; what is not known is empty.

    :param command: the command line, without secrets.
    """

    command: str = ""
    commit: str = ""
    branch: str = ""
