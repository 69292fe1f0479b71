"""Semantic similarity: the cosine of the embeddings of two texts, as wholes or by their worst part."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..embedders import create as create_embeddings
from ..embedders.chunks import MOST_PIECES
from ..errors import MetricError
from . import Metric, MetricSettings, Pair

if TYPE_CHECKING:
    import numpy as np

    from ..embedders.vectors import Embeddings, Parts

_VERSION = "v2"
_SHOWN = 80  # characters of a chunk by which a person finds it


def create(name: str, settings: MetricSettings) -> Metric:
    """``semantic`` or ``semantic_worst``; those with equal settings share an embedder and its vectors."""
    embeddings = _embeddings(settings.embedding_model, settings.threads, settings.cache)
    return SemanticWorst(embeddings) if name == "semantic_worst" else Semantic(embeddings)


@functools.lru_cache(maxsize=4)
def _embeddings(model: str, threads: int, cache: Path | None) -> Embeddings:
    return create_embeddings(model, threads=threads, cache=cache)


class WorstChunk(NamedTuple):
    """The part of a pair that the other text says least of.

    :param side: the text that it is a part of.
    :param text: the part itself.
    :param score: its cosine with the part of the other text that is nearest to it.
    """

    side: Literal["output", "baseline"]
    text: str
    score: float


class Semantic:
    """Cosine of the embeddings of two texts, -1 to 1.

    A text longer than the model's window counts with the mean of its chunks' vectors, weighted by their length.
    """

    name = "semantic"

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings

    def signature(self) -> str:
        """The model, by the digest of its weights, how it is applied, and what is done with long texts."""
        return f"{self.name}|{_VERSION}|cosine|{self._embeddings.fingerprint}|long:mean<={MOST_PIECES}"

    def load(self) -> None:
        """Have the model ready before the first pair.

        :raises MetricError: when it cannot be had here.
        """
        self._embeddings.load()

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The cosine for each pair. Equal texts and two blank ones score 1, a blank one against another text 0; no
        model is needed for these."""
        known = [_without_model(pair) for pair in pairs]
        asked = [pair for pair, value in zip(pairs, known, strict=True) if value is None]
        found = iter(self._cosines(asked) if asked else ())
        return [next(found) if value is None else value for value in known]

    def _cosines(self, pairs: list[Pair]) -> list[float]:
        vectors = self._embeddings.whole(text for pair in pairs for text in pair[:2])
        return [_cosine(vectors[pair[0]], vectors[pair[1]]) for pair in pairs]


class SemanticWorst(Semantic):
    """Cosine of the worst part of two long texts, -1 to 1: a paragraph that was replaced, wherever it stands.

    Both texts are cut into equal chunks; each chunk scores its cosine with the nearest chunk of the other text, and
    the lowest of all these is the pair's. Two texts that fit the model's window score what ``semantic`` gives them.
    """

    name = "semantic_worst"

    def signature(self) -> str:
        """As that of ``semantic``, with its own rule for long texts."""
        return f"{self.name}|{_VERSION}|cosine|{self._embeddings.fingerprint}|long:worst<={MOST_PIECES}"

    def explain(self, pair: Pair) -> str:
        """Which part of which text it is, for a person; empty where neither text is cut.

        :raises MetricError: when it cannot be computed.
        """
        if not self._is_cut(pair):
            return ""
        side, text, _ = self.worst_chunk(pair)
        beginning = " ".join(text.split())[:_SHOWN].rstrip()
        return f'nothing in the {"baseline" if side == "output" else "output"} is like "{beginning}..." of the {side}'

    def worst_chunk(self, pair: Pair) -> WorstChunk:
        """The chunk that gives the pair its score; the whole output, where neither text is cut.

        :raises MetricError: when it cannot be computed.
        """
        if not self._is_cut(pair):
            return WorstChunk("output", pair[0], self.score([pair])[0])
        parts = self._embeddings.parts(pair[:2])
        return _worst(parts[pair[0]], parts[pair[1]])

    def _is_cut(self, pair: Pair) -> bool:
        return _without_model(pair) is None and bool(self._embeddings.long(pair[:2]))

    def _cosines(self, pairs: list[Pair]) -> list[float]:
        long = set(self._embeddings.long(text for pair in pairs for text in pair[:2]))
        is_cut = [pair[0] in long or pair[1] in long for pair in pairs]
        whole = [pair for pair, cut in zip(pairs, is_cut, strict=True) if not cut]
        found = iter(super()._cosines(whole) if whole else ())
        parts = self._embeddings.parts(
            text for pair, cut in zip(pairs, is_cut, strict=True) if cut for text in pair[:2]
        )
        return [
            _worst(parts[pair[0]], parts[pair[1]]).score if cut else next(found)
            for pair, cut in zip(pairs, is_cut, strict=True)
        ]


def _without_model(pair: Pair) -> float | None:
    text, other = pair[:2]
    if text == other:
        return 1.0
    blanks = (not text.strip()) + (not other.strip())
    return None if blanks == 0 else float(blanks == 2)


def _worst(output: Parts, baseline: Parts) -> WorstChunk:
    import numpy as np

    cosines = output.vectors.astype(np.float64) @ baseline.vectors.astype(np.float64).T
    of_output, of_baseline = cosines.max(axis=1), cosines.max(axis=0)
    in_output, in_baseline = int(of_output.argmin()), int(of_baseline.argmin())
    if of_output[in_output] <= of_baseline[in_baseline]:
        return WorstChunk("output", output.chunks[in_output].text, _in_range(of_output[in_output]))
    return WorstChunk("baseline", baseline.chunks[in_baseline].text, _in_range(of_baseline[in_baseline]))


def _cosine(vector: np.ndarray, other: np.ndarray) -> float:
    import numpy as np

    return _in_range(np.dot(vector.astype(np.float64), other.astype(np.float64)))


def _in_range(cosine: float) -> float:
    """As a plain number, with rounding taken back.

    :raises MetricError: for NaN, which ``min(1.0, nan)`` would make a perfect score.
    """
    value = float(cosine)
    if not -1.01 < value < 1.01:
        raise MetricError(f"a cosine of {value}", next_step="use another embedding model")
    return max(-1.0, min(1.0, value))
