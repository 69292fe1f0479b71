"""The place of an ini option that is wrong: the line of whatever file pytest took it from, or the command line."""

from __future__ import annotations

import pytest

from pytest_promptreg.errors import ConfigError, GateError
from pytest_promptreg.session.ini_places import told_at_its_place


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("pytest.ini", "[pytest]\n\npromptreg_margin = x\n", "pytest.ini:3"),
        ("tox.ini", "[pytest]\npromptreg_margin: x\n", "tox.ini:2"),
        ("pyproject.toml", '[tool.pytest.ini_options]\n"promptreg_margin" = "x"\n', "pyproject.toml:2"),
        ("pytest.ini", "[pytest]\npromptreg_margins = x\n", "pytest.ini"),
    ],
)
def test_an_option_is_told_at_its_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, file: str, text: str, place: str
) -> None:
    """In each kind of ini file; another option whose name begins alike is not taken for it."""
    (pytester.path / file).write_text(text, encoding="utf-8")
    config = pytester.parseconfig()
    with pytest.raises(ConfigError) as error, told_at_its_place(config):
        raise ConfigError("the ini option promptreg_margin = 'x' is no number", next_step="write one")
    assert error.value.where == place
    with pytest.raises(GateError) as gate, told_at_its_place(config):
        raise GateError("no gate", where="the ini option promptreg_margin", next_step="write one")
    assert gate.value.where == f"{place}: the ini option promptreg_margin"


def test_an_option_of_the_command_line_is_told_as_such(pytester: pytest.Pytester) -> None:
    """What -o sets stands in no file; and what is wrong elsewhere keeps its own place."""
    config = pytester.parseconfig("-o", "promptreg_margin=x")
    with pytest.raises(ConfigError) as error, told_at_its_place(config):
        raise ConfigError("the ini option promptreg_margin = 'x' is no number", next_step="write one")
    assert error.value.where == "-o"
    with pytest.raises(ConfigError) as other, told_at_its_place(config):
        raise ConfigError("no", where="t.py:3", next_step="write one")
    assert other.value.where == "t.py:3"
