"""What a call prints and logs, kept until its own test hears it.

A call runs while some other case's test does; what it says belongs to neither of them but to its own. Whose a word is
tells the context variable :data:`CURRENT`, which threads and tasks of the runner set, and tasks that predict starts
itself inherit. A thread that predict starts itself does not: its words go where any print goes.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Words:
    """What one call said.

    :param printed: pieces of text with the name of their stream, ``stdout`` or ``stderr``.
    :param logged: log records with the handler that was to have them.
    """

    printed: list[tuple[str, str]] = field(default_factory=list)
    logged: list[tuple[logging.Handler, logging.LogRecord]] = field(default_factory=list)


CURRENT: contextvars.ContextVar[Words | None] = contextvars.ContextVar("promptreg_words", default=None)

Tell = Callable[[Words], None]


def keep_silent(words: Words) -> None:
    """Nobody is there to hear what a call said."""
