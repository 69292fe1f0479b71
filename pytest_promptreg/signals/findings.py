"""What a signal says of two texts, and the words in which it says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..text import some

_PIECE = 60  # characters of model output that a detail shows in one piece
_PIECES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one signal found.

    :param value: the score: 1.0 kept to 0.0 lost; for ``length_ratio`` the ratio.
    :param detail: one short plain line for a person; empty where nothing was found. It may hold pieces of the model's
        output as they came: whoever shows it escapes it.
    """

    value: float
    detail: str = ""


KEPT = Finding(1.0)


def piece(text: str) -> str:
    """A bit of the model's output, on one line and short enough for a detail."""
    line = " ".join(text[: 4 * _PIECE].split())
    return line if len(line) <= _PIECE and len(text) <= 4 * _PIECE else f"{line[: _PIECE - 1]}…"


def lost_and_gained(lost: Iterable[str], gained: Iterable[str]) -> str:
    """``lost 42; gained 24, 25``, cut to a few pieces."""
    parts: list[str] = []
    room = _PIECES
    for word, items in (("lost", list(lost)), ("gained", list(gained))):
        if not items:
            continue
        shown = max(1, min(len(items), room if parts else _PIECES - 2))
        room -= shown
        parts.append(f"{word} {some(items, shown, piece)}")
    return "; ".join(parts)


def compared(output: Counter[str], baseline: Counter[str]) -> Finding:
    """The F1 of two multisets, 1 where both are empty, with what was lost and gained in the order of its standing."""
    total = output.total() + baseline.total()
    if output == baseline or not total:
        return KEPT
    value = 2 * (output & baseline).total() / total
    return Finding(value, lost_and_gained(baseline - output, output - baseline))
