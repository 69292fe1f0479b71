"""The public names: each is there, typed, documented, and had without anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pytest_promptreg

HEAVY = ("mlflow", "torch", "pandas", "numpy", "nltk", "sacrebleu", "rouge_score", "sentence_transformers")


@pytest.mark.parametrize("name", pytest_promptreg.__all__)
def test_public_names_resolve(name: str) -> None:
    """Every name in ``__all__`` is there, and says what it is."""
    value = getattr(pytest_promptreg, name)
    if name != "__version__":
        assert value.__name__ == name
        assert value.__doc__


def test_nothing_public_is_left_out() -> None:
    """``dir`` shows ``__all__``, sorted, and every lazily resolved name is in it."""
    assert dir(pytest_promptreg) == sorted(pytest_promptreg.__all__)
    assert set(pytest_promptreg._HOMES) | {"__version__"} == set(pytest_promptreg.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt import fails as imports do."""
    with pytest.raises(AttributeError, match="has no attribute 'Promptversion'"):
        _ = pytest_promptreg.Promptversion


def test_the_public_names_import_nothing_heavy() -> None:
    """A star import, and the plugin itself, load none of the heavy packages."""
    code = (
        "from pytest_promptreg import *; import pytest_promptreg.plugin, sys; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
