"""Untrusted text made safe for a screen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.report.escape import GUTTER, one_line, quoted, visible, width

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]))
NASTY = "\x1b[31m\x1b]8;;http://x\x07 \u202edrowssap\u2066 \u200b\ufeff\x9b2J\r\x08 \u2028::error::x\U000e0041"


@given(ANY_TEXT)
@settings(max_examples=200)
def test_nothing_unseen_is_left(text: str) -> None:
    """No control but line end and tab, no bidirectional or invisible character, and no lone surrogate survives."""
    shown = visible(text)
    shown.encode("utf-8")
    for character in shown:
        assert character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "RLE",
            "LRE",
            "RLO",
            "LRO",
            "PDF",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        }


@given(ANY_TEXT)
def test_making_visible_is_done_once(text: str) -> None:
    """What is visible stays as it is."""
    assert visible(visible(text)) == visible(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])))
def test_ordinary_text_stays(text: str) -> None:
    """Letters, digits, signs and spaces of any script are not touched."""
    assert visible(text) == text


@pytest.mark.parametrize("text", ["👩‍👩‍👧", "می‌خواهم", "नमस्ते", "a\tb\nc", "é"])
def test_scripts_and_emoji_keep_their_joiners(text: str) -> None:
    """What a script or an emoji needs to be drawn is left."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("character", "written"),
    [("\x1b", "\\x1b"), ("\x9b", "\\x9b"), ("\u202e", "\\u202e"), ("\U000e0041", "\\U000e0041")],
)
def test_what_is_unsafe_is_written_out(character: str, written: str) -> None:
    """An unsafe character reads as it would be written in code."""
    assert visible(f"a{character}b") == f"a{written}b"


@given(ANY_TEXT | st.just(NASTY), st.none() | st.integers(3, 40))
def test_one_line_is_one_line(text: str, limit: int | None) -> None:
    """Whatever comes in, one line comes out, no longer than the limit, and cut ones say so."""
    line = one_line(text, limit)
    assert len(line.splitlines()) <= 1
    assert limit is None or len(line) <= limit
    if limit is not None and len(one_line(text)) > limit:
        assert line.endswith("...")


@given(ANY_TEXT | st.just(NASTY))
def test_no_quoted_line_begins_with_its_text(text: str) -> None:
    """Each line stands behind the gutter: a CI runner finds no command at its beginning."""
    lines = quoted(text)
    assert len(lines) == text.count("\n") + 1
    for line in lines:
        assert line.startswith(GUTTER.rstrip())
        assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["::error::x", "  ::stop-commands::t", "##[error]x", "##vso[task.complete]", "\n::set-env"]
)
def test_one_line_is_no_command(text: str) -> None:
    """A name that a CI runner would take for its own command is marked as none; a heading or a C++ name is not."""
    assert one_line(text).startswith("\\")
    assert one_line("# heading") == "# heading"
    assert one_line("std::string") == "std::string"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("東京", 4), ("é", 2 - 1), ("e\u0301", 1), ("", 0), ("Ａ", 2)]
)
def test_width_is_in_columns(text: str, columns: int) -> None:
    """Wide characters take two columns, combining ones none."""
    assert width(text) == columns
