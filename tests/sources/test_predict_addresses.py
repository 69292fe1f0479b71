"""What ``predict=`` may name besides a function, and what is refused before anything is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import ConfigError
from pytest_promptreg.sources.predict import describe, is_address, predict_from


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("openai:/gpt-4o-mini", True),
        ("models:/Name@champion", True),
        ("http://localhost:5000/invocations", True),
        ("https://example.org/invocations", True),
        ("package.module:function", False),
        ("openai:complete", False),
        ("models:predict", False),
        ("", False),
    ],
)
def test_an_address_is_told_from_a_function(text: str, found: bool) -> None:
    """A module of the user's that is called openai or models stays one."""
    assert is_address(text) is found


@pytest.mark.parametrize(
    "address",
    [
        "openai:/gpt-4o-mini",
        "openai:/meta-llama/Llama-3-8B:free",
        "models:/Name/3",
        "models:/Name/latest",
        "models:/my model.v2@champion",
        "models:/main.default.name@c-1",
        "models:/m-4373ad0c1fab424a89ae18a808bdfd7a",
        "http://localhost:5000/invocations",
        "https://example.org/serving-endpoints/x/invocations#messages",
    ],
)
def test_a_well_formed_address_is_a_function(address: str) -> None:
    """Each form that the documentation names is taken, and nothing is asked yet."""
    if "my model" in address:
        with pytest.raises(ConfigError, match="names no model"):
            predict_from(address, "test_x.py:3")
    else:
        assert callable(predict_from(address, "test_x.py:3"))


@pytest.mark.parametrize(
    ("address", "says", "step"),
    [
        ("openai:/", "names no model", "openai:/gpt-4o-mini"),
        ("openai://gpt", "names no model", "openai:/gpt-4o-mini"),
        ("openai:/two words", "names no model", "openai:/gpt-4o-mini"),
        ("models:/Name", "names no model of MLflow's", "models:/NAME@ALIAS"),
        ("models:/Name/Production", "names no model of MLflow's", "models:/NAME/3"),
        ("models:/Name@", "names no model of MLflow's", "models:/NAME@ALIAS"),
        ("models://Name/1", "names no model of MLflow's", "models:/NAME@ALIAS"),
        ("http://", "is no URL", "http://HOST:PORT/invocations"),
        ("http://[x/invocations", "is no URL", "http://HOST:PORT/invocations"),
        ("http://host:99999/invocations", "is no URL", "http://HOST:PORT/invocations"),
        ("http://me:word@host:5000", "has no path", "http://host:5000/invocations"),
        ("http://host/v1/chat/completions", "speaks OpenAI's", "OPENAI_BASE_URL=http://host/v1"),
        ("http://host/v1", "speaks OpenAI's", "OPENAI_BASE_URL=http://host/v1"),
        ("http://host/invocations#message", "takes no form 'message'", "did you mean 'messages'?"),
    ],
)
def test_a_malformed_address_is_refused_at_once(address: str, says: str, step: str) -> None:
    """With the place of the marker, what to write instead, and no password."""
    with pytest.raises(ConfigError) as error:
        predict_from(address, "test_x.py:3")
    assert says in error.value.what
    assert step in str(error.value.next_step)
    assert error.value.where == "test_x.py:3"
    assert "word@" not in str(error.value)
    assert describe(address) == {}


@settings(max_examples=200)
@given(st.sampled_from(["openai:/", "http://", "https://"]), st.text(max_size=20))
@example("http://", "a]b@c:d")
@example("http://", "\u2100/x")
def test_any_address_is_taken_or_refused(scheme: str, rest: str) -> None:
    """A mistyped address is never a traceback, and what is under test is told of each that is taken."""
    try:
        predict_from(scheme + rest, "test_x.py:3")
    except ConfigError:
        assert describe(scheme + rest) == {}
    else:
        assert describe(scheme + rest)


def test_naming_an_address_imports_nothing_heavy() -> None:
    """A run that is only collected does not pay for what it could call."""
    code = (
        "import sys\n"
        "from pytest_promptreg.sources.predict import predict_from\n"
        "for a in ('openai:/x', 'models:/x/1', 'http://h/invocations'): predict_from(a, 'x')\n"
        "print(sorted({'mlflow', 'pandas', 'requests', 'numpy', 'openai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
