"""Scores that vary by themselves, for the tests: texts as points, more or less near to each other."""

from __future__ import annotations

import numpy as np

from pytest_promptreg.noise.evidence import ExampleScores, TermEvidence
from pytest_promptreg.noise.ways import Floats


def matrices(
    random: np.random.Generator, n: int, stored: int, samples: int = 1, *, shift: float = 0.0, noise: float = 0.1
) -> Floats:
    """Similarities (n, t, t) of points around each example's centre; the new points lie ``shift`` further off."""
    points = noise * random.standard_normal((n, stored + samples, 4))
    points[:, stored:, 0] += shift
    apart = np.sqrt(((points[:, :, None] - points[:, None]) ** 2).sum(3))
    skew = 0.01 * random.standard_normal(apart.shape)  # scores are directed: BLEU of a by b is not that of b by a
    return np.asarray(1.0 - apart - np.abs(skew) * (apart > 0), dtype=np.float64)


def evidence(values: Floats, stored: int, unit: float = 1.0) -> TermEvidence:
    """A term's evidence of arrays: (n, t, t) of similarities or (n, t) of scores against a reference."""
    rows = values[:, None, :] if values.ndim == 2 else values
    return TermEvidence.of([ExampleScores(row.tolist(), stored) for row in rows], unit=unit)
