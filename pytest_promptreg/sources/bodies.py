"""The body of a server's answer, read in pieces, so that one without end is left and not waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

MOST_BYTES = 64_000_000
_LONGEST_S = 600.0
_PIECE = 16_384  # bytes as they are sent: a piece may unpack to a thousand times as many


class EndlessError(Exception):
    """An answer is longer than any that is asked for, or takes longer."""


def body_of(response: requests.Response) -> bytes:
    """What a response that was asked for as a stream says, unpacked.

    :raises EndlessError: when it is too long, or does not come to an end in time; the connection is closed then.
    :raises requests.RequestException: when the connection is lost, or what comes cannot be unpacked.
    """
    pieces, size, end = [], 0, time.monotonic() + _LONGEST_S
    try:
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise EndlessError(f"an answer of more than {MOST_BYTES // 1_000_000} MB")
            if time.monotonic() > end:
                raise EndlessError(f"an answer that had no end after {_LONGEST_S:g} s")
    except BaseException:
        response.close()
        raise
    return b"".join(pieces)
