"""Differences as data: of prompts by line, of outputs by word.

Renderers decide how a piece looks and neutralise what it says; nothing here is meant for a screen as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "removed", "added", "skipped"]

CONTEXT_LINES = 2
CONTEXT_WORDS = 12
MAX_TOKENS = 10_000  # the alignment takes memory by the square of this; longer texts are compared by sentence
_TOKEN = re.compile(r"\s*(?:[^\W_]+|[^\w\s]|_)|\s+")
_SENTENCE = re.compile(r"\s*[^.!?。！？\n]*[.!?。！？\n]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both sides share, or that one side has; ``skipped`` says how much was left out."""

    kind: Kind
    text: str


def line_diff(old: str, new: str, *, context: int = CONTEXT_LINES) -> list[Piece]:
    """The lines of two texts, unchanged ones kept only around a change; each piece is one line without its end."""
    if old == new:
        return []
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if old_lines == new_lines:
        # Texts that differ only in how their lines end.
        return [Piece("removed", repr(old[-20:])), Piece("added", repr(new[-20:]))]
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines)
    pieces: list[Piece] = []
    end_of_last = 0
    for group in matcher.get_grouped_opcodes(context):
        start = group[0][1]
        if start > end_of_last:
            pieces.append(Piece("skipped", _count_unchanged(start - end_of_last)))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                pieces.extend(Piece("same", line) for line in old_lines[i1:i2])
            else:
                pieces.extend(Piece("removed", line) for line in old_lines[i1:i2])
                pieces.extend(Piece("added", line) for line in new_lines[j1:j2])
        end_of_last = group[-1][2]
    if end_of_last < len(old_lines):
        pieces.append(Piece("skipped", _count_unchanged(len(old_lines) - end_of_last)))
    return pieces


def _count_unchanged(lines: int) -> str:
    return f"{lines} unchanged line{'' if lines == 1 else 's'}"


def unified(old: str, new: str, old_name: str, new_name: str, *, context: int | None = None) -> str:
    """A unified diff, as a file would hold it.

    :param context: unchanged lines that are kept around a change; None keeps all.
    """
    kept = max(old.count("\n"), 3) if context is None else context
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), fromfile=old_name, tofile=new_name, lineterm="", n=kept
    )
    return "\n".join(lines)


def word_diff(old: str, new: str, *, context: int | None = CONTEXT_WORDS) -> list[Piece]:
    """The words of two texts.

    :param context: words of a long shared stretch that are kept on each side of a change; None keeps all.
    """
    if old == new:
        return [Piece("same", old)] if old else []
    pieces = _readable(_aligned(_tokens(old), _tokens(new)))
    if context is None:
        return pieces
    cut: list[Piece] = []
    for position, piece in enumerate(pieces):
        at_start, at_end = position == 0, position == len(pieces) - 1
        cut.extend(_shortened(piece, context, at_start=at_start, at_end=at_end) if piece.kind == "same" else [piece])
    return cut


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of both texts: shared, in the spaces of each, or exchanged, where one side may be empty."""

    shared: bool
    old: str
    new: str

    @property
    def size(self) -> int:
        return len(self.old) + len(self.new)


def _tokens(text: str) -> list[str]:
    """Words and signs, each with the white space before it."""
    words = _TOKEN.findall(text)
    return words if len(words) <= MAX_TOKENS else [part for part in _SENTENCE.findall(text) if part]


def _aligned(old: Sequence[str], new: Sequence[str]) -> list[_Stretch]:
    """By longest common subsequence: difflib takes half a minute for two texts of 2,000 words."""
    from rapidfuzz.distance import LCSseq

    # A word is the same word whatever space precedes it; space is compared only where nothing else differs.
    bare_old, bare_new = [word.lstrip() for word in old], [word.lstrip() for word in new]
    codes = LCSseq.opcodes(bare_old, bare_new) if bare_old != bare_new else LCSseq.opcodes(old, new)
    stretches: list[_Stretch] = []
    for code in codes:
        before, after = old[code.src_start : code.src_end], new[code.dest_start : code.dest_end]
        here = _Stretch(code.tag == "equal", "".join(before), "".join(after))
        if stretches and not here.shared and not stretches[-1].shared:
            here = _joined(stretches.pop(), here)
        stretches.append(here)
    return stretches


def _readable(stretches: Sequence[_Stretch]) -> list[Piece]:
    """A rewritten passage told as one change: a few shared words inside it would only be confetti."""
    told: list[_Stretch] = []
    for position, here in enumerate(stretches):
        after = stretches[position + 1].size if position + 1 < len(stretches) else 0
        before = told[-1].size if told and not told[-1].shared else 0
        bridges = here.shared and here.size < min(before, after)
        if told and not told[-1].shared and (bridges or not here.shared):
            told.append(_joined(told.pop(), here))
        else:
            told.append(here)
    pieces: list[Piece] = []
    for here in told:
        if here.shared:
            space = here.old[: -len(here.old.lstrip())] if not here.new[:1].isspace() else ""
            if space and pieces and pieces[-1].kind == "removed":  # else what is left of the old text runs together
                pieces[-1] = Piece("removed", pieces[-1].text + space)
            pieces.append(Piece("same", here.new))
            continue
        sides: list[Piece] = [Piece("removed", here.old), Piece("added", here.new)]
        pieces += [side for side in sides if side.text]
    return pieces


def _joined(before: _Stretch, here: _Stretch) -> _Stretch:
    return _Stretch(shared=False, old=before.old + here.old, new=before.new + here.new)


def _shortened(piece: Piece, context: int, *, at_start: bool, at_end: bool) -> list[Piece]:
    tokens = _TOKEN.findall(piece.text)
    head = [] if at_start else tokens[:context]
    tail = [] if at_end else tokens[-context:]
    left_out = len(tokens) - len(head) - len(tail)
    if left_out <= context // 2:
        return [piece]
    middle = Piece("skipped", f"{left_out} words")
    return [
        *([Piece("same", "".join(head))] if head else []),
        middle,
        *([Piece("same", "".join(tail))] if tail else []),
    ]
