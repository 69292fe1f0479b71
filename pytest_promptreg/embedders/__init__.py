"""Embedders: texts as unit vectors, by the lightest way that the model allows.

A model is named in one of four ways:

- a folder, or the name of a sentence-transformers model (``all-MiniLM-L6-v2``): without torch where it can be;
- ``openai:NAME``: an endpoint that speaks OpenAI's ``/v1/embeddings``;
- ``package.module:name``: a user's own :class:`Embedder`, or a function without arguments that makes one.

Importing this package imports no library of models; the first vector does.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ..errors import MetricError

if TYPE_CHECKING:
    import numpy as np

    from .cache import Store
    from .chunks import Cutter
    from .vectors import Embeddings

ENDPOINT = "openai:"
_ADDRESS = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*:[A-Za-z_]\w*")


class Embedder(Protocol):
    """Makes unit vectors of texts."""

    @property
    def fingerprint(self) -> str:
        """What shapes the vectors, in one line: vectors with unequal fingerprints are not comparable.

        :raises MetricError: when the model cannot be had here.
        """

    def encode(self, texts: list[str]) -> np.ndarray:
        """Unit vectors, float32[n, d], one for each text in order; a text's does not depend on those beside it.

        :raises MetricError: when they cannot be computed.
        """


def create(model: str, *, threads: int, cache: Path | None) -> Embeddings:
    """The vectors of a model's; nothing is looked for or loaded before the first is asked for.

    :param model: how it is named: see this package.
    :param threads: threads that the model may use; 0 leaves it to the library.
    :param cache: the folder in which vectors are kept from run to run; None for no such cache.
    """
    from .cache import Store
    from .vectors import Embeddings

    # What an endpoint calls by one name today may be another model tomorrow, and nothing tells: not kept on disk.
    store = Store(cache / "embeddings.sqlite") if cache and not model.startswith(ENDPOINT) else None
    return Embeddings(lambda: find(model, threads, store), store)


def is_own(model: str) -> bool:
    """Whether a model's name is that of an embedder of the user's: ``module:name``."""
    return not model.startswith(ENDPOINT) and _ADDRESS.fullmatch(model) is not None and not Path(model).is_dir()


def find(model: str, threads: int, store: Store | None) -> tuple[Embedder, Cutter]:
    """The embedder of that name, and what cuts texts to its window.

    :raises MetricError: when there is none, naming the remedies.
    """
    from .chunks import TokenCutter, WordCutter

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a fork of the user's must not make it warn
    if model.startswith(ENDPOINT):
        from .endpoint import Endpoint

        return Endpoint(model.removeprefix(ENDPOINT)), WordCutter()
    if is_own(model):
        return _own(model), WordCutter()

    from . import light
    from .models import ModelFiles, folder_of
    from .transformer import TransformerEmbedder

    files = ModelFiles(folder_of(model, store), store)
    files.check()  # a folder that is no model says so before a library is loaded to say it worse
    embedder = light.LightEmbedder(files, threads) if light.suits(files) else TransformerEmbedder(files, threads)
    tokenizer = files.tokenizer
    return embedder, WordCutter() if tokenizer is None else TokenCutter(tokenizer, files.room)


def _own(address: str) -> Embedder:
    module, _, name = address.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
        embedder = found if callable(getattr(found, "encode", None)) and not isinstance(found, type) else found()
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a module may skip or exit while it is imported
        raise MetricError(
            f"no embedder at {address!r}: {type(exc).__name__}: {exc}",
            next_step="promptreg_embedding_model = package.module:name names an embedder, or a function that makes one",
        ) from exc
    if not callable(getattr(embedder, "encode", None)) or not isinstance(getattr(embedder, "fingerprint", None), str):
        raise MetricError(
            f"what {address!r} gives is no embedder: {type(embedder).__name__} lacks `encode(texts)` or a text "
            "`fingerprint`",
            next_step="see pytest_promptreg.embedders.Embedder",
        )
    return cast(Embedder, embedder)
