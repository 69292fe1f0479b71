"""Semantic similarity by a real model: all-MiniLM-L6-v2 as a package, without a network."""

from __future__ import annotations

import math
import random
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_promptreg.embedders.models import folder_of
from pytest_promptreg.errors import MetricError
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL, Metric, MetricSettings, Pair, create
from pytest_promptreg.metrics.embedding import SemanticWorst

TEXTS = [
    "The cat sleeps on the sofa.",
    "A cat is asleep on the couch.",
    "Die Katze schläft auf dem Sofa.",
    "Interest rates rose by half a point in March.",
    "猫在沙发上睡觉。",
    "word " * 250,
    "{}[]()",
]
PAIRS = [Pair(one, other) for index, one in enumerate(TEXTS) for other in TEXTS[index + 1 :]]


def paragraph(seed: int, words: int = 90) -> str:
    """Words that make no sense, of one topic for each seed."""
    dice = random.Random(seed)  # noqa: S311
    topics = [
        "refund invoice payment customer order delivery account money price receipt",
        "river mountain forest bird rain cloud valley tree stone snow",
        "server database network cable error log process memory disk router",
        "violin melody concert piano rhythm singer chorus drum stage song",
    ]
    return " ".join(dice.choice(topics[seed % 4].split()) for _ in range(words)) + "."


LONG = "\n\n".join(paragraph(seed) for seed in range(4))
REPLACED = "\n\n".join([*(paragraph(seed) for seed in range(3)), paragraph(4)])


@pytest.fixture(scope="module")
def semantic() -> Metric:
    return create("semantic", MetricSettings())


@pytest.fixture(scope="module")
def worst() -> SemanticWorst:
    metric = create("semantic_worst", MetricSettings())
    assert isinstance(metric, SemanticWorst)
    return metric


def test_the_cosine_is_sentence_transformers_own(semantic: Metric) -> None:
    """For texts in the window each score is the cosine that sentence-transformers itself gives, however batched."""
    pytest.importorskip("torch", reason="nothing to compare with: sentence-transformers needs torch")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import pairwise_cos_sim

    model: Any = SentenceTransformer(str(folder_of(DEFAULT_EMBEDDING_MODEL)), device="cpu")
    sides = [model.encode([pair[side] for pair in PAIRS], convert_to_tensor=True) for side in (0, 1)]
    assert semantic.score(PAIRS) == pytest.approx(pairwise_cos_sim(*sides).tolist(), abs=1e-6)


def test_likeness_is_of_meaning(semantic: Metric) -> None:
    """A paraphrase is nearer than another topic, and every score lies in the range."""
    paraphrase, other = semantic.score([Pair(TEXTS[0], TEXTS[1]), Pair(TEXTS[0], TEXTS[3])])
    assert -1 <= other < 0.3
    assert 0.7 < paraphrase <= 1


@pytest.mark.parametrize("name", ["semantic", "semantic_worst"])
def test_scores_are_plain_and_symmetric(name: str) -> None:
    """Python floats, the same in both directions, the same a second time, one for each pair."""
    metric = create(name)
    pairs = [*PAIRS, Pair(LONG, REPLACED), Pair(TEXTS[0], LONG)]
    scores = metric.score(pairs)
    assert {type(value) for value in scores} == {float}
    assert scores == pytest.approx(metric.score([Pair(other, one) for one, other, _ in pairs]), abs=1e-12)
    assert scores == metric.score(pairs)
    assert metric.score([]) == []


@pytest.mark.parametrize("name", ["semantic", "semantic_worst"])
def test_equal_and_blank_texts_need_no_model(tmp_path: Path, name: str) -> None:
    """Equal texts score 1, two blank ones too, a blank one against another 0: there is no model in this folder."""
    metric = create(name, MetricSettings(embedding_model=str(tmp_path)))
    pairs = [("same", "same"), ("", ""), ("", " \n"), ("", "text"), ("text", "\t")]
    assert metric.score([Pair(*pair) for pair in pairs]) == [1.0, 1.0, 1.0, 0.0, 0.0]
    with pytest.raises(MetricError, match="no model weights"):
        metric.score([Pair("same", "other")])


