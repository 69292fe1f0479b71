"""What an import leaves out, or takes for something near: each with the place and the reason."""

from __future__ import annotations

from collections.abc import Iterator

from ..report.escape import one_line

NOTHING_LIKE_IT = "there is nothing like it here"

_WIDTH = 200  # characters of a configuration's own words in a line
_PLACES = 5  # that are named of one kind


class Leftovers:
    """Notes on what did not come along."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], dict[str, None]] = {}  # a place once, in order

    def __bool__(self) -> bool:
        return bool(self._places)

    def add(self, where: str, what: str, why: str) -> None:
        """Note it.

        :param where: ``file:line``.
        :param what: what stands there, in the configuration's words.
        """
        self._places.setdefault((one_line(what, _WIDTH), why), {})[where] = None

    def lines(self) -> Iterator[str]:
        """A line for each kind of thing, with its places."""
        for (what, why), places in self._places.items():
            more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
            yield f"{one_line(', '.join([*places][:_PLACES]), _WIDTH)}{more}: {what}: {why}"
