"""The light path: exactly sentence-transformers' vectors, and only for the models that it computes."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_promptreg.embedders import bert, find
from pytest_promptreg.embedders.light import LightEmbedder, suits
from pytest_promptreg.embedders.models import ModelFiles, folder_of
from pytest_promptreg.embedders.transformer import TransformerEmbedder
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL

Build = Callable[..., Path]
WITHOUT_TORCH = "nothing to compare with: sentence-transformers needs torch"
WORDS = (
    "interest rates März the of customer's refund 猫在沙发上 quick не and 😀 3.14 naïve x=y+1; 한국어 हिन्दी "
    "العربية e\u0301 ﷺ 👩‍👩‍👧 [SEP] [MASK] \u00ad\x00 " + "a" * 120
).split(" ")


def texts_of_many_kinds() -> list[str]:
    """Empty, blank and odd ones, and mixtures of languages from one word to a thousand."""
    dice = random.Random(3)  # noqa: S311
    sizes = [1, 2, 3, 5, 8, 13, 21, 34, 55, 60, 120, 1000]
    mixed = [" ".join(dice.choice(WORDS) for _ in range(size)) for size in sizes]
    return ["", " \n", "😀", "\x00", "[CLS] [SEP]", "word " * 253, "word " * 254, "word " * 255, "word " * 300, *mixed]


@pytest.fixture(scope="module")
def minilm() -> ModelFiles:
    return ModelFiles(folder_of(DEFAULT_EMBEDDING_MODEL))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_vectors_are_sentence_transformers_own(minilm: ModelFiles, threads: int) -> None:
    """For texts of all lengths and languages, beyond the window too, each cosine is the same within 1e-6."""
    pytest.importorskip("torch", reason=WITHOUT_TORCH)
    assert suits(minilm)
    texts = texts_of_many_kinds()
    light = LightEmbedder(minilm, threads).encode(texts)
    heavy = TransformerEmbedder(minilm, threads).encode(texts)
    assert light.dtype == np.float32
    assert np.abs(light @ light.T - heavy @ heavy.T).max() < 1e-6
    assert (light * heavy).sum(axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0])
def test_large_attention_scores_are_as_exact(tiny_model: Build, scale: float) -> None:
    """Weights whose attention scores no exponential can hold give sentence-transformers' vectors as well."""
    pytest.importorskip("torch", reason=WITHOUT_TORCH)
    files = ModelFiles(tiny_model(scale=scale))
    assert suits(files)
    texts = ["a", "abc", "a b c d e f g h i j" * 3, "jjj aaa", ""]
    light, heavy = LightEmbedder(files, 1).encode(texts), TransformerEmbedder(files, 1).encode(texts)
    assert np.abs(light - heavy).max() < 2e-5 * scale


def test_gelu_is_exact() -> None:
    """The approximation is x · phi(x), by the error function, within 4e-7 in all and 2e-7 of the value itself."""
    x = np.concatenate([np.linspace(-15, 15, 60001), np.linspace(-0.01, 0.01, 201), [-1e30, -1e4, -100, 100, 1e4]])
    x = x.astype(np.float32)
    exact = np.array([float(value) * 0.5 * math.erfc(-float(value) / math.sqrt(2)) for value in x])
    found = x.copy().reshape(1, -1)
    with np.errstate(over="ignore"):
        bert.gelu(found)
    error = np.abs(found[0] - exact)
    assert (error <= np.maximum(2e-7, 2e-7 * np.abs(exact))).all()


def test_a_text_is_the_same_beside_any_other(minilm: ModelFiles) -> None:
    """A text's vector does not depend on those beside it, on their order, or on the threads."""
    texts = [" ".join(f"word{n}" for n in range(size)) for size in range(1, 60, 7)] * 3
    together = LightEmbedder(minilm, 2).encode(texts)
    backwards = LightEmbedder(minilm, 1).encode(texts[::-1])[::-1]
    alone = np.concatenate([LightEmbedder(minilm, 1).encode([text]) for text in texts[:9]])
    assert np.abs(together - backwards).max() < 1e-6
    assert np.abs(together[:9] - alone).max() < 1e-6
    assert LightEmbedder(minilm, 1).encode([]).shape == (0, 384)