def test_what_follows_the_window_counts(semantic: Metric, worst: SemanticWorst) -> None:
    """A last paragraph replaced, far beyond what the model reads at once, lowers both scores, the worst one most."""
    ((mean,), (least,)) = (metric.score([Pair(REPLACED, LONG)]) for metric in (semantic, worst))
    assert least < mean - 0.02
    assert mean < 0.999


def test_the_worst_chunk_is_the_one_that_was_replaced(worst: SemanticWorst) -> None:
    """The worst chunk is a part of a side as it stands, with the pair's score, and lies where the texts differ."""
    for pair, side in ((Pair(REPLACED, LONG), "baseline"), (Pair(LONG, REPLACED), "output")):
        found = worst.worst_chunk(pair)
        assert found.side == side
        assert found.text in LONG
        assert "violin" in found.text
        assert worst.score([pair]) == [found.score]


def test_texts_in_the_window_are_not_cut(semantic: Metric, worst: SemanticWorst) -> None:
    """Where both texts fit, the worst chunk is the whole, and its score that of ``semantic``."""
    assert worst.score(PAIRS) == semantic.score(PAIRS)
    assert worst.worst_chunk(PAIRS[0]) == ("output", PAIRS[0].output, semantic.score(PAIRS[:1])[0])
    assert worst.worst_chunk(Pair("", "text")) == ("output", "", 0.0)


def test_a_short_text_beside_a_long_one(worst: SemanticWorst) -> None:
    """One long text is enough for both to be cut: what the short one lacks is found."""
    side, text, score = worst.worst_chunk(Pair(paragraph(0), LONG))
    assert side == "baseline"
    assert text in LONG
    assert score < 0.5


def test_a_lone_surrogate_is_scored(semantic: Metric) -> None:
    """A text that no file could hold, as a broken stream may give it, has a score."""
    (value,) = semantic.score([Pair("a cat \ud800 sleeps", "a cat sleeps")])
    assert 0.3 < value < 1


def test_a_model_that_gives_nan_is_an_error(tmp_path: Path) -> None:
    """Weights that overflow are an error, never a number that a gate could take for a likeness."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(folder_of(DEFAULT_EMBEDDING_MODEL), folder)
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.LayerNorm.weight"] = weights["embeddings.LayerNorm.weight"] * np.float32("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MetricError, match="no number, infinite or zero"):
        create("semantic", MetricSettings(embedding_model=str(folder))).score([Pair("a", "b")])


def test_the_metrics_share_an_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """With equal settings, a text that one metric embedded is not embedded again for the other."""
    asked: list[str] = []

    class Own:
        fingerprint = "own"

        def encode(self, texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return np.eye(len(texts), 9) + 0.1

    module = types.ModuleType("own_embedder")
    module.__dict__["Own"] = Own
    monkeypatch.setitem(sys.modules, "own_embedder", module)
    settings = MetricSettings(embedding_model="own_embedder:Own")
    create("semantic", settings).score([Pair("a", "b"), Pair("b", "c")])
    create("semantic_worst", settings).score([Pair("a", "c")])
    assert sorted(asked) == ["a", "b", "c"]


def test_the_signature_is_of_the_model_and_its_use(semantic: Metric, worst: SemanticWorst) -> None:
    """Weights, window, pooling and the rule for long texts are in the signature, in one line."""
    start = "|v2|cosine|weights:53aa51172d14|setup:"
    assert semantic.signature().startswith(f"semantic{start}")
    assert semantic.signature().endswith("|window:256|pooling:mean|long:mean<=128")
    assert worst.signature().startswith(f"semantic_worst{start}")
    assert worst.signature().endswith("|window:256|pooling:mean|long:worst<=128")


def test_a_folder_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    """Weights that are none are a clear error, not a traceback of a library."""
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(MetricError, match="cannot be loaded") as error:
        create("semantic", MetricSettings(embedding_model=str(tmp_path))).score([Pair("a", "b")])
    assert error.value.next_step


def test_a_cosine_is_never_nan() -> None:
    """Rounding is taken back into the range; what lies outside it by more is refused."""
    from pytest_promptreg.metrics.embedding import _in_range

    assert _in_range(1.0000001) == 1.0
    assert _in_range(-1.0000001) == -1.0
    for value in (math.nan, math.inf, 2.0):
        with pytest.raises(MetricError):
            _in_range(value)
