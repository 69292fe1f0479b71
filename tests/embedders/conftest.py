"""A model of a few thousand random weights, in the form of MiniLM's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", *(f"##{letter}" for letter in "abcdefghij")]
CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_act": "gelu",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "vocab_size": len(VOCABULARY),
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
Build = Callable[..., Path]


@pytest.fixture
def tiny_model(tmp_path: Path) -> Build:
    """Makes the folder of a model; ``scale`` is the size of its weights, ``window`` how many pieces it reads."""

    def build(name: str = "tiny", *, scale: float = 0.5, window: int = 32, seed: int = 0) -> Path:
        import numpy as np
        from safetensors.numpy import save_file
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

        from pytest_promptreg.embedders.bert import shapes

        folder = tmp_path / name
        (folder / "1_Pooling").mkdir(parents=True)
        vocabulary = {piece: number for number, piece in enumerate(VOCABULARY)}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        tokenizer.add_special_tokens(VOCABULARY[:5])
        tokenizer.enable_truncation(5)  # as in MiniLM's file, where both are stored and neither is meant
        tokenizer.enable_padding(length=5)
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
        rows = {"word": len(VOCABULARY), "position": 64, "token_type": 2}
        dice = np.random.default_rng(seed)
        weights = {
            key: (scale * dice.standard_normal([size or rows[key.split("_embed")[0][11:]] for size in shape])).astype(
                np.float32
            )
            for key, shape in shapes(CONFIG).items()
        }
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        files: dict[str, Any] = {
            "config.json": CONFIG,
            "modules.json": [
                {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ],
            "sentence_bert_config.json": {"max_seq_length": window, "do_lower_case": False},
            "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
            "1_Pooling/config.json": {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True},
        }
        for file, value in files.items():
            (folder / file).write_text(json.dumps(value))
        return folder

    return build
