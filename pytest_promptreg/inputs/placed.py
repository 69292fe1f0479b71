"""Mappings that know where they were written, so that what is wrong with one can be told at its own line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Placed(dict[str, Any]):
    """A mapping from a file.

    :param where: its ``file:line``.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where


def place_of(value: object, otherwise: str) -> str:
    """Where a value was written; ``otherwise`` for one that does not know."""
    return value.where if isinstance(value, Placed) else otherwise
