"""Any sentence-transformers model, by sentence-transformers itself."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import MetricError
from .models import ModelFiles

if TYPE_CHECKING:
    import numpy as np

_BATCH = 32  # larger ones are slower on a CPU: short texts are padded to the longest


class TransformerEmbedder:
    """Unit vectors by the library that the model was made with.

    :param threads: threads for torch; 0 leaves it alone.
    """

    def __init__(self, files: ModelFiles, threads: int) -> None:
        self._files = files
        self._threads = threads

    @property
    def fingerprint(self) -> str:
        """From the model's files alone: no torch is needed to tell."""
        return self._files.fingerprint

    @cached_property
    def _model(self) -> Any:
        folder = str(self._files.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import torch
                from sentence_transformers import SentenceTransformer
                from transformers.utils import logging

                logging.disable_progress_bar()  # type: ignore[no-untyped-call]
                if self._threads:
                    torch.set_num_threads(self._threads)
                return SentenceTransformer(folder, device="cpu", local_files_only=True)
            except Exception as exc:
                raise MetricError(
                    f"the embedding model in {folder} cannot be loaded: {type(exc).__name__}: {exc}",
                    next_step="set promptreg_embedding_model to the folder of a sentence-transformers model",
                ) from exc

    def load(self) -> None:
        """Import torch and read the weights now, which takes seconds.

        :raises MetricError: when the model cannot be loaded.
        """
        _ = self._model

    def encode(self, texts: list[str]) -> np.ndarray:
        """Unit vectors, float32[n, d]; the library itself batches texts of like length."""
        vectors: np.ndarray = self._model.encode(
            texts, batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return vectors
