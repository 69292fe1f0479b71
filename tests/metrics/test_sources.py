"""Digests of source code: what changes them and what does not."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.metrics.sources import UNKNOWN, source_digest

Load = Callable[[str], Any]

FUNCTION = '''
def polite(output, baseline, case):
    """Whether it is polite."""
    if "please" in output:  # a word
        return 1.0
    return 0.25
'''


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A module from its source."""
    numbers = itertools.count()

    def loaded(source: str) -> Any:
        path = tmp_path / f"module_{next(numbers)}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, path.stem, module)  # where the source of a class is looked for
        spec.loader.exec_module(module)
        return module

    return loaded


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source.replace("  # a word", ""),
        lambda source: source.replace('"please"', "'please'"),
        lambda source: source.replace('    """Whether it is polite."""\n', ""),
        lambda source: source.replace("Whether it is polite", "Quite another text"),
        lambda source: source.replace(
            "output, baseline, case", "\n    output: str,\n    baseline: str,\n    case: object,\n"
        ),
        lambda source: source.replace("case):", "case) -> float:"),
        lambda source: f"import functools\n\n\n@functools.lru_cache\n{source.strip()}\n",
        lambda source: "\n\nABOVE = 1\n" + source + "\n\nBELOW = 2\n",
        lambda source: source.replace("    ", "\t"),
        lambda source: source.replace("0.25", "(0.25)"),
    ],
)
def test_what_says_the_same_has_the_same_digest(load: Load, change: Callable[[str], str]) -> None:
    """Comments, quotes, layout, docstrings, annotations, decorators and neighbours change nothing."""
    changed = change(FUNCTION)
    assert changed != FUNCTION
    assert source_digest(load(changed).polite) == source_digest(load(FUNCTION).polite) != UNKNOWN


@pytest.mark.parametrize(
    ("said", "other"),
    [("0.25", "0.5"), ("please", "Please"), (" in ", " not in "), ("1.0", "1"), ("output, baseline", "output, other")],
)
def test_what_says_something_else_has_another_digest(load: Load, said: str, other: str) -> None:
    """Any other constant, operator or name is another source."""
    assert source_digest(load(FUNCTION.replace(said, other)).polite) != source_digest(load(FUNCTION).polite)


def test_lambdas_on_one_line_are_told_apart(load: Load) -> None:
    """Each lambda has the digest of its own code, wherever on its line it stands."""
    module = load("first, second, third = lambda a, b: 1.0, lambda a, b: 0.0, lambda a, b: (lambda c: 1.0)(a)\n")
    alone = load("first = lambda a, b: 1.0\n")
    digests = [source_digest(function) for function in (module.first, module.second, module.third)]
    assert len({*digests, UNKNOWN}) == 4
    assert source_digest(alone.first) == digests[0]


def test_values_that_a_function_closes_over_count(load: Load) -> None:
    """A factory's settings are in the digest; objects count by their type, not by their address."""
    module = load(
        "def contains(word):\n    def found(output, baseline):\n        return word in output\n    return found\n"
    )
    assert source_digest(module.contains("sorry")) == source_digest(module.contains("sorry"))
    assert source_digest(module.contains("sorry")) != source_digest(module.contains("please"))
    assert source_digest(module.contains(object())) == source_digest(module.contains(object()))


def test_partials_methods_and_wrapped_functions_have_their_functions_source(load: Load) -> None:
    """A partial counts with its arguments; a method by its own source; a wrapper by what it wraps."""
    module = load(FUNCTION + "\n\nclass Kind:\n    def polite(self, output, baseline):\n        return 1.0\n")
    digests = [
        source_digest(module.polite),
        source_digest(functools.partial(module.polite, case=1)),
        source_digest(functools.partial(module.polite, case=2)),
        source_digest(functools.partial(module.polite, 1)),
        source_digest(module.Kind().polite),
    ]
    assert len({*digests, UNKNOWN}) == 6

    @functools.wraps(module.polite)
    def wrapper(*arguments: object) -> object:
        return module.polite(*arguments)

    assert source_digest(wrapper) == digests[0]


def test_an_object_has_its_classes_source(load: Load) -> None:
    """Of an object, its class and the plain values that it holds count; of two classes of one name, the right one."""
    source = "class Kind:\n    def score(self, pairs):\n        return [1.0 for pair in pairs]\n"
    one, other = load(source), load(source.replace("1.0", "0.0"))
    assert source_digest(one.Kind()) == source_digest(one.Kind()) == source_digest(one.Kind) != UNKNOWN
    assert source_digest(one.Kind()) != source_digest(other.Kind())
    strict, lax = one.Kind(), one.Kind()
    strict.words, lax.words = ["a"], ["b"]
    assert len({source_digest(strict), source_digest(lax), source_digest(one.Kind())}) == 3
    strict.client, lax.client = object(), object()
    lax.words = ["a"]
    assert source_digest(strict) == source_digest(lax)


def test_without_source_the_digest_is_unknown() -> None:
    """Code in C, from exec() or made on the fly has no source, and says so."""
    made: dict[str, Any] = {}
    exec("def metric(output, baseline):\n    return 1.0\n", made)  # noqa: S102  the case under test
    assert [source_digest(thing) for thing in (max, made["metric"], type("Kind", (), {})(), 3)] == [UNKNOWN] * 4
