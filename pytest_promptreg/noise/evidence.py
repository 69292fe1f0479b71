"""The scores of one term, example by example, made ready for judging."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from . import spread, ways
from .spread import Spread
from .ways import Floats


@dataclass(frozen=True, slots=True)
class ExampleScores:
    """What was scored of one example.

    :param scores: a square for a similarity term: row = text, column = the text it is compared with; one row for a
        term against a reference: each text's score. The stored generations come first.
    :param stored: how many of the texts are stored generations: two or more for a square, one or more for a row.
    """

    scores: Sequence[Sequence[float]]
    stored: int


@dataclass(frozen=True, slots=True)
class TermEvidence:
    """One term's evidence of one prompt version; make it with :meth:`of`.

    :param unit: width of the scale on which the term is good: 1 for cosine and ROUGE, 100 for BLEU.
    :param drops: of each example, in the order given: mean of the stored minus mean of the new, larger is worse.
    :param groups: the statistics of :mod:`ways`, ``(n, C)`` for examples with equally many texts.
    :param places: of each group's rows, the example's place in the order given.
    :param spread: the noise of one example, from stored generations wherever there are two.
    :param stored: stored generations of an example, :param samples: its new outputs; the fewest where they differ.
    """

    unit: float
    drops: Floats
    groups: tuple[Floats, ...]
    places: tuple[tuple[int, ...], ...]
    spread: Spread
    stored: int
    samples: int

    @property
    def examples(self) -> int:
        """How many examples there are: the number that every conclusion rests on, however many samples each has."""
        return len(self.drops)

    @property
    def drop(self) -> float:
        """The mean drop, in the metric's unit; 0 without examples."""
        return float(self.drops.mean()) if len(self.drops) else 0.0

    @property
    def noise_sd(self) -> float:
        """Standard deviation of one example's drop with one new output, when nothing changed, in the metric's unit."""
        return self.spread.of_drop(self.stored, 1) if self.stored else 0.0

    @classmethod
    def of(cls, examples: Iterable[ExampleScores], *, unit: float = 1.0, higher_is_better: bool = True) -> TermEvidence:
        """Make it of the scores of examples, all squares or all rows.

        :raises ValueError: for a score that is no finite number, or an example with too few texts: either would have to
            be left out, and what is left out silently passes.
        """
        shapes: dict[tuple[int, int, int], list[tuple[int, Floats]]] = {}
        total = 0
        for place, example in enumerate(examples):
            scores = np.array(example.scores, dtype=np.float64)
            if scores.ndim != 2:
                raise ValueError(f"scores are a square or one row, not of {scores.ndim} dimensions")
            shapes.setdefault((*scores.shape, example.stored), []).append((place, scores))
            total += 1
        if len({height == 1 for height, _, _ in shapes}) > 1:
            raise ValueError("some examples are scored against a reference and others against each other")
        drops = np.zeros(total)
        groups, places, spreads = [], [], []
        for (height, _, stored), members in shapes.items():
            at = tuple(place for place, _ in members)
            values = np.stack([scores for _, scores in members]) * (1.0 if higher_is_better else -1.0)
            if height == 1:
                statistics, drops[list(at)] = ways.of_scores(values[:, 0], stored)
                spreads.append((stored, len(at), spread.of_scores(values[:, 0], stored)))
            else:
                statistics, drops[list(at)] = ways.of_similarities(values, stored)
                spreads.append((stored, len(at), spread.of_similarities(values, stored)))
            groups.append(statistics)
            places.append(at)
        return cls(
            unit,
            drops,
            tuple(groups),
            tuple(places),
            pooled(spreads),
            min((stored for _, _, stored in shapes), default=0),
            min((width - stored for _, width, stored in shapes), default=0),
        )


def pooled(spreads: Sequence[tuple[int, int, Spread]]) -> Spread:
    """The mean over examples, those with most to tell: with three generations or more, else two, else one.

    :param spreads: stored generations, examples that have so many, and their spread.
    """
    best = max((min(stored, 3) for stored, _, _ in spreads), default=0)
    told = [(examples, one) for stored, examples, one in spreads if min(stored, 3) == best]
    total = sum(examples for examples, _ in told)
    if not total:
        return Spread(0.0)
    return Spread(
        sum(examples * one.own for examples, one in told) / total,
        sum(examples * one.pair for examples, one in told) / total,
    )
