"""Metrics: what they are called, the range they live in, and how one is made.

Importing this package imports no metric's machinery; :func:`create` does, for the metric that is asked for.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from ..model import ScoredCase

DEFAULT_EMBEDDING_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric by name, with the bounds of its scores.

    :param equal: what a text scores against itself; left out, ``high``.
    :param room: the module of this package that makes it; empty for a user's own.
    :param signal: whether it looks at the change from the baseline's output alone, so that a drop against a reference
        makes no sense.
    """

    name: str
    low: float
    high: float
    room: str = ""
    equal: float | None = None
    signal: bool = False

    @property
    def best(self) -> float:
        """What a text scores against itself."""
        return self.high if self.equal is None else self.equal


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """What a user may set about metrics.

    :param embedding_model: a sentence-transformers name, a folder, ``openai:NAME`` or ``module:name``: see embedders.
    :param rouge_tokens: ``"unicode"`` or ``"rouge-score"`` (ASCII letters and digits, as the package of that name).
    :param bleu_tokens: ``"auto"`` (by the script of the baseline's text) or one of sacrebleu's tokenizers.
    :param threads: threads that a model may use; 0 leaves it to the library.
    :param cache: the folder in which embeddings are kept from run to run; None for no such cache.
    """

    embedding_model: str = DEFAULT_EMBEDDING_MODEL
    rouge_tokens: str = "unicode"
    bleu_tokens: str = "auto"
    threads: int = 0
    cache: Path | None = None


class Pair(NamedTuple):
    """Two texts to compare.

    :param output: what is scored.
    :param baseline: what it is compared with: the accepted output, or in a drop the reference.
    :param case: the example and the prompt version behind them, where a metric wants to know.
    """

    output: str
    baseline: str
    case: ScoredCase | None = None


class Metric(Protocol):
    """Scores texts against texts."""

    name: str

    def signature(self) -> str:
        """What shapes the score, in one line: scores with unequal signatures are not comparable.

        :raises MetricError: when the metric cannot be had here (no embedding model, say).
        """

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """One score for each pair, in order; a pair's score does not depend on the pairs beside it.

        :raises MetricError: when it cannot be computed.
        """


METRICS: Mapping[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("bleu", 0.0, 100.0, "ngrams"),
        MetricInfo("chrf", 0.0, 100.0, "ngrams"),
        MetricInfo("exact", 0.0, 1.0, "overlap"),
        MetricInfo("rouge_l", 0.0, 1.0, "overlap"),
        MetricInfo("token_recall", 0.0, 1.0, "overlap"),
        MetricInfo("novel_recall", 0.0, 1.0, "overlap"),
        MetricInfo("json_fields", 0.0, 1.0, "fields"),
        MetricInfo("semantic", -1.0, 1.0, "embedding"),
        MetricInfo("semantic_worst", -1.0, 1.0, "embedding"),
        MetricInfo("nonempty", 0.0, 1.0, "signal", signal=True),
        MetricInfo("json_valid", 0.0, 1.0, "signal", signal=True),
        MetricInfo("json_shape", 0.0, 1.0, "signal", signal=True),
        MetricInfo("output_kind", 0.0, 1.0, "signal", signal=True),
        MetricInfo("script", 0.0, 1.0, "signal", signal=True),
        MetricInfo("repetition", 0.0, 1.0, "signal", signal=True),
        MetricInfo("refusal", 0.0, 1.0, "signal", signal=True),
        MetricInfo("length_ratio", 0.0, math.inf, "signal", equal=1.0, signal=True),
        MetricInfo("numbers", 0.0, 1.0, "signal", signal=True),
        MetricInfo("negation", 0.0, 1.0, "signal", signal=True),
        MetricInfo("entities", 0.0, 1.0, "signal", signal=True),
        MetricInfo("urls", 0.0, 1.0, "signal", signal=True),
        MetricInfo("symbols", 0.0, 1.0, "signal", signal=True),
        MetricInfo("order", 0.0, 1.0, "signal", signal=True),
    )
}


def create(name: str, settings: MetricSettings | None = None) -> Metric:
    """The built-in metric of that name; loads what it needs on its own first use."""
    room = importlib.import_module(f".{METRICS[name].room}", __name__)
    metric: Metric = room.create(name, settings or MetricSettings())
    return metric
