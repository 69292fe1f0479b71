"""The list of what a refresh writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import Plan, plan_refresh, prune
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.review import review

EXAMPLES = [Example(name, {"q": name}) for name in "abcde"]
V1, V2 = PromptVersion("v1", "Say {{ q }}"), PromptVersion("v2", "Tell {{ q }}")


def planned(before: Baseline | None, version: PromptVersion, outputs: dict[str, tuple[str, ...]], **how: bool) -> Plan:
    """The plan that makes these outputs accepted."""
    return plan_refresh(Path("b.json"), before, version, outputs, examples=EXAMPLES, signatures={}, refused={}, **how)


def test_each_kind_has_its_line() -> None:
    """Changed first, then new, added, recounted and removed; what is unchanged has none."""
    before = planned(None, V1, {"a": ("one",), "b": ("two",), "c": ("same",), "e": ("gone",)}).after
    plan = planned(before, V2, {"a": ("uno",), "b": ("two", "two"), "c": ("same",), "d": ("four",)})
    assert review(prune(plan, ["e"])) == [
        'changed    a: "one" -> "uno"',
        'new        d: "four"',
        "recounted  b: 1 generation of 1 text -> 2 generations of 1 text",
        'removed    e: "gone"',
    ]
    assert review(planned(before, V2, {"a": ("uno",)}, add=True)) == ['added  a: "uno"']
    assert review(replace(plan, changed=(), new=(), recounted=())) == []


def test_long_texts_are_shown_from_where_they_part() -> None:
    """The first words of two long texts are mostly the same."""
    same = "The quick brown fox jumps over the lazy dog and then it "
    before = planned(None, V1, {"a": (same + "sleeps",)}).after
    (line,) = review(planned(before, V2, {"a": (same + "wakes",)}))
    assert line.startswith('changed  a: "...')
    assert line.endswith(' it wakes"')
    assert len(line) < 160


def test_what_a_model_said_is_escaped() -> None:
    """Neither colours nor line ends of an output reach the terminal."""
    (line,) = review(planned(None, V1, {"a": ("\x1b[31mred\nnext\u202e",)}))
    assert not set(line) & {"\x1b", "\n", "\u202e"}
