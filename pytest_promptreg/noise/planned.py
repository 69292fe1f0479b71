"""What a suite of another size would find, by the noise of the generations that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from . import power, spread
from .evidence import pooled
from .judging import allowed
from .spread import Spread
from .ways import Floats
from .words import ALPHA


@dataclass(frozen=True, slots=True)
class StoredNoise:
    """The noise of one term, from stored generations alone; make it with :meth:`of`.

    :param spread: of one example.
    :param stored: generations of an example; the fewest where they differ.
    :param unit: width of the scale on which the term is good: 1 for cosine and ROUGE, 100 for BLEU.
    :param share: of the suite's examples that have the term: where it needs a reference, those that have one.
    """

    spread: Spread
    stored: int
    unit: float = 1.0
    share: float = 1.0

    @classmethod
    def of(cls, tables: Iterable[Sequence[Sequence[float]]], unit: float = 1.0, share: float = 1.0) -> StoredNoise:
        """Make it of the scores of examples among their generations.

        :param tables: a square for each example, or one row of scores against its reference; two generations or more.
        :raises ValueError: without any.
        """
        shapes: dict[tuple[int, ...], list[Floats]] = {}
        for table in tables:
            scores = np.array(table, dtype=np.float64)
            shapes.setdefault(scores.shape, []).append(scores)
        if not shapes:
            raise ValueError("the noise of no example is not known")
        found = []
        for (height, stored), members in shapes.items():
            values = np.stack(members)
            of = spread.of_scores(values[:, 0], stored) if height == 1 else spread.of_similarities(values, stored)
            found.append((stored, len(members), of))
        return cls(pooled(found), min(stored for _, stored in shapes), unit, share)

    def smallest_drop(
        self, examples: int, samples: int, *, questions: int = 1, margin: float | None = None, alpha: float = ALPHA
    ) -> float:
        """The smallest drop that a suite of this size calls regressed in four runs of five, in the metric's unit.

        :param examples: at least one, of which the term's share has it; :param samples: outputs of each.
        :param questions: metrics x prompt versions that are judged together.
        :param margin: the drop that is put up with, as a share of the scale; left out, what the noise speaks for.
        """
        put_up_with = allowed(self.unit, self.spread.of_drop(self.stored, 1), margin)
        sd = self.spread.of_drop(self.stored, samples)
        having = max(min(examples, 1), round(examples * self.share))
        found = power.detectable(sd, having, margin=put_up_with, alpha=alpha / questions)
        if found is None:
            raise ValueError("a suite has at least one example")
        return found
