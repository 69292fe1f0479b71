"""A record as one line of text: JSON that carries a digest of itself, so that what was torn is never believed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ..errors import PredictError
from ..model import Output
from ..text import canonical_json
from ..weight import ROOM, largest, weight
from .keys import Parts

LONGEST = largest()  # bytes
_HEAD = b'{"sum":"'
_SUM = 16  # hex digits
_BODY = len(_HEAD) + _SUM + 2  # the body begins behind `",`
_KEY_HEAD = b'"key":"'
_KEY = 32
_SHORTEST = _BODY + len(_KEY_HEAD) + _KEY + 2
_NUMBERS = ("input_tokens", "output_tokens", "cost_usd", "latency_s")


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded output.

    :param suite, version, example: the case that it was recorded for: for people, and for pruning; no part of the key.
    """

    key: str
    suite: str
    version: str
    example: str
    parts: Parts
    output: Output

    @property
    def order(self) -> tuple[str, str, str, int, str]:
        """By which a pruned file is sorted."""
        return self.suite, self.version, self.example, self.parts.sample, self.key


def write(record: Record) -> bytes:
    """The line, with its line end."""
    output: dict[str, Any] = {"text": record.output.text}
    output |= {name: value for name in _NUMBERS if (value := getattr(record.output, name)) is not None}
    told = {
        "suite": record.suite,
        "version": record.version,
        "example": record.example,
        "made_from": record.parts.to_wire(),
        "output": output,
    }
    body = f'"key":"{record.key}",{canonical_json(told)[1:]}'.encode("utf-8", "replace")
    return b"".join((_HEAD, _sum(body), b'",', body, b"\n"))


def key_in(line: bytes) -> bytes | None:
    """The key of a line without its line end; None when the line is not what was written."""
    if len(line) < _SHORTEST or not line.startswith(_HEAD) or line[_BODY - 2 : _BODY] != b'",':
        return None
    body = line[_BODY:]
    if not body.startswith(_KEY_HEAD) or line[len(_HEAD) : _BODY - 2] != _sum(body):
        return None
    try:
        return bytes.fromhex(body[len(_KEY_HEAD) : len(_KEY_HEAD) + _KEY].decode("ascii"))
    except ValueError:
        return None


def is_ours(line: bytes) -> bool:
    """Whether a line without its line end begins as ours do, whole or torn."""
    return bool(line) and (line.startswith(_HEAD) or _HEAD.startswith(line))


def read(line: bytes) -> Record | None:
    """The record of a line without its line end; None when the line is not what was written."""
    if key_in(line) is None or weight(line) > ROOM:
        return None
    try:
        data = json.loads(line)
        record = Record(
            data["key"],
            data["suite"],
            data["version"],
            data["example"],
            Parts(**data["made_from"]),
            Output(**data["output"], replayed=True),
        )
    # Whole, and of another version of this package, or somebody's who knows how the digest is made.
    except (ValueError, KeyError, TypeError, RecursionError, PredictError):
        return None
    return record if _is_plain(record) else None


def _is_plain(record: Record) -> bool:
    """Whether its parts are of the kinds that were written."""
    parts = [getattr(record.parts, name) for name in Parts.__slots__ if name != "sample"]
    texts = [record.key, record.suite, record.version, record.example, *parts]
    return all(type(text) is str for text in texts) and type(record.parts.sample) is int and len(record.key) == _KEY


def _sum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:_SUM].encode("ascii")
