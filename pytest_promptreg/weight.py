"""What reading a file may cost in memory, estimated before it is read from its size and from how dense it is.

Three characters of JSON can be an empty list, which takes Python eighty bytes: no reader keeps within some times the
size of every file. So what would take more than there is room for is refused, and what people write is far from it.
"""

from __future__ import annotations

ROOM = 2_000_000_000  # bytes, for what one file holds or for the examples of one suite
LARGE_ROOM = 2 * ROOM  # for the results of a run
LONGEST_ROW = 64_000_000  # bytes of a file of rows: a single one is in memory several times over while it is read
OF_ROW = 1_000  # an example, its names and its place
_OF_BYTE = 8  # a character takes up to four bytes in Python, while it is read and when it is kept
_OF_VALUE = 60
_MARKS = ",:[{"  # one of them stands before or behind every value of JSON


def largest(room: int = ROOM) -> int:
    """The size of the largest file for which there is room, in bytes."""
    return room // _OF_BYTE


def weight(text: str | bytes) -> int:
    """The bytes of memory that a text of JSON or CSV comes to, about; more rather than less."""
    if isinstance(text, bytes):
        values = sum(text.count(mark.encode()) for mark in _MARKS)
    else:
        values = sum(map(text.count, _MARKS))
    return _OF_BYTE * len(text) + _OF_VALUE * values


def shown(size: int) -> str:
    """A size as a message says it: ``250 MB``, ``2 GB``."""
    return f"{size / 1e9:g} GB" if size >= 1e9 else f"{size / 1e6:g} MB"
