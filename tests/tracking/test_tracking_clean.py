"""What a tracking store takes, and what is hidden from it."""

from __future__ import annotations

import math
import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.tracking import clean


@given(st.text(max_size=400))
def test_any_text_becomes_a_key_that_mlflow_takes(name: str) -> None:
    """A key has MLflow's characters only, is no climbing path, and is neither empty nor too long."""
    key = clean.key(name)
    assert re.fullmatch(r"[\w\-. :/]+", key)
    assert posixpath.normpath(key) == key
    assert not key.startswith(("..", "/"))
    assert 0 < len(key) <= clean.KEY_LIMIT


def test_keys_that_become_equal_are_told_apart() -> None:
    """No value replaces another because their names differ in a sign only."""
    long = "k" * 300
    assert clean.unique_keys([("a[1]", 1), ("a(1)", 2), ("a_1_", 3)]) == {"a_1_": 1, "a_1__2": 2, "a_1__3": 3}
    found = clean.unique_keys([(long + "x", 1), (long + "y", 2)])
    assert sorted(found.values()) == [1, 2]
    assert all(len(key) <= clean.KEY_LIMIT for key in found)


def test_text_is_storable_and_cut_visibly() -> None:
    """NUL and lone surrogates, which some backends refuse, are replaced, and a cut shows."""
    assert clean.text("a\0b\ud800c") == "a�b?c"
    assert clean.text("abcdef", 4) == "abc…"
    assert clean.text("abcd", 4) == "abcd"


def test_only_finite_numbers_are_sent() -> None:
    """NaN and infinities, which spoil charts, are left out."""
    assert clean.finite([("a", 0.5), ("b", math.nan), ("c", math.inf), ("d", None), ("e", 3)]) == {"a": 0.5, "e": 3.0}


@pytest.mark.parametrize(
    "name", ["api_key", "OPENAI_API_KEY", "apiKey", "access_token", "token", "client_secret", "password"]
)
def test_settings_that_name_a_secret_are_hidden(name: str) -> None:
    """A key among the model's settings does not reach the store, however deep it lies."""
    assert clean.setting(name, "sk-1") == "***"
    assert "sk-1" not in clean.setting("client", {"headers": [{name: "sk-1"}]})


@pytest.mark.parametrize("name", ["max_tokens", "temperature", "stop_token_ids", "model_name", "key_phrases"])
def test_settings_that_only_sound_like_a_secret_are_kept(name: str) -> None:
    """Nothing that shapes an output is hidden for its name."""
    assert clean.setting(name, 40) == "40"


def test_a_setting_of_any_type_has_a_text() -> None:
    """Plain texts stay as they are, structures become JSON, and anything else its own text."""
    assert clean.setting("a", "x") == "x"
    assert clean.setting("a", ["x", None, True]) == '["x",null,true]'
    assert clean.setting("a", {1, 2}.__class__) == "<class 'set'>"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("pytest --api-key sk-1 -k v2", "pytest --api-key *** -k v2"),
        ("pytest -m --api-key=sk-1", "pytest -m --api-key=***"),
        ("OPENAI_API_KEY=sk-1 pytest tests", "OPENAI_API_KEY=*** pytest tests"),
        ("pytest --base http://u:p@w@host/x", "pytest --base http://host/x"),
        ("pytest -k token tests/test_token.py", "pytest -k token tests/test_token.py"),
    ],
)
def test_a_command_line_is_shown_without_its_secrets(line: str, shown: str) -> None:
    """Values of flags and variables that name a secret, and users of URLs, are taken out."""
    assert clean.command(line) == shown
