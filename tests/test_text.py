"""Ids, digests and canonical JSON: small, exact, and the same for equal values."""

from __future__ import annotations

import datetime
import enum
import json
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.text import canonical_json, digest, file_slug, plain, slug, well_formed

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Size(enum.IntEnum):
    """A number by name, as code under test likes to have."""

    LARGE = 3


@given(st.text())
def test_slug_is_typeable(text: str) -> None:
    """Every text has a slug of ASCII letters, digits, dot, underscore and hyphen, and a slug is its own slug."""
    assert re.fullmatch(r"[A-Za-z0-9._-]+", slug(text))
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ticket-017", "ticket-017"), ("naïve café", "naive-cafe"), ("a/b::c[d]", "a-b-c-d"), ("ﬁn", "fin"), ("-a-", "a")],
)
def test_slug_keeps_what_it_can(text: str, expected: str) -> None:
    """Letters lose their accents, and everything else between words becomes one hyphen."""
    assert slug(text) == expected


def test_slug_tells_foreign_scripts_apart() -> None:
    """Texts of which no ASCII is left keep distinct slugs."""
    assert len({slug("東京"), slug("京都"), slug("Москва"), slug("")}) == 4


@given(st.text(), st.text())
def test_file_slugs_differ_where_texts_differ(one: str, other: str) -> None:
    """Two texts never share a file, however alike their slugs are."""
    assert (file_slug(one) == file_slug(other)) == (one == other)


def test_file_slug_fits_a_file_name() -> None:
    """A very long text has a short file name."""
    assert len(file_slug("a b" * 1000)) < 100


@given(JSON_VALUES)
def test_canonical_json_reads_back(value: Any) -> None:
    """Canonical JSON is JSON of the same value."""
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), st.integers()))
def test_canonical_json_knows_no_order(value: dict[str, int]) -> None:
    """Equal mappings give equal text whatever the order in which they were filled."""
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_canonical_json_refuses_objects() -> None:
    """What is no JSON value is refused, not written as its repr."""
    with pytest.raises(TypeError):
        canonical_json({"a": object()})


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_well_formed_can_be_encoded(text: str) -> None:
    """Any str, lone surrogates included, becomes one that UTF-8 can carry; a text that it can carry stays as it is."""
    made = well_formed(text)
    assert made.encode("utf-8").decode("utf-8") == made
    assert made == text or re.search("[\ud800-\udfff]", text)


def test_digest_takes_any_text() -> None:
    """Lone surrogates have a digest too, and not that of their replacement."""
    assert digest("\ud800") != digest("?")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([1, 2]), [1, 2]),
        (Size.LARGE, 3),
        (True, True),
        (math.nan, None),
        (math.inf, None),
        (np.float64("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2024-02-03 04:05"), "2024-02-03T04:05:00"),
        (datetime.date(2024, 2, 3), "2024-02-03"),
        (datetime.time(4, 5), "04:05:00"),
        ((1, (2,)), [1, [2]]),
        ({1: {"a": math.nan}}, {"1": {"a": None}}),
        ("\ud800", "?"),
    ],
)
def test_plain_is_made_of_jsons_own_types(value: object, expected: object) -> None:
    """Subclasses, NumPy's scalars and pandas' missing values become exactly str, int, float, bool, list, dict, None."""
    made = plain(value)
    assert made == expected
    assert type(made) is type(expected)


@given(JSON_VALUES)
def test_plain_leaves_json_alone(value: Any) -> None:
    """A value that is JSON already stays equal."""
    assert plain(value) == value


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j])
def test_plain_refuses_what_has_no_form(value: object) -> None:
    """What JSON cannot say is refused by the name of its type."""
    with pytest.raises(TypeError, match=type(value).__name__):
        plain(value)
