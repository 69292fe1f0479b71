"""HTML differences: what changed can be seen, and nothing in the texts does anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from pytest_promptreg.report.html_diff import (
    OutputChange,
    escaped,
    outputs_page,
    side_by_side,
    side_by_side_page,
    words,
)

HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)>\" ' & \u202eevil\x1b[2J\x00"
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "thead", "tbody", "tr", "th", "td"}
MARKS = {"del", "ins"}


class Reader(HTMLParser):
    """Collects the tags and attributes that a browser would see, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:  # noqa: D102
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_words_marks_only_what_one_side_has() -> None:
    """Shared words stand bare on both sides; a word of one side is marked on that side."""
    left, right = words("charged twice in March", "billed twice in March")
    assert left == "<del>charged</del> twice in March"
    assert right == "<ins>billed</ins> twice in March"


def test_side_by_side_keeps_every_line() -> None:
    """Unchanged lines stand on both sides, changed ones in one row, and an added one beside an empty cell."""
    old = "one\n\ntwo\nthree\nfour\nfive\nsix\nseven"
    table = side_by_side(old, old.replace("two", "2") + "\neight", "v1", "v2")
    assert table.count("<td>one</td>") == 2
    assert "<del>two</del>" in table
    assert "<ins>2</ins>" in table
    assert '<td></td><td class="added"><ins>eight</ins></td>' in table
    assert table.count("<tr>") == 1 + 9  # the head, eight lines, one added


def test_side_by_side_of_equal_texts_shows_the_text_once_a_side() -> None:
    """A prompt that did not change is shown whole, without marks, and the page says so."""
    page = side_by_side_page("same\ntext", "same\ntext", "v1", "v2", "t")
    assert "Both are the same." in page
    assert not MARKS & set(read(page).tags)
    assert page.count("<td>text</td>") == 2


def test_side_by_side_shows_texts_that_differ_in_line_ends_only() -> None:
    """A difference that no line shows is written out."""
    assert r"\n" in side_by_side("a\nb\n", "a\nb", "v1", "v2")


@pytest.mark.parametrize("place", ["old", "new", "name", "title"])
def test_prompt_page_neutralises_hostile_text(place: str) -> None:
    """Wherever hostile text stands, the page has no tag and no attribute of its making, and runs nothing."""
    texts = {"old": "a", "new": "b", "name": "v1", "title": "t"} | {place: HOSTILE}
    page = side_by_side_page(texts["old"], texts["new"], texts["name"], "v2", texts["title"])
    seen = read(page)
    assert set(seen.tags) <= TAGS | MARKS
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "class"}
    assert "<script>alert(1)</script>" in seen.text
    assert not re.search("[\x00\x1b\u202e]", page)
    assert r"\u202e" in seen.text
    assert "default-src 'none'" in page


def test_outputs_page_neutralises_hostile_text() -> None:
    """Headings, notes, breaches and both outputs of a case are escaped."""
    change = OutputChange(HOSTILE, HOSTILE + "1", HOSTILE + "2", notes=[HOSTILE], breaches=[HOSTILE])
    seen = read(outputs_page([change], HOSTILE, HOSTILE, HOSTILE, note=HOSTILE))
    assert set(seen.tags) <= TAGS | MARKS
    assert "script" not in seen.tags


def test_outputs_page_keeps_the_order_given() -> None:
    """Cases stand in the order of the caller, each with its breach above its outputs."""
    changes = [OutputChange(name, "old", "new", breaches=[f"gate of {name}"]) for name in ("worst", "mild")]
    text = read(outputs_page(changes, "v1", "v2", "t")).text
    assert text.index("worst") < text.index("gate of worst") < text.index("mild")


def test_escaped_leaves_ordinary_text_alone() -> None:
    """Letters of any script, emoji with joiners and line breaks are shown as they are."""
    text = "naïve 東京 👩‍💻\nمی‌خواهم"
    assert escaped(text) == text
