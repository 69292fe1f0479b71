"""YAML of strangers: plain values or a problem with its line, whatever the text unfolds to."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from pytest_promptreg.inputs import yamls

_LAUGHS = "\n".join(["- &a0 ha", *(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))])
_MERGES = "\n".join(
    ["- &m0 {k: v}", *(f"- &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: v}}" for n in range(1, 10))]
)


def test_plain_values_are_those_of_the_safe_loader() -> None:
    """Scalars, lists, mappings, anchors, merges and dates are what PyYAML makes of them."""
    text = "a: &a {x: 1, y: [2.5, null, true]}\nb: {<<: *a, x: 2}\nc: *a\nd: 2024-02-29\ne: |\n  two\n  lines\n"
    assert yamls.load(text) == yaml.safe_load(text)
    assert yamls.load("# nothing") is None


@pytest.fixture(params=[True, False], ids=["libyaml", "python"], autouse=True)
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With libyaml, where PyYAML was built with it, and without."""
    if request.param and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param)
    yamls._loader.cache_clear()
    yield
    yamls._loader.cache_clear()


def test_items_of_a_list_know_their_lines() -> None:
    """Each item of a list comes with its line; a text that says nothing has none."""
    assert list(yamls.items("# head\n- a\n-\n  b: 1\n")) == [(2, "a"), (4, {"b": 1})]
    assert list(yamls.items("# nothing")) == []


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        (_LAUGHS, "unfold to too much", 6),
        (_MERGES, "unfold to too much", 6),
        ("- 1\n- &a [*a]", "nested too deep", 2),
        ("- 1\n- " + "[" * 101 + "]" * 101, "nested too deep", 2),
        ("- 1\n- a:\n" + "".join(" " * (2 * n + 2) + "- a:\n" for n in range(60)), "nested too deep", 52),
        ("- " + "[" * 100_000, "nested too deep", 1),
        ("- a: 1\n  b: 2\n  a: 3", "'a' stands in it twice", 3),
        ("- {1: x, '1': y}", "'1' stands in it twice", 1),
        ("- 1\n- " + "9" * 5_000, "a number of 5,000 characters", 2),
        ("- 0x" + "f" * 5_000, "a number of 5,002 characters", 1),
        ("- 1" + ":1" * 200 + ".5", "a number of 403 characters", 1),
        ("- 1\n- !!int ''", "does not fit to its tag", 2),
        ("- !!float ''", "does not fit to its tag", 1),
        ("- !!bool maybe", "does not fit to its tag", 1),
        ("- !!timestamp soon", "does not fit to its tag", 1),
        ("- a\n- 2024-02-31", "day is out of range", 2),
        ("- !!python/object/apply:os.system [id]", "could not determine a constructor", 1),
        ("- !!python/name:os.system", "could not determine a constructor", 1),
        ("- a\n- \x00", "characters are not allowed", 2),
        ("- 1\n---\n- 2", "found another document", 2),
        ("a: b", yamls.NO_LIST, 1),
        ("- é\n- @x", "found character '@' that cannot start any token", 2),
        ("- é\n- \x07", "characters are not allowed", 2),
    ],
)
def test_what_is_no_list_of_plain_values_is_told_with_its_line(text: str, problem: str, line: int) -> None:
    """Bombs, nesting, keys that stand twice, numbers without end and wrong tags are problems at a line."""
    with pytest.raises(yamls.YamlError, match=problem) as caught:
        list(yamls.items(text))
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("a: @x", "quote what begins with @"),
        ("a: {{ text }}", "quote what begins with {"),
        ("a: b: c", "goes in quotes"),
        ("a: 1\n b: 2", "indented too far"),
        ("a: {b: 0\n", "close the {"),
        ("a: [0\nb: c", "close the ["),
        ("a: 'b", "quotation mark"),
        ("- a: b\n c: d", "the same column"),
        ("a: 1\na: 2", "keep one"),
        ("a: *b", "quote what begins with *"),
        ("a: !b c", "leave out the tag"),
    ],
)
def test_what_mends_it_is_told(text: str, step: str) -> None:
    """The next step is about the mistake at hand, not about YAML."""
    with pytest.raises(yamls.YamlError) as caught:
        yamls.load(text)
    assert step in caught.value.next_step


@pytest.mark.parametrize("read", [yamls.load, lambda text: list(yamls.items(text))], ids=["load", "items"])
def test_a_bomb_takes_no_memory(read: Callable[[str], Any]) -> None:
    """Aliases that would unfold to a billion values are refused in less than two megabytes."""
    tracemalloc.start()
    try:
        with pytest.raises(yamls.YamlError):
            read(_LAUGHS)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
