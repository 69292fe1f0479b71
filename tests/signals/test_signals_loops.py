"""Loops: found at any place and in any script, and not where a text repeats by nature."""

from __future__ import annotations

import pytest

from pytest_promptreg.signals import look
from pytest_promptreg.signals.loops import loop

START = "The library opens at nine and closes at six. Cards are free for residents. "
LOOPS = [
    "I like cake. " * 10,
    START + "Please bring your card and a photo. " * 6,
    START + "Please bring your card and a photo to the front desk.\n" * 4,
    "\n".join(f"{number}. Buy a bottle of milk at the shop" for number in range(1, 12)),
    "- Buy a bottle of milk at the shop\n" * 8,
    START + "yes " * 40,
    START + "the cat sat on " * 9,
    "ha" * 50,
    START + "Noooo" + "o" * 100,
    START + "." * 400,
    START + "\n" * 1500,
    "我喜欢喝茶。" * 12,
    "お元気ですか。" * 10,
    "Я люблю чай. " * 12,
    "ฉันชอบกินข้าว" * 10,
    "😂" * 300,
    "".join(
        f"We will check the order and send you a mail very soon. {filler} "
        for filler in ("First.", "Then.", "Now.", "Later.", "Again.", "Soon.")
    ),
]
NO_LOOPS = [
    "",
    START,
    "no",
    "very very very good",
    "Ha ha ha, hahaha!",
    "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream.",
    "Let it go, let it go, can't hold it back any more. Let it go, let it go.",
    "| Name | Age | Town |\n|------|-----|------|\n" + "| N/A | N/A | N/A |\n" * 3,
    "| a | b | c | d |\n|---|---|---|---|\n" + "".join(f"| {n} | {n * 3} | {n * 7} | {n * 9} |\n" for n in range(30)),
    "\n".join(", ".join("0" for _ in range(10)) for _ in range(10)),
    "\n".join(f"- Item {number}: a short line" for number in range(40)),
    "\n".join(f"The price of room {number} is {number * 7} euros a night." for number in range(30)),
    "\n".join(f"    self.field_{name} = field_{name}" for name in "abcdefghijklmnop"),
    "\n".join(f"def test_{name}():\n    assert run('{name}') == 0\n    return None\n" for name in "abcdefgh"),
    "<div><div><div><div><p>Hi</p></div></div></div></div>",
    "-" * 80 + "\nTotal\n" + "=" * 80,
    "Chapter 1 " + "." * 60 + " 7\nChapter 2 " + "." * 60 + " 19",
    "Name: ______________________________________________",
    "[" + ", ".join(["null"] * 10) + "]",
    "1/3 = 0." + "3" * 40,
    "Tick, tock, tick, tock, tick, tock, said the clock.",
    "他说好，她说好，大家都说好。",
]


@pytest.mark.parametrize("text", LOOPS)
def test_a_loop_is_found(text: str) -> None:
    """Words, sentences, lines and characters that come back without an end are a loop, and it is named."""
    finding = look(text, START, ["repetition"])["repetition"]
    assert finding.value == 0
    assert len(finding.detail) < 100


@pytest.mark.parametrize("text", NO_LOOPS)
def test_what_repeats_by_nature_is_none(text: str) -> None:
    """Tables, lists, code, refrains, rules and leaders are no loops."""
    assert loop(text) == ""


def test_a_baseline_that_loops_too_allows_it() -> None:
    """Where the accepted answer repeats itself, the output may."""
    assert look("la " * 90, "la " * 60, ["repetition"])["repetition"].value == 1


def test_the_loop_is_named_with_its_count() -> None:
    """The detail shows what comes back, and how often."""
    assert look("I like cake. " * 10, "Cake.", ["repetition"])["repetition"].detail == 'repeats "i like cake." 10 times'
