"""A metric that looks at values: which of those of a JSON document another one has at the same place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from ..equality import NO_JSON, parse_json
from ..signals.kind import in_fence
from ..text import remembered
from . import Metric, MetricSettings, Pair
from .recall import alike

LONGEST = 40  # characters of a value; a longer one is text, which a sampled model words otherwise each time
_TEXT = ("text", "")
_Value = tuple[Hashable, Hashable]


def create(_name: str, _settings: MetricSettings) -> Metric:
    """``json_fields``: nothing can be set."""
    return JsonFields()


class JsonFields:
    """The share of two JSON documents' values that both have at the same place, 0 to 1 (Dice's coefficient).

    A place is the path of keys to a value; the elements of an array share theirs, in whatever order they come. Numbers
    are equal when they are worth the same, texts when they are the same. A text of more than 40 characters is prose: it
    counts neither for nor against where the other document has prose too. A code fence around a document is read over.
    Where only one of two texts is JSON, or neither is, they score 1 when they are equal but for white space, else 0.
    """

    name = "json_fields"

    def signature(self) -> str:
        """How long a value may be."""
        return f"json_fields|v1|prose:>{LONGEST}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The share for each pair."""
        return [_share(output, baseline) for output, baseline, _ in pairs]


def is_document(text: str) -> bool:
    """Whether a text is a JSON object or array, by itself or in one code fence."""
    return _document(text) is not NO_JSON


def _share(output: str, baseline: str) -> float:
    values, others = _values(output), _values(baseline)
    if values is None or others is None:
        return float(alike(output, baseline))
    shared = values & others
    prose = sum(times for (_, value), times in shared.items() if value == _TEXT)
    total = values.total() + others.total() - 2 * prose
    return 2.0 * (shared.total() - prose) / total if total else 1.0


@remembered(256)
def _values(text: str) -> Counter[_Value] | None:
    """Each value with its path, as often as it stands there; None for a text that is no JSON."""
    document = _document(text)
    return None if document is NO_JSON else Counter(_leaves(document))


def _document(text: str) -> Any:
    inside = in_fence(text) if text.lstrip()[:1] in {"`", "~"} else None
    return parse_json(text if inside is None else inside, parse_float=Decimal)


def _leaves(document: Any) -> Iterator[_Value]:
    todo: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict) and value:
            todo += [((*path, f".{key}"), below) for key, below in value.items()]
        elif isinstance(value, list) and value:
            todo += [((*path, "[]"), below) for below in value]
        else:
            yield path, _plain(value)


def _plain(value: Any) -> Hashable:
    """A value that equals what says the same, and nothing of another kind: ``true`` is not 1."""
    if isinstance(value, str):
        return _TEXT if len(value) > LONGEST else ("string", value)
    if isinstance(value, bool) or value is None:
        return ("word", str(value))
    if isinstance(value, dict | list):
        return ("empty", type(value).__name__)
    return ("number", value)
