"""Differences as data: nothing lost, nothing invented, and cheap on long texts."""

from __future__ import annotations

import random
import sys
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.diffs import MAX_TOKENS, Piece, line_diff, unified, word_diff

WORDS = st.lists(st.sampled_from(["a", "b", "the", "fox.", "_", "é", "中文", "1.5"]), max_size=25)
TEXTS = st.text(max_size=60) | st.builds(
    lambda words, gap: gap.join(words), WORDS, st.sampled_from([" ", "\n", "  ", ", "])
)


def bare(text: str) -> str:
    return "".join(text.split())


def side(pieces: list[Piece], kind: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in {"same", kind})


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_words_join_back_to_both_texts(old: str, new: str) -> None:
    """Shared and added pieces are the new text to the letter; shared and removed ones the old but for its spaces."""
    pieces = word_diff(old, new, context=None)
    assert side(pieces, "added") == new
    assert bare(side(pieces, "removed")) == bare(old)
    assert all(piece.text for piece in pieces)


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_a_difference_always_shows(old: str, new: str) -> None:
    """Unequal texts have a removed or added piece, equal ones have none, and neither repeats a kind."""
    for context in (None, 3):
        pieces = word_diff(old, new, context=context)
        assert any(piece.kind in {"removed", "added"} for piece in pieces) == (old != new)
        kinds = [piece.kind for piece in pieces]
        assert all(a != b for a, b in pairwise(kinds))


@given(TEXTS, TEXTS, st.integers(1, 5))
def test_a_cut_diff_keeps_every_change(old: str, new: str, context: int) -> None:
    """Cutting leaves out shared words only."""
    changes = [piece for piece in word_diff(old, new, context=None) if piece.kind != "same"]
    assert [p for p in word_diff(old, new, context=context) if p.kind in {"removed", "added"}] == changes


def test_a_changed_word_is_told_alone() -> None:
    """One word of a sentence that changed is one removed and one added piece."""
    assert word_diff("The fox is red.", "The fox is brown.") == [
        Piece("same", "The fox is"),
        Piece("removed", " red"),
        Piece("added", " brown"),
        Piece("same", "."),
    ]


def test_what_is_left_of_a_line_does_not_run_together() -> None:
    """Where the new text begins with what had a space before it, the old one still has its space."""
    pieces = word_diff("In a tone. Always keep it.", "Always keep it.")
    assert [(piece.kind, piece.text) for piece in pieces] == [("removed", "In a tone. "), ("same", "Always keep it.")]


def test_a_rewritten_passage_is_one_change() -> None:
    """A few shared words inside a rewritten passage do not cut it into confetti."""
    pieces = word_diff("Please kindly summarize the text shortly", "Write down of the story everything important")
    assert [piece.kind for piece in pieces] == ["removed", "added"]


def test_space_alone_is_a_difference() -> None:
    """Texts that differ in white space only show it."""
    assert [piece.kind for piece in word_diff("a b", "a\nb")] == ["same", "removed", "added"]


def test_long_shared_stretches_are_counted() -> None:
    """What is left out says how many words it is."""
    old = " ".join(f"w{number}" for number in range(100))
    pieces = word_diff(old, old.replace("w50", "changed"), context=4)
    assert [piece.kind for piece in pieces] == ["skipped", "same", "removed", "added", "same", "skipped"]
    assert [piece.text for piece in pieces if piece.kind == "skipped"] == ["46 words", "45 words"]


def calls_of(function: Any, *arguments: Any) -> int:
    """How many Python and C functions a call enters: its cost, without a clock."""
    count = 0

    def tick(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("vocabulary", [10, 5000])
def test_the_cost_of_long_texts_is_small(vocabulary: int) -> None:
    """Two unrelated texts of 3,000 words take a few calls for each word, where difflib takes a thousand."""
    draw = random.Random(7)  # noqa: S311  no secret
    old, new = (" ".join(f"w{draw.randrange(vocabulary)}" for _ in range(3000)) for _ in range(2))
    word_diff("a b", "a c")  # imports what it needs
    assert calls_of(word_diff, old, new) < 40 * 6000


def test_texts_beyond_the_limit_are_compared_by_sentence() -> None:
    """A text of more words than the alignment may hold is still compared in whole, and joins back."""
    old = "One two three. " * (MAX_TOKENS // 3)
    new = old.replace("three", "four", 1)
    pieces = word_diff(old, new, context=None)
    assert side(pieces, "added") == new
    assert sum(len(piece.text) for piece in pieces if piece.kind == "added") < 40


@given(
    st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12), st.lists(st.sampled_from(["a", "b", "d"]), max_size=12)
)
def test_lines_are_told_once(old_lines: list[str], new_lines: list[str]) -> None:
    """With enough context, the shared and removed lines are the old text, the shared and added ones the new."""
    old, new = "\n".join(old_lines), "\n".join(new_lines)
    pieces = line_diff(old, new, context=100)
    if old.splitlines() != new.splitlines():
        assert [piece.text for piece in pieces if piece.kind in {"same", "removed"}] == old.splitlines()
        assert [piece.text for piece in pieces if piece.kind in {"same", "added"}] == new.splitlines()
    assert bool(pieces) == (old != new)


def test_unchanged_lines_are_counted() -> None:
    """Lines far from a change are left out, and said to be."""
    old = "\n".join(map(str, range(20)))
    pieces = line_diff(old, old.replace("10", "ten"), context=1)
    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("skipped", "9 unchanged lines"),
        ("same", "9"),
        ("removed", "10"),
        ("added", "ten"),
        ("same", "11"),
        ("skipped", "8 unchanged lines"),
    ]


@pytest.mark.parametrize(("old", "new"), [("a\n", "a"), ("a\r\nb", "a\nb"), ("", "\n"), ("a", "a\n\n")])
def test_a_line_end_alone_is_a_difference(old: str, new: str) -> None:
    """Texts that differ only in how their lines end show it too."""
    assert {piece.kind for piece in line_diff(old, new)} >= {"added"}


def test_unified_holds_both_texts() -> None:
    """The diff for a file names both versions and has the whole of the text."""
    text = unified("a\nb\nc", "a\nB\nc", "v1", "v2")
    assert text.splitlines()[:2] == ["--- v1", "+++ v2"]
    assert text.splitlines()[3:] == [" a", "-b", "+B", " c"]
    assert unified("a", "a", "v1", "v2") == ""
