"""Vectors of texts of any length, each text or chunk embedded once: from memory, from disk, or by the embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..errors import MetricError
from ..text import well_formed
from .chunks import MOST_PIECES, Chunk, chunks

if TYPE_CHECKING:
    import numpy as np

    from . import Embedder
    from .cache import Store
    from .chunks import Cutter

_MOST_IN_MEMORY = 20_000  # vectors: 30 MB for MiniLM's


class Parts(NamedTuple):
    """A text in chunks, with the unit vector of each, float32[n, d]."""

    chunks: list[Chunk]
    vectors: np.ndarray


class Embeddings:
    """Unit vectors of texts and of their chunks.

    :param find: gives the embedder and what cuts texts for it; called on first need.
    :param store: where vectors are kept from run to run.
    """

    def __init__(self, find: Callable[[], tuple[Embedder, Cutter]], store: Store | None) -> None:
        self._find = find
        self._store = store
        self._known: dict[str, np.ndarray] = {}

    @cached_property
    def _found(self) -> tuple[Embedder, Cutter]:
        return self._find()

    @cached_property
    def fingerprint(self) -> str:
        """What shapes the vectors, and how texts are cut where that is not the model's own way.

        :raises MetricError: when the model cannot be had here.
        """
        embedder, cutter = self._found
        return f"{embedder.fingerprint}|pieces:{cutter.rule}" if cutter.rule else embedder.fingerprint

    def load(self) -> None:
        """Have the model ready before the first text, where there is something to load.

        :raises MetricError: when it cannot be had here.
        """
        load = getattr(self._found[0], "load", None)
        if load is not None:
            load()

    def whole(self, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """A unit vector, float32[d], for each text: the embedder's own for one that fits its window; for a longer one
        the mean of its chunks' vectors, weighted by their length.

        :raises MetricError: when they cannot be computed.
        """
        import numpy as np

        unique = dict.fromkeys(texts)
        long = {text: self._chunks(text) for text in self.long(unique)}
        chunked = (chunk.text for parts in long.values() for chunk in parts)
        vectors = self._encoded([*chunked, *(text for text in unique if text not in long)])
        for text, parts in long.items():
            weights = np.array([chunk.weight for chunk in parts], np.float32)
            mean = weights @ np.stack([vectors[chunk.text] for chunk in parts])
            vectors[text] = _unit(mean[None], "the mean of a text's chunks")[0]
        return {text: vectors[text] for text in unique}

    def parts(self, texts: Iterable[str]) -> dict[str, Parts]:
        """Each text in equal chunks of at most 128 pieces, with their vectors.

        :raises MetricError: when they cannot be computed.
        """
        import numpy as np

        cut = {text: self._chunks(text) for text in dict.fromkeys(texts)}
        vectors = self._encoded(chunk.text for parts in cut.values() for chunk in parts)
        return {text: Parts(parts, np.stack([vectors[chunk.text] for chunk in parts])) for text, parts in cut.items()}

    def long(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that do not fit the embedder's window, each once."""
        cutter = self._found[1]
        if cutter.room is None:
            return []
        unique = [text for text in dict.fromkeys(texts) if text not in self._known]  # what was embedded did fit
        counts = cutter.pieces([well_formed(text) for text in unique])
        return [text for text, count in zip(unique, counts, strict=True) if count > cutter.room]

    def _chunks(self, text: str) -> list[Chunk]:
        cutter = self._found[1]
        text = well_formed(text)
        return chunks(text, cutter.marks(text), min(MOST_PIECES, cutter.room or MOST_PIECES))

    def _encoded(self, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """The embedder's vector of each text as it stands."""
        wanted = dict.fromkeys(texts)
        found = {text: self._known[text] for text in wanted if text in self._known}
        new = [text for text in wanted if text not in found]
        if not new:
            return found
        embedder = self._found[0]
        kept = self._store.vectors(embedder.fingerprint, new) if self._store else {}
        if len({len(vector) for vector in kept.values()}) > 1:
            kept = {}
        computed = self._computed([text for text in new if text not in kept])
        widths = {len(vector) for vector in computed.values()} or {len(vector) for vector in found.values()}
        if wrong := [text for text, vector in kept.items() if widths and len(vector) not in widths]:
            computed |= self._computed(wrong)
        if computed and self._store:
            self._store.keep(embedder.fingerprint, computed)
        self._known |= kept | computed
        found |= kept | computed
        for text in list(self._known)[: max(0, len(self._known) - _MOST_IN_MEMORY)]:
            del self._known[text]
        return found

    def _computed(self, texts: list[str]) -> dict[str, np.ndarray]:
        import numpy as np

        if not texts:
            return {}
        embedder = self._found[0]
        vectors = np.asarray(embedder.encode([well_formed(text) for text in texts]), np.float32)
        name = type(embedder).__name__
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise MetricError(f"{name} gave an array of shape {vectors.shape} for {len(texts)} texts")
        return dict(zip(texts, _unit(vectors, name), strict=True))


def _unit(vectors: np.ndarray, whose: str) -> np.ndarray:
    """The vectors at length 1.

    :raises MetricError: when one has no direction: NaN, infinite, or zero.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise MetricError(
                f"{whose}: a vector that is no number, infinite or zero", next_step="use another embedding model"
            )
        return np.asarray(vectors / lengths, np.float32)
