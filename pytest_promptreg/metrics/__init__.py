"""Metrics: what they are called, the range they live in, and how one is made.

Importing this package imports no metric's machinery; :func:`create` does, for the metric that is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

DEFAULT_EMBEDDING_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric by name, with the bounds of its scores; ``high`` is what equal texts score.

    :param room: the module of this package that makes it.
    """

    name: str
    low: float
    high: float
    room: str


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """What a user may set about metrics.

    :param embedding_model: a sentence-transformers name or a folder.
    :param rouge_tokens: ``"unicode"`` or ``"rouge-score"`` (ASCII letters and digits, as the package of that name).
    :param threads: threads that a model may use; 0 leaves it to the library.
    """

    embedding_model: str = DEFAULT_EMBEDDING_MODEL
    rouge_tokens: str = "unicode"
    threads: int = 0


Pair = tuple[str, str]  # (what is scored, what it is compared with)


class Metric(Protocol):
    """Scores texts against texts."""

    name: str

    def signature(self) -> str:
        """What shapes the score, in one line: scores with unequal signatures are not comparable.

        :raises MetricError: when the metric cannot be had here (no embedding model, say).
        """

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """One score for each pair, in order.

        :raises MetricError: when it cannot be computed.
        """


METRICS: Mapping[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("bleu", 0.0, 100.0, "surface"),
        MetricInfo("chrf", 0.0, 100.0, "surface"),
        MetricInfo("exact", 0.0, 1.0, "surface"),
        MetricInfo("rouge_l", 0.0, 1.0, "surface"),
        MetricInfo("semantic", -1.0, 1.0, "embedding"),
    )
}


def create(name: str, settings: MetricSettings) -> Metric:
    """The metric of that name; loads what it needs on its own first use."""
    room = importlib.import_module(f".{METRICS[name].room}", __name__)
    metric: Metric = room.create(name, settings)
    return metric
