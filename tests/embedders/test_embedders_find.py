"""Which embedder a name stands for."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pytest_promptreg.embedders import create, find
from pytest_promptreg.embedders.light import LightEmbedder
from pytest_promptreg.errors import MetricError

Build = Callable[..., Path]


class Letters:
    """Counts the letters of a text, as a user's embedder may."""

    fingerprint = "letters v1"

    def __init__(self, width: int = 26) -> None:
        self.asked: list[list[str]] = []
        self.width = width

    def encode(self, texts: list[str]) -> np.ndarray:
        """Not at length 1, and in float64: what users do."""
        self.asked.append(texts)
        return np.array([[1 + text.count(chr(97 + n)) for n in range(self.width)] for text in texts], np.float64)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("their_embedders")
    module.__dict__.update(Letters=Letters, ready=Letters(), number=3, broken=lambda: 1 / 0)
    monkeypatch.setitem(sys.modules, "their_embedders", module)
    return module


@pytest.mark.parametrize("name", ["Letters", "ready"])
def test_a_users_embedder_is_found_by_address(own: types.ModuleType, name: str) -> None:
    """An object, or a class or function that makes one; its vectors come out at length 1."""
    embeddings = create(f"their_embedders:{name}", threads=0, cache=None)
    vectors = embeddings.whole(["abc", "xyz", "abc"])
    assert list(vectors) == ["abc", "xyz"]
    assert [float(np.linalg.norm(vector)) for vector in vectors.values()] == pytest.approx([1, 1])
    assert embeddings.fingerprint == "letters v1|pieces:estimated"


@pytest.mark.parametrize("name", ["nothing", "number", "broken", "builtins:dict", "no_such_module_at_all:x"])
def test_an_address_without_an_embedder_is_an_error(own: types.ModuleType, name: str) -> None:
    """Whatever is wrong with the address, the error names it and what belongs there."""
    address = name if ":" in name else f"their_embedders:{name}"
    with pytest.raises(MetricError, match=address) as error:
        create(address, threads=0, cache=None).whole(["a"])
    assert error.value.next_step


def test_a_folder_is_a_model(tiny_model: Build) -> None:
    """A folder in the form of MiniLM's takes the light path, and its own tokenizer counts."""
    embedder, cutter = find(str(tiny_model()), 0, None)
    assert isinstance(embedder, LightEmbedder)
    assert (cutter.room, cutter.rule) == (30, "")


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_vectors_without_direction_are_refused(own: types.ModuleType, bad: float) -> None:
    """NaN, infinite and zero vectors are an error of the embedder's, never a score."""
    own.ready.encode = lambda texts: np.full((len(texts), 4), bad)
    with pytest.raises(MetricError, match="Letters: a vector that is no number, infinite or zero"):
        create("their_embedders:ready", threads=0, cache=None).whole(["a"])


def test_too_few_vectors_are_refused(own: types.ModuleType) -> None:
    """An embedder that does not answer for each text is an error."""
    own.ready.encode = lambda texts: np.ones((1, 4))
    with pytest.raises(MetricError, match="for 2 texts"):
        create("their_embedders:ready", threads=0, cache=None).whole(["a", "b"])


def test_each_text_is_embedded_once(own: types.ModuleType, tmp_path: Path) -> None:
    """A text met before is not embedded again: in this process from memory, in the next from the disk."""
    embeddings = create("their_embedders:ready", threads=0, cache=tmp_path)
    first = embeddings.whole(["a", "b", "a"])
    embeddings.whole(["b", "c", "a"])
    assert own.ready.asked == [["a", "b"], ["c"]]
    again = create("their_embedders:ready", threads=0, cache=tmp_path).whole(["a", "b", "c"])
    assert own.ready.asked == [["a", "b"], ["c"]]
    assert (again["a"] == first["a"]).all()


def test_without_a_folder_nothing_is_written(
    own: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cache, no file."""
    monkeypatch.chdir(tmp_path)
    create("their_embedders:ready", threads=0, cache=None).whole(["a"])
    assert list(tmp_path.iterdir()) == []


def test_a_cached_vector_of_another_width_is_computed_again(own: types.ModuleType, tmp_path: Path) -> None:
    """An embedder that changed without a word gives vectors that fit each other."""
    create("their_embedders:ready", threads=0, cache=tmp_path).whole(["a", "b"])
    own.ready.width = 5
    vectors = create("their_embedders:ready", threads=0, cache=tmp_path).whole(["a", "b", "c"])
    assert {vector.shape for vector in vectors.values()} == {(5,)}


def test_a_broken_cache_changes_no_vector(own: types.ModuleType, tmp_path: Path) -> None:
    """With a file where its folder should be, vectors are computed as ever."""
    (tmp_path / "file").touch()
    with_it = create("their_embedders:ready", threads=0, cache=tmp_path / "file").whole(["a b"])
    without = create("their_embedders:ready", threads=0, cache=None).whole(["a b"])
    assert (with_it["a b"] == without["a b"]).all()