def test_weights_that_are_no_numbers_give_nan(tiny_model: Build) -> None:
    """NaN in the weights is NaN in the vectors, without a warning."""
    files = ModelFiles(tiny_model(scale=math.nan))
    assert np.isnan(LightEmbedder(files, 1).encode(["a b c"])).all()


EDITS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "another architecture": ("config.json", lambda it: it.update(model_type="roberta")),
    "another activation": ("config.json", lambda it: it.update(hidden_act="gelu_new")),
    "relative positions": ("config.json", lambda it: it.update(position_embedding_type="relative_key")),
    "half precision": ("config.json", lambda it: it.update(dtype="float16")),
    "a decoder": ("config.json", lambda it: it.update(is_decoder=True)),
    "no size": ("config.json", lambda it: it.pop("hidden_size")),
    "more layers than weights": ("config.json", lambda it: it.update(num_hidden_layers=3)),
    "another width": ("config.json", lambda it: it.update(intermediate_size=64)),
    "heads that do not fit": ("config.json", lambda it: it.update(num_attention_heads=3)),
    "a further module": ("modules.json", lambda it: it.append({"path": "2_Dense", "type": "x.Dense"})),
    "no modules": ("modules.json", lambda it: it.clear()),
    "pooling of the first": ("1_Pooling/config.json", lambda it: it.update(pooling_mode_cls_token=True)),
    "lower case beforehand": ("sentence_bert_config.json", lambda it: it.update(do_lower_case=True)),
    "an unknown setting": ("sentence_bert_config.json", lambda it: it.update(something={"new": 1})),
    "a window beyond the positions": ("sentence_bert_config.json", lambda it: it.update(max_seq_length=65)),
    "another tokenizer class": ("tokenizer_config.json", lambda it: it.update(tokenizer_class="MPNetTokenizer")),
    "another case": ("tokenizer_config.json", lambda it: it.update(do_lower_case=False)),
    "cut on the left": ("tokenizer_config.json", lambda it: it.update(truncation_side="left")),
    "another splitting": ("tokenizer.json", lambda it: it.update(pre_tokenizer={"type": "Whitespace"})),
    "another normalisation": ("tokenizer.json", lambda it: it.update(normalizer=None)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_any_doubt_is_left_to_sentence_transformers(tiny_model: Build, edit: str) -> None:
    """A model that differs in one thing from what is computed here is not taken."""
    folder = tiny_model()
    assert suits(ModelFiles(folder))
    name, change = EDITS[edit]
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))
    assert not suits(ModelFiles(folder))
    assert isinstance(find(str(folder), 0, None)[0], TransformerEmbedder)


def test_a_prompt_of_the_models_is_left_to_sentence_transformers(tiny_model: Build) -> None:
    """A model that puts words before each text is not taken, and has room for so much less text."""
    folder = tiny_model()
    room = ModelFiles(folder).room
    prompts = {"prompts": {"query": "a b: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    files = ModelFiles(folder)
    assert not suits(files)
    assert (room, files.room) == (30, 27)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "header"])
def test_damaged_weights_are_left_to_sentence_transformers(tiny_model: Build, damage: str) -> None:
    """A file that is no safetensors file, or not all of one, is not taken."""
    folder = tiny_model()
    path = folder / "model.safetensors"
    data = path.read_bytes()
    damaged = {"empty": b"", "text": b"no weights at all", "cut": data[:-8], "header": data[:8] + b"[" + data[9:]}
    path.write_bytes(damaged[damage])
    assert not suits(ModelFiles(folder))


def test_the_light_path_needs_no_torch() -> None:
    """A first score imports neither torch, transformers nor scipy."""
    code = (
        "import sys; from pytest_promptreg.metrics import create; create('semantic').score([('a b', 'b c')]);"
        "print([name for name in ('torch', 'transformers', 'scipy', 'sentence_transformers') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
