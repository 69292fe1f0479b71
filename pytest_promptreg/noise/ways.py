"""What could have been otherwise: one example's statistic for every way of choosing which of its texts are "the new".

If nothing changed, the stored generations and the new samples of an example were all made the same way, and which of
them are called new is an accident. So the number that is computed for the new ones may be computed for every other
choice, and the observed one is a random draw among them. That holds whatever the scores look like (no normal
distribution, no equal difficulty), and is all that :mod:`permutation` needs (E. Pitman 1937; R. A. Fisher 1935).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_WAYS = 256  # of one example; also what a byte can count
_SEED = 20_240_101  # of the sampled ways only: fixed, so that a rerun says the same
_CHUNK = 4_000_000  # numbers held at once while statistics are computed


def of_similarities(matrices: Floats, stored: int) -> tuple[Floats, Floats]:
    """Statistics of texts that are compared with each other.

    The statistic of a way is the mean similarity of the texts that it calls new to those that it does not: low for a
    text that is unlike all others, hence "odd one out" where there is one new text.

    :param matrices: ``(n, t, t)``: for each of n examples the score of text ``row`` compared with text ``column``, the
        stored generations first. The diagonal is not used. Larger is more alike.
    :param stored: how many of the t texts are stored generations, at least two; the other k are new.
    :returns: ``(n, C)``, the statistic of each of the C ways, the observed one first; and ``(n,)``, the drop: mean
        similarity of the stored generations to each other minus the observed statistic, in the metric's unit.
    """
    matrices = np.asarray(matrices, dtype=np.float64)
    n, texts = _checked(matrices, stored, least=2)
    if matrices.shape != (n, texts, texts):
        raise ValueError(f"similarities are square for each example, not {matrices.shape}")
    among = (matrices[:, :stored, :stored].sum((1, 2)) - np.einsum("nii->n", matrices[:, :stored, :stored])) / (
        stored * (stored - 1)
    )
    observed = matrices[:, stored:, :stored].mean((1, 2))
    pairs = (texts - stored) * stored
    parts = [((new @ matrices[part]) * (1.0 - new)).sum(2) / pairs for part, new in _choices(n, texts, texts - stored)]
    statistics = np.concatenate(parts) if parts else np.empty((0, 1))
    return statistics, among - observed


def of_scores(scores: Floats, stored: int) -> tuple[Floats, Floats]:
    """Statistics of texts that are each scored by themselves, against a reference say.

    The statistic of a way is the mean score of the texts that it calls new minus the mean score of the others.

    :param scores: ``(n, t)``: for each of n examples the score of each text, the stored generations first; larger is
        better.
    :param stored: how many of the t texts are stored generations, at least one.
    :returns: as :func:`of_similarities`; the drop is the mean of the stored minus the mean of the new scores.
    """
    scores = np.asarray(scores, dtype=np.float64)
    n, texts = _checked(scores, stored, least=1)
    if scores.shape != (n, texts):
        raise ValueError(f"scores are one row for each example, not {scores.shape}")
    samples = texts - stored
    total = scores.sum(1, keepdims=True)
    parts = []
    for part, new in _choices(n, texts, samples):
        chosen = (new @ scores[part][:, :, None])[:, :, 0]
        parts.append(chosen / samples - (total[part] - chosen) / stored)
    statistics = np.concatenate(parts) if parts else np.empty((0, 1))
    return statistics, scores[:, :stored].mean(1) - scores[:, stored:].mean(1)


def _checked(values: Floats, stored: int, least: int) -> tuple[int, int]:
    if values.ndim < 2:
        raise ValueError(f"one row for each example, not an array of {values.ndim} dimensions")
    n, texts = values.shape[:2]
    if not least <= stored < texts:
        raise ValueError(f"{stored} of {texts} texts are stored: at least {least}, and one new, are needed")
    if not np.isfinite(values).all():
        raise ValueError("a score is no finite number: what could not be scored is no evidence")
    return n, texts


def _choices(n: int, texts: int, samples: int) -> Iterator[tuple[slice, Floats]]:
    """Of each part of the examples, which texts each way calls new: ones in ``(n, C, t)``.

    Where there are more ways than :data:`MOST_WAYS`, the observed one and a random sample of the others, of each
    example its own. That stays valid: if nothing changed, the observed way is itself a random one, so that any of
    them could have been it (J. Hemerik and J. Goeman 2018, "Exact testing with random permutations").
    """
    every = None if math.comb(texts, samples) > MOST_WAYS else _every_way(texts, samples)
    random = np.random.default_rng(_SEED)
    size = max(1, _CHUNK // (MOST_WAYS * texts))
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        height = part.stop - part.start
        if every is not None:
            yield part, np.broadcast_to(every, (height, *every.shape))
            continue
        new = (random.random((height, MOST_WAYS, texts)).argsort(2) < samples).astype(np.float64)
        new[:, 0] = np.arange(texts) >= texts - samples
        yield part, new


def _every_way(texts: int, samples: int) -> Floats:
    observed = tuple(range(texts - samples, texts))
    ways = [observed, *(way for way in itertools.combinations(range(texts), samples) if way != observed)]
    new = np.zeros((len(ways), texts))
    for place, way in enumerate(ways):
        new[place, list(way)] = 1.0
    return new
