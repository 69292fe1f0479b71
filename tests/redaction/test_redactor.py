"""The rules of a run on texts and values, and rules that fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record, key_of, render
from pytest_promptreg.errors import ConfigError, RedactionError
from pytest_promptreg.model import Message, PromptVersion
from pytest_promptreg.redaction.declared import redacted_baseline
from pytest_promptreg.redaction.redactor import FunctionRule, Redactor, is_redacted
from pytest_promptreg.redaction.rules import read_rules

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2


def test_what_has_no_secret_is_the_same_object() -> None:
    """Nothing is copied that need not be: of 100,000 examples it would be 100,000 copies."""
    redactor = Redactor()
    for value in ("a text", {"a": ["b", {"c": ("d", 1, None)}]}, ["a", "b"], ("a",), 7, None):
        assert redactor.value(value) is value


def test_values_are_redacted_at_any_depth() -> None:
    """Names too; what is no text stays."""
    said = {"a": [{KEY: (f"use {KEY}", 1)}], "b": None}
    hidden = "[redacted:github-token]"
    assert Redactor().value(said) == {"a": [{hidden: (f"use {hidden}", 1)}], "b": None}


@pytest.mark.parametrize("around", [lambda value: {"a": value}, lambda value: [value]])
def test_depth_costs_what_is_there_and_no_more(around: Callable[[object], object]) -> None:
    """A secret below sixty levels is found in sixty steps: with two looks at each level no run would ever end."""
    said: object = f"use {KEY}"
    hidden: object = "use [redacted:github-token]"
    for _ in range(60):
        said, hidden = around(said), around(hidden)
    assert Redactor().value(said) == hidden


def test_switched_off_it_hides_nothing() -> None:
    """`off` alone; with other lines, those count."""
    assert read_rules(["off"]).hides_nothing
    assert read_rules(["off"]).text(KEY) == KEY
    only = read_rules(["off", r"/\d{4}/"])
    assert only.text(f"{KEY} 2024") == f"{KEY} [redacted:pattern]"
    assert not read_rules([]).hides_nothing


@pytest.mark.parametrize("line", [r"/\d+/", r"n1=/\w/", "/:/", "/r/i", "/[a-z]+/"])
def test_a_pattern_leaves_replacements_alone(line: str) -> None:
    """It may match in what stands in place of a secret; nothing of that is replaced again."""
    redactor = read_rules([line])
    once = redactor.text(f"at 17: {KEY}, r 4")
    assert "[redacted:github-token]" in once
    assert redactor.text(once) == once


def test_a_pattern_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error that names the pattern and says nothing of the text."""
    monkeypatch.setattr("pytest_promptreg.redaction.redactor.PATTERN_S", 0.05)
    with pytest.raises(RedactionError) as caught:
        read_rules(["slow=/(a|aa)+$/"]).text("a" * 60 + " hush")
    assert "'slow' took more than" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_function_must_leave_its_own_result_alone() -> None:
    """Else what is stored and what is compared with it would never be equal."""
    growing = Redactor(rules=[FunctionRule("own:it", lambda text: text + "!")])
    with pytest.raises(RedactionError, match="own:it changes its own result"):
        growing.text("hush")
    assert (
        growing.message("hush") == "(withheld, for it could not be redacted: own:it changes its own result when "
        "it is given that)"
    )


def test_the_error_of_a_function_does_not_quote_the_text() -> None:
    """Its exception may: it is neither told nor chained."""

    def fails(text: str) -> str:
        raise ValueError(text)

    with pytest.raises(RedactionError) as caught:
        Redactor(rules=[FunctionRule("own:it", fails)]).text("hush")
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_flags_of_a_pattern_count() -> None:
    """``i`` as in most languages; any other letter is no flag."""
    assert read_rules(["/secret/i"]).text("SECRET") == "[redacted:pattern]"
    with pytest.raises(ConfigError, match="is no rule"):
        read_rules(["/secret/x"])


def test_a_replacement_is_known() -> None:
    """Only in its whole form."""
    assert is_redacted("a [redacted:jwt] b")
    assert not is_redacted("it is [redacted: by law]")


def test_a_baseline_is_redacted_whole() -> None:
    """Outputs and prompts, which are known by what is left of them; the file it came from is to be written again."""
    prompt = PromptVersion("v1", (Message("user", f"Use {KEY}"),), model_config={"note": KEY})
    other = PromptVersion("v0", "Say it")
    keys = key_of(prompt), key_of(other)
    records = {
        "a": Record("a", "0" * 64, (f"said {KEY}", "else"), keys, (1, 0)),
        "b": Record("b", "0" * 64, ("fine",), keys[1:]),
    }
    stored = Baseline(keys[0], dict(zip(keys, (prompt, other), strict=True)), records)
    found = redacted_baseline(stored, Redactor())
    assert found is not None
    assert found.rewritten
    assert KEY not in render(found)
    assert found.prompt.label == "v1"
    assert found.records["a"].outputs == ("said [redacted:github-token]", "else")
    assert found.prompt_of(found.records["a"], "else") == other
    assert found.records["b"] is records["b"]
    assert redacted_baseline(found, Redactor()) is found
    assert redacted_baseline(stored, Redactor(known=False)) is stored
