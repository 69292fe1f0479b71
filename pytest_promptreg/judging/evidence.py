"""What a case of a calibrated suite contributes to its verdict: how alike its stored generations and outputs are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from ..errors import MetricError
from ..metrics import MetricInfo
from ..model import ScoredCase
from .gates import metric_of, perfect
from .scoring import Comparison, Scorer

Table = list[list[float]]


class Evidence:
    """Compares all texts of a case with all.

    :param terms: similarities, and drops against the reference.
    """

    def __init__(self, terms: Sequence[str], scorer: Scorer, known: Mapping[str, MetricInfo]) -> None:
        self._similarities = tuple(term for term in terms if not term.startswith("drop("))
        self._drops = tuple(term for term in terms if term.startswith("drop("))
        self._drop_metrics = tuple(map(metric_of, self._drops))
        self._scorer = scorer
        self._known = known

    def of(self, texts: Sequence[str], case: ScoredCase) -> dict[str, Table]:
        """The tables of a case, by term: see ``CaseOutcome.noise``.

        :param texts: the stored generations, then the outputs.
        :raises MetricError: when a metric cannot score.
        """
        return self.of_all([(texts, case)])[0]

    def of_all(self, cases: Sequence[tuple[Sequence[str], ScoredCase]]) -> list[dict[str, Table]]:
        """The tables of several cases, each with its texts; every metric is asked once for all of them.

        :raises MetricError: when a metric cannot score one of them.
        """
        asked = [self._comparisons(list(dict.fromkeys(texts)), case) for texts, case in cases]
        scores = iter(self._scorer.score([comparison for comparisons in asked for comparison in comparisons]))
        return [
            self._tables(texts, {(one.output, one.accepted, one.terms): next(scores) for one in comparisons}, case)
            for (texts, case), comparisons in zip(cases, asked, strict=True)
        ]

    def _comparisons(self, texts: Sequence[str], case: ScoredCase) -> list[Comparison]:
        """Each text with each other, in both directions: what a text has that another lacks is no loss for some."""
        pairs = itertools.permutations(texts, 2) if self._similarities else ()
        asked = [Comparison(*pair, None, self._similarities, case) for pair in pairs]
        if (reference := self._reference(case)) is not None:
            asked += [Comparison(text, reference, None, self._drop_metrics, case) for text in texts]
        return asked

    def _reference(self, case: ScoredCase) -> str | None:
        return case.example.reference if self._drops else None

    def _tables(
        self,
        texts: Sequence[str],
        scores: Mapping[tuple[str, str, tuple[str, ...]], dict[str, float]],
        case: ScoredCase,
    ) -> dict[str, Table]:
        tables = {
            term: [
                [
                    perfect(term, self._known) if one == other else scores[one, other, self._similarities][term]
                    for other in texts
                ]
                for one in texts
            ]
            for term in self._similarities
        }
        if (reference := self._reference(case)) is not None:
            for term, metric in zip(self._drops, self._drop_metrics, strict=True):
                tables[term] = [[scores[text, reference, self._drop_metrics][metric] for text in texts]]
        for term, table in tables.items():
            if not all(math.isfinite(score) for row in table for score in row):
                raise MetricError(f"{metric_of(term)} gave no number, so nothing can be said of {term} under noise")
        return tables


def is_whole(term: str, table: Table, generations: int) -> bool:
    """Whether a table that was read from a file is one that :meth:`Evidence.of` makes."""
    width = len(table[0]) if table else 0
    height, least = (1, 1) if term.startswith("drop(") else (width, 2)
    shaped = len(table) == height and all(len(row) == width for row in table)
    return shaped and least <= generations < width and all(math.isfinite(score) for row in table for score in row)
