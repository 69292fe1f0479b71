"""Long texts in chunks: an embedder reads no further than its window, and what it does not read it cannot compare.

A chunk is a piece of the text as it stands, from the start of a word to the start of another, and chunks of one text
are of about one size: a small last one would be noise.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_PIECES = 128  # in a chunk: larger ones hide a replaced paragraph, measured on real answers
_ESTIMATED_ROOM = 512
_BYTES_IN_A_PIECE = 3
_LONGEST_UNIT = 12
_UNIT = re.compile(rf"\S{{1,{_LONGEST_UNIT}}}")


class Chunk(NamedTuple):
    """A part of a text.

    :param weight: its length in pieces.
    """

    text: str
    weight: int


class Marks(NamedTuple):
    """Where a text can be cut, in order.

    :param offsets: the characters at which its units start.
    :param ends: for each unit, how many pieces the text has up to its end.
    :param words: for each unit, whether a word starts there.
    """

    offsets: list[int]
    ends: list[int]
    words: list[bool]

    @property
    def pieces(self) -> int:
        """How many pieces the text has."""
        return self.ends[-1] if self.ends else 0


class Cutter(Protocol):
    """Counts the pieces of texts as an embedder does, or nearly so."""

    @property
    def room(self) -> int | None:
        """How many pieces the embedder reads; None for any number."""

    @property
    def rule(self) -> str:
        """How it counts, where that is not the model's own way; empty where it is."""

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """How many pieces each text has."""

    def marks(self, text: str) -> Marks:
        """Where a text can be cut."""


class TokenCutter:
    """Counts by the model's own tokenizer.

    :param room: how many pieces the model reads of a text; None for any number.
    """

    rule = ""

    def __init__(self, tokenizer: Tokenizer, room: int | None) -> None:
        self._tokenizer = tokenizer
        self.room = room

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """How many pieces each text has, without the marks at its ends."""
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def marks(self, text: str) -> Marks:
        """A unit is what the tokenizer does not divide, a word what it looks up by itself."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        marks = Marks([], [], [])
        last_word, last_offset = None, -1
        for count, ((offset, _), word) in enumerate(zip(encoding.offsets, encoding.word_ids, strict=True), start=1):
            if offset <= last_offset:  # one character in several pieces
                marks.ends[-1] = count
                continue
            marks.offsets.append(offset)
            marks.ends.append(count)
            marks.words.append(word is None or word != last_word)
            last_word, last_offset = word, offset
        return marks


class WordCutter:
    """Estimates, where the tokenizer is not known: a piece for every three bytes of a word in UTF-8, at least one.

    That is more than tokenizers make of most texts (a word of English is 1.3 pieces and counts 2, a Chinese character
    is about one and counts one), so that a chunk is rather too short than cut off. A word of more than 12 characters
    counts as several units, for writing without spaces.
    """

    room = _ESTIMATED_ROOM
    rule = "estimated"

    def pieces(self, texts: Sequence[str]) -> list[int]:
        """How many pieces each text has, estimated."""
        return [sum(_estimate(match[0]) for match in _UNIT.finditer(text)) for text in texts]

    def marks(self, text: str) -> Marks:
        """A unit is a word, or 12 characters of a longer one."""
        marks = Marks([], [], [])
        count = 0
        for match in _UNIT.finditer(text):
            count += _estimate(match[0])
            marks.offsets.append(match.start())
            marks.ends.append(count)
            marks.words.append(match.start() == 0 or text[match.start() - 1].isspace())
        return marks


def _estimate(unit: str) -> int:
    return -(-len(unit.encode("utf-8", "replace")) // _BYTES_IN_A_PIECE)


def chunks(text: str, marks: Marks, most: int = MOST_PIECES) -> list[Chunk]:
    """The text in chunks of about one size with at most ``most`` pieces each; one chunk where that is enough.

    It is cut where words start; inside a word only where one alone is longer than a chunk.
    """
    if marks.pieces <= most:
        return [Chunk(text, max(1, marks.pieces))]
    everywhere = range(1, len(marks.offsets))
    fewest = -(-marks.pieces // most)
    for places in ([place for place in everywhere if marks.words[place]], list(everywhere)):
        for count in range(fewest, 2 * fewest + 1):
            if (cuts := _cuts(marks, places, count, most)) is not None:
                return _cut(text, marks, cuts)
    return _cut(text, marks, list(everywhere))  # single characters of more pieces than a chunk


def _cuts(marks: Marks, places: list[int], count: int, most: int) -> list[int] | None:
    """The places nearest to ``count`` equal parts; None where a part would be too long."""
    sizes = [marks.ends[place - 1] for place in places]
    cuts = []
    for part in range(1, count):
        wanted = marks.pieces * part / count
        right = bisect_left(sizes, wanted)
        near = [place for place in (right - 1, right) if 0 <= place < len(places)]
        if near:
            cuts.append(places[min(near, key=lambda place: abs(sizes[place] - wanted))])
    cuts = sorted(set(cuts))
    bounds = [0, *(marks.ends[cut - 1] for cut in cuts), marks.pieces]
    too_long = any(after - before > most for before, after in pairwise(bounds))
    return None if too_long else cuts


def _cut(text: str, marks: Marks, cuts: list[int]) -> list[Chunk]:
    places = [0, *cuts, len(marks.offsets)]
    found = []
    for first, end in pairwise(places):
        start = marks.offsets[first] if first else 0
        stop = marks.offsets[end] if end < len(marks.offsets) else len(text)
        before = marks.ends[first - 1] if first else 0
        found.append(Chunk(text[start:stop].strip(), marks.ends[end - 1] - before))
    return found
