"""Dataclasses and JSON's own values: what an annotation says is what is written, and all that is read."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.wire import Wire, WrongValueError


class Colour(enum.StrEnum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Leaf:
    """A value inside another."""

    name: str
    weight: float | None = None


@dataclass(frozen=True)
class Tree:
    """Every kind of annotation that the house uses."""

    leaves: Sequence[Leaf]
    pair: tuple[str, int] = ("", 0)
    text: str | tuple[Leaf, ...] = ""
    notes: list[str] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    by_name: Mapping[str, Leaf] = field(default_factory=dict)
    colour: Colour = Colour.RED
    told: bool = False
    anything: Any = None


@dataclass(frozen=True)
class Branch:
    """A value that may hold others of its kind, directly and inside another."""

    name: str
    branches: list[Branch] = field(default_factory=list)
    grafted: Graft | None = None


@dataclass(frozen=True)
class Graft:
    """What leads back to the value that holds it."""

    of: Mapping[str, Branch] = field(default_factory=dict)


LEAVES = st.builds(Leaf, st.text(), st.none() | st.floats(allow_nan=False))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
TREES = st.builds(
    Tree,
    st.lists(LEAVES).map(tuple),
    st.tuples(st.text(), st.integers()),
    st.text() | st.lists(LEAVES, min_size=1).map(tuple),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.floats(allow_nan=False)),
    st.dictionaries(st.text(), LEAVES),
    st.sampled_from(Colour),
    st.booleans(),
    JSON,
)


@given(TREES)
def test_what_is_written_is_read(tree: Tree) -> None:
    """Every kind of field survives JSON in its strict form, infinities included."""
    written = json.loads(json.dumps(Wire().encode(tree, Tree), allow_nan=False))
    assert Wire().decode(written, Tree) == tree


@pytest.mark.parametrize(("number", "written"), [(math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")])
def test_numbers_that_json_lacks_are_texts(number: float, written: str) -> None:
    """They come back as the numbers that they were."""
    assert Wire().encode(Leaf("", number), Leaf) == {"name": "", "weight": written}
    assert repr(Wire().decode({"name": "", "weight": written}, Leaf).weight) == repr(number)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "it is a list, not an object"),
        ({}, "it lacks 'leaves'"),
        ({"leaves": {}}, "leaves is an object, not a list"),
        ({"leaves": [{"name": "a"}, {"name": 1}]}, "leaves[1].name is a number, not a text"),
        ({"leaves": [{"name": "a", "weight": True}]}, "leaves[0].weight is a truth value, not a number"),
        ({"leaves": [{"name": "a", "weight": 10**400}]}, "leaves[0].weight is too large a number"),
        ({"leaves": [], "scores": {"x": "high"}}, "scores.x is a text, not a number"),
        ({"leaves": [], "by_name": {"x": None}}, "by_name.x is null, not an object"),
        ({"leaves": [], "pair": ["a"]}, "pair has 1 parts and not 2"),
        ({"leaves": [], "colour": "green"}, "colour is none of red, blue"),
        ({"leaves": [], "told": 1}, "told is a number, not a truth value"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(wrong: object, said: str) -> None:
    """The error names the path to the value, what it is and what it should be."""
    with pytest.raises(WrongValueError) as caught:
        Wire().decode(wrong, Tree)
    assert str(caught.value) == said


@given(JSON)
def test_whatever_is_read_there_is_no_other_error(value: object) -> None:
    """Any JSON is either a tree or refused."""
    try:
        read = Wire().decode(value, Tree)
    except WrongValueError:
        return
    assert isinstance(read, Tree)


def test_what_a_reader_does_not_know_it_leaves_alone() -> None:
    """A field that a later version added is no mistake."""
    assert Wire().decode({"name": "a", "height": 3}, Leaf) == Leaf("a")


def test_a_field_without_a_form_is_found_when_the_codec_is_made() -> None:
    """An annotation that nothing can be written for is a programming error, and not a damaged file later."""

    @dataclass
    class Odd:
        value: complex = 0

    with pytest.raises(TypeError, match="complex"):
        Wire().codec(Odd)


BRANCHES = st.recursive(
    st.builds(Branch, st.text(max_size=3)),
    lambda inner: st.builds(
        Branch,
        st.text(max_size=3),
        st.lists(inner, max_size=2),
        st.none() | st.builds(Graft, st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    ),
)


@given(BRANCHES, st.booleans())
def test_a_value_may_hold_others_of_its_kind(branch: Branch, other_first: bool) -> None:
    """As deep as they go, whichever of two that hold each other is asked for first."""
    wire = Wire()
    if other_first:
        wire.codec(Graft)
    assert wire.decode(json.loads(json.dumps(wire.encode(branch, Branch))), Branch) == branch


def test_an_error_in_a_nested_value_has_the_whole_path() -> None:
    """Through every value on the way."""
    wrong = {"name": "a", "branches": [{"name": "b"}, {"name": "c", "grafted": {"of": {"x": {"name": 1}}}}]}
    with pytest.raises(WrongValueError) as caught:
        Wire().decode(wrong, Branch)
    assert str(caught.value) == "branches[1].grafted.of.x.name is a number, not a text"


def test_a_form_that_could_not_be_made_is_not_half_there() -> None:
    """Asked again, the same error comes again."""

    @dataclass
    class Odd:
        value: complex = 0

    wire = Wire()
    for _ in range(2):
        with pytest.raises(TypeError, match="complex"):
            wire.codec(Odd)
