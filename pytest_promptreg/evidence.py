"""What a case of a calibrated suite contributes to its verdict: how alike its stored generations and outputs are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from .errors import MetricError
from .gates import metric_of, perfect
from .metrics import MetricInfo
from .model import ScoredCase
from .scoring import Comparison, Scorer

Table = list[list[float]]


class Evidence:
    """Compares all texts of a case with all.

    :param terms: similarities, and drops against the reference.
    """

    def __init__(self, terms: Sequence[str], scorer: Scorer, known: Mapping[str, MetricInfo]) -> None:
        self._similarities = tuple(term for term in terms if not term.startswith("drop("))
        self._drops = tuple(term for term in terms if term.startswith("drop("))
        self._scorer = scorer
        self._known = known

    def of(self, texts: Sequence[str], case: ScoredCase) -> dict[str, Table]:
        """The tables of a case, by term: see ``CaseOutcome.noise``.

        :param texts: the stored generations, then the outputs.
        :raises MetricError: when a metric cannot score.
        """
        tables = self._all_with_all(texts, case) if self._similarities else {}
        reference = case.example.reference
        if reference is not None and self._drops:
            tables |= self._against(reference, texts, case)
        for term, table in tables.items():
            if not all(math.isfinite(score) for row in table for score in row):
                raise MetricError(f"{metric_of(term)} gave no number, so nothing can be said of {term} under noise")
        return tables

    def _all_with_all(self, texts: Sequence[str], case: ScoredCase) -> dict[str, Table]:
        """Each text with each other, in both directions: what a text has that another lacks is no loss for some."""
        pairs = list(itertools.permutations(dict.fromkeys(texts), 2))
        scores = self._scorer.score([Comparison(*pair, None, self._similarities, case) for pair in pairs])
        by_pair = dict(zip(pairs, scores, strict=True))
        return {
            term: [
                [perfect(term, self._known) if one == other else by_pair[one, other][term] for other in texts]
                for one in texts
            ]
            for term in self._similarities
        }

    def _against(self, reference: str, texts: Sequence[str], case: ScoredCase) -> dict[str, Table]:
        metrics = tuple(map(metric_of, self._drops))
        distinct = list(dict.fromkeys(texts))
        scores = self._scorer.score([Comparison(text, reference, None, metrics, case) for text in distinct])
        by_text = dict(zip(distinct, scores, strict=True))
        return {
            term: [[by_text[text][metric] for text in texts]] for term, metric in zip(self._drops, metrics, strict=True)
        }


def is_whole(term: str, table: Table, generations: int) -> bool:
    """Whether a table that was read from a file is one that :meth:`Evidence.of` makes."""
    width = len(table[0]) if table else 0
    height, least = (1, 1) if term.startswith("drop(") else (width, 2)
    shaped = len(table) == height and all(len(row) == width for row in table)
    return shaped and least <= generations < width and all(math.isfinite(score) for row in table for score in row)
