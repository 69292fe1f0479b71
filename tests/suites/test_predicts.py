"""What predict= on the marker may name."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import pytest

from pytest_promptreg.errors import ConfigError
from pytest_promptreg.suites.predicts import check_predict, name_of, resolve_predict, subject_of


@pytest.mark.parametrize(
    "address", ["", "module", "module:", ":function", "a b:c", "module:function()", "../x:y", "a:b:c", "a..b:c", 5, []]
)
def test_what_is_no_predict_is_refused(address: object) -> None:
    """predict takes a callable or an importable address."""
    with pytest.raises(ConfigError, match="is not callable"):
        check_predict(address, "test_x.py:1")


@pytest.mark.parametrize("name", ["gpt-4o-mini", "openai/gpt-4o-mini"])
def test_a_models_bare_name_is_told_its_address(name: str) -> None:
    """What no module can be called is probably a model."""
    with pytest.raises(ConfigError) as error:
        check_predict(name, "test_x.py:1")
    assert 'predict="openai:/gpt-4o-mini"' in str(error.value.next_step)


def app(request: object) -> str:
    """What an address may name."""
    return "x"


def test_predict_is_resolved() -> None:
    """None, a callable, and an address with attributes in it."""
    assert resolve_predict(None, "x") is None
    assert resolve_predict(app, "x") is app
    assert resolve_predict("json:JSONDecoder.decode", "x") is json.JSONDecoder.decode


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("no_such_module_here:f", "No module named 'no_such_module_here'"),
        ("json:dump_it", "json has no 'dump_it'"),
        ("json:JSONDecoder.decod", "JSONDecoder has no 'decod'"),
        ("sys:path", "is not callable"),
        ("broken_app:f", "ZeroDivisionError"),
    ],
)
def test_an_address_of_nothing_is_refused(
    address: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module or function that is not there, or cannot be imported, is refused by name."""
    (tmp_path / "broken_app.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError) as error:
        resolve_predict(address, "test_x.py:1")
    assert said in error.value.what
    assert error.value.where == "test_x.py:1"
    assert "broken_app" not in sys.modules


def with_model(model: str) -> Callable[[object], str]:
    """One of several functions that a decorator makes of the same one."""

    @wraps(app)
    def inner(request: object) -> str:
        return f"{model}: {app(request)}"

    return inner


def test_functions_of_one_name_are_told_apart() -> None:
    """A function is known by its name where it is found by it; what a decorator makes of it is another."""
    small, large = subject_of(with_model("small"), "a.py::test_a"), subject_of(with_model("large"), "a.py::test_b")
    assert len({small, large, subject_of(app, "a.py::test_a")}) == 3
    assert subject_of(app, "a.py::test_a") == subject_of(app, "a.py::test_b") == subject_of(name_of(app), "x")


def test_an_address_is_stored_without_what_it_keeps_secret() -> None:
    """User, password and query are in no record; servers that differ in their query are told apart all the same."""
    address = "https://bob:secret@host/invocations?key=sesame"
    assert name_of(address) == "https://host/invocations"
    subjects = {subject_of(said, "x") for said in (address, f"{address}2", "https://host/invocations")}
    assert len(subjects) == 3
    assert not any(word in "".join(subjects) for word in ("bob", "secret", "sesame"))
    assert name_of("openai:/gpt-4o-mini") == "openai:/gpt-4o-mini"


@pytest.mark.skipif(importlib.util.find_spec("openai") is not None, reason="the module of that name is there")
def test_an_address_without_its_slash_is_told_with_it() -> None:
    """``openai:o3`` reads like a module and its function."""
    with pytest.raises(ConfigError) as error:
        resolve_predict("openai:o3", "test_x.py:1")
    assert error.value.next_step == 'name it as "openai:/o3"'
    with pytest.raises(ConfigError) as error:
        check_predict("openai:gpt-4o-mini", "test_x.py:1")
    assert error.value.next_step == 'name it as "openai:/gpt-4o-mini"'
