"""The text of one failed case: verdict first, then why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.diffs import Piece
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import Example, Message, PromptVersion
from pytest_promptreg.report.failure import (
    MAX_DIFF_LINES,
    MAX_OUTPUT_CHARACTERS,
    inline,
    output_change,
    prompt_change,
    text,
)
from pytest_promptreg.results.outcome import CaseOutcome
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Be brief.\nName the product.\n{{ q }}", where="prompts/v1.md")
V2 = PromptVersion("v2", "Be brief.\n{{ q }}", where="prompts/v2.md")
SPEC = SuiteSpec(
    "t.py::test", "t.py:1", Path("t.py"), "test_summary", (V1, V2), (Example("a", {"q": "x"}),), (parse("bleu >= 30"),)
)
BREACHED = CaseOutcome(
    "t.py::test",
    "v2",
    "a",
    "breached",
    output="The bike is red.",
    accepted="The bicycle is red.",
    scores={"semantic": 0.7},
    breaches=["semantic 0.700 (gate >= 0.8)", "bleu 12.300 (gate >= 30)"],
)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]))


def test_a_breach_says_number_cause_effect_and_next_step() -> None:
    """The first line has every number and bound; then who, the prompt diff, the output diff, and the command."""
    assert text(BREACHED, SPEC, V1).splitlines() == [
        "semantic 0.700 (gate >= 0.8); bleu 12.300 (gate >= 30)",
        "test_summary: version v2, example a, against the baseline of v1",
        "",
        "prompt v1 -> v2 (prompts/v2.md):",
        "|   Be brief.",
        "| - Name the product.",
        "|   {{ q }}",
        "",
        "output ([-baseline-], {+v2+}):",
        "| The [-bicycle-]{+bike+} is red.".replace("-]{+", "-] {+"),
        "",
        "If this is how it should be: pytest t.py --promptreg-accept v2",
        "If only this example is: pytest 't.py::test_summary[v2-a]' --promptreg-accept v2",
    ]


@pytest.mark.parametrize("verdict", ["missing", "incomparable", "error"])
def test_other_verdicts_say_what_to_do(verdict: str) -> None:
    """The first line is the verdict and its reason, the next what to do."""
    outcome = CaseOutcome("t.py::test", "v1", "a", verdict, message="no baseline\n  to store it: pytest x")
    assert text(outcome, SPEC, None) == f"{verdict}: no baseline\n  to store it: pytest x"


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_whatever_is_said_stays_in_its_place(accepted: str, output: str, prompt: str) -> None:
    """No output and no prompt breaks a line, writes a control, or begins a line with its own words."""
    version = PromptVersion("v2", prompt, where="v2.md")
    spec = replace(SPEC, versions=(V1, version))
    shown = text(replace(BREACHED, accepted=accepted, output=output), spec, V1)
    own = ("semantic 0.700", "test_summary:", "prompt v", "output (", "If this is", "If only this", "|")
    assert all(not line or line.startswith(own) for line in shown.splitlines())
    assert len(shown.splitlines()) == len(shown.split("\n"))
    assert "\x1b" not in shown


def test_odd_names_are_escaped() -> None:
    """Labels, ids and test names are untrusted as well."""
    odd = PromptVersion("v\n::error::\x1b[2J", "x {{ q }}", where="a\n::error::\x1b.md")
    spec = replace(SPEC, versions=(odd,), function="test_x\x1b")
    shown = text(replace(BREACHED, version=odd.label, example="a\n::error::"), spec, V1)
    assert "\x1b" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())


def test_an_unchanged_prompt_is_said_to_be() -> None:
    """Where the prompt is the same, what changed is behind it, and that is said."""
    (line, empty) = prompt_change(V1, V1)
    assert line.startswith("prompt v1: the same text as the baseline's; what changed is behind it")
    assert empty == ""
    assert "the same text as v1;" in prompt_change(V1, replace(V1, label="v2"))[0]
    assert prompt_change(None, V1) == []


def test_an_edit_in_place_is_said_to_be() -> None:
    """The same label with another text was edited in place."""
    assert prompt_change(V1, replace(V2, label="v1"))[0] == "prompt v1 -> v1 (edited in place) (prompts/v2.md):"


def test_chats_are_told_by_role() -> None:
    """The diff of a chat names the messages."""
    one = PromptVersion("v1", (Message("system", "Be kind."), Message("user", "{{ q }}")))
    two = PromptVersion("v2", (Message("system", "Be brief."), Message("user", "{{ q }}")))
    assert prompt_change(one, two)[1:4] == ["|   [system]", "| - Be kind.", "| + Be brief."]


def test_long_prompt_diffs_are_capped() -> None:
    """A diff of many lines shows the first and how many are left."""
    new = PromptVersion("v2", "\n".join(f"line {number}" for number in range(100)))
    lines = prompt_change(V1, new)
    assert len(lines) == 1 + MAX_DIFF_LINES + 2
    assert lines[-2] == f"| ... {103 - MAX_DIFF_LINES} more lines"


def test_long_outputs_are_capped() -> None:
    """A diff of many characters shows the first and how many are left."""
    lines = output_change(replace(BREACHED, accepted="", output="word " * 2000))
    assert sum(map(len, lines)) < MAX_OUTPUT_CHARACTERS + 100
    assert lines[-1].endswith("more characters")


@pytest.mark.parametrize(("accepted", "output"), [("x", ""), ("", "x")])
def test_an_empty_side_shows(accepted: str, output: str) -> None:
    """An answer that is gone, or came from nothing, is told as removed or added."""
    marks = "".join(output_change(replace(BREACHED, accepted=accepted, output=output)))
    assert marks == ("| [-x-]" if accepted else "| {+x+}")


def test_marks_hug_the_words() -> None:
    """Spaces stay outside of the marks, and braces in a text are the text's own."""
    pieces = [Piece("same", "a {0}"), Piece("removed", " b"), Piece("added", " {c}"), Piece("skipped", "3 words")]
    assert inline(pieces) == "a {0} [-b-] {+{c}+} [... 3 words ...] "
