"""The light path: a BERT encoder with mean pooling, such as MiniLM, without torch and transformers.

A first vector after half a second instead of five, and the same as sentence-transformers' to 1e-6. Only a model that
says of itself, in every file, exactly what is computed here is taken; with any doubt it is sentence-transformers'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import MetricError
from ..machine import processors
from . import bert
from .models import ModelFiles

if TYPE_CHECKING:
    import numpy as np

_BATCH_PIECES = 1024
_MOST_THREADS = 8  # each has about 20 MB of its own
_MODULES = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
_TRANSFORMER_SETTINGS: dict[str, object] = {
    "do_lower_case": False,
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}
_CONFIG: dict[str, object] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "dtype": "float32",
    "torch_dtype": "float32",
    "is_decoder": False,
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
    "pruned_heads": {},
}
_REQUIRED = {"model_type", "hidden_act", "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers"}
_PIECES = "embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
# What transformers makes of a tokenizer of this class where tokenizer_config.json says nothing.
_TOKENIZER_CLASSES = {"BertTokenizer", "BertTokenizerFast"}
_NORMALISATION = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}


def suits(files: ModelFiles) -> bool:
    """Whether the model is exactly of the kind that is computed here."""
    return _is_mean_of_bert(files) and _splits_as_bert(files) and _has_its_weights(files)


def _is_mean_of_bert(files: ModelFiles) -> bool:
    config, settings = files.config, files.json("sentence_bert_config.json")
    known = {**_TRANSFORMER_SETTINGS, "max_seq_length": settings.get("max_seq_length")}
    return (
        [kind for kind, _ in files.modules] in _MODULES
        and files.modules[0][1] == ""
        and files.pooling == "mean"
        and not files.prompt
        and all(name in known and value in (known[name], None) for name, value in settings.items())
        and config.keys() >= _REQUIRED
        and all(config.get(name, value) == value for name, value in _CONFIG.items())
        and not (files.folder / "adapter_config.json").exists()
        and files.window is not None
        and 2 < files.window <= config.get("max_position_embeddings", 0)
    )


def _splits_as_bert(files: ModelFiles) -> bool:
    written, settings = files.json("tokenizer.json"), files.json("tokenizer_config.json")
    normalizer = written.get("normalizer") or {}
    found = {"do_lower_case": normalizer.get("lowercase"), "strip_accents": normalizer.get("strip_accents")}
    found["tokenize_chinese_chars"] = normalizer.get("handle_chinese_chars")
    tokenizer = files.tokenizer
    return (
        tokenizer is not None
        and normalizer.get("type") == "BertNormalizer"
        and normalizer.get("clean_text") is True
        and (written.get("pre_tokenizer") or {}).get("type") == "BertPreTokenizer"
        and written["model"].get("type") == "WordPiece"
        and settings.get("tokenizer_class") in _TOKENIZER_CLASSES
        and all(found[name] == settings.get(name, default) for name, default in _NORMALISATION.items())
        and settings.get("truncation_side", "right") == "right"
        and all(token.get("special") for token in written.get("added_tokens", ()))
        and tokenizer.encode("").tokens == ["[CLS]", "[SEP]"]
    )


def _has_its_weights(files: ModelFiles) -> bool:
    if sorted(files.folder.rglob("*.safetensors")) != [files.folder / "model.safetensors"]:
        return False
    try:
        places = bert.tensors(files.folder / "model.safetensors")
        shapes = bert.shapes(files.config)
    except (OSError, ValueError):
        return False  # sentence-transformers says what is wrong with them
    return files.config["hidden_size"] % files.config["num_attention_heads"] == 0 and all(
        (place := places.get(name)) is not None
        and place.dtype == "F32"
        and len(place.shape) == len(shape)
        and all(wanted in (None, size) for wanted, size in zip(shape, place.shape, strict=True))
        and (name != _POSITIONS or place.shape[0] >= (files.window or 0))
        and (name != _PIECES or place.shape[0] > _last_piece(files))
        for name, shape in shapes.items()
    )


def _last_piece(files: ModelFiles) -> int:
    """The highest number that the tokenizer gives a piece."""
    assert files.tokenizer is not None  # noqa: S101  a model without one was refused before
    return max(files.tokenizer.get_vocab(with_added_tokens=True).values())


class LightEmbedder:
    """Unit vectors by :class:`~pytest_promptreg.embedders.bert.Bert`.

    :param threads: threads to use; 0 for as many as there are processors.
    """

    def __init__(self, files: ModelFiles, threads: int) -> None:
        self._files = files
        self._threads = min(threads or processors(), _MOST_THREADS)

    @property
    def fingerprint(self) -> str:
        """The model's: what computes it makes no score another."""
        return self._files.fingerprint

    @cached_property
    def _bert(self) -> bert.Bert:
        weights = self._files.folder / "model.safetensors"
        try:
            return bert.Bert(weights, self._files.config)
        except Exception as exc:
            raise MetricError(
                f"the embedding model cannot be loaded: {type(exc).__name__}: {exc}",
                where=str(weights),
                next_step="set promptreg_embedding_model to the folder of a sentence-transformers model",
            ) from exc

    def load(self) -> None:
        """Read the weights and the tokenizer now.

        :raises MetricError: when the model cannot be loaded.
        """
        _ = self._bert, self._files.tokenizer

    def encode(self, texts: list[str]) -> np.ndarray:
        """Unit vectors, float32[n, d], computed in batches of texts of like length; a text is cut at the window."""
        import numpy as np

        if not texts:
            return np.empty((0, int(self._files.config["hidden_size"])), np.float32)
        pieces = self._pieces(texts)
        order = sorted(range(len(texts)), key=lambda index: len(pieces[index]))
        batches = list(_batches(order, pieces))
        model = self._bert
        means: np.ndarray | None = None
        for batch, found in zip(batches, self._computed(model, [[pieces[i] for i in b] for b in batches]), strict=True):
            if means is None:
                means = np.empty((len(texts), found.shape[1]), np.float32)
            means[batch] = found
        assert means is not None  # noqa: S101  there is a batch
        with np.errstate(all="ignore"):
            means /= np.linalg.norm(means, axis=1, keepdims=True)
        return means

    def _pieces(self, texts: list[str]) -> list[list[int]]:
        tokenizer, window = self._files.tokenizer, self._files.window
        assert tokenizer is not None  # noqa: S101  a model without one is not light
        assert window is not None  # noqa: S101  nor is one without a window
        found = (encoding.ids for encoding in tokenizer.encode_batch_fast(texts))
        return [ids if len(ids) <= window else [*ids[: window - 1], ids[-1]] for ids in found]

    def _computed(self, model: bert.Bert, batches: list[list[list[int]]]) -> Iterator[Any]:
        """Each batch's means. Several batches run side by side, with one thread of the BLAS each: that leaves no
        processor idle in what is between the products."""
        side_by_side = min(self._threads, len(batches))
        with _blas_threads(self._threads // side_by_side) as limited:
            if side_by_side == 1 or not limited:
                yield from map(model.means, batches)
                return
            with ThreadPoolExecutor(side_by_side, "promptreg-embed") as pool:
                yield from pool.map(model.means, batches)


def _batches(order: list[int], pieces: list[list[int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for index in order:
        if batch and size + len(pieces[index]) > _BATCH_PIECES:
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += len(pieces[index])
    yield batch


@contextlib.contextmanager
def _blas_threads(count: int) -> Iterator[bool]:
    """Within it NumPy's products use so many threads; gives whether that could be arranged."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield False
        return
    with threadpool_limits(limits=count, user_api="blas"):
        yield True
