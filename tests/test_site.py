"""The site under docs/: which pages there are, and how one gets to them."""

from __future__ import annotations

from pathlib import Path

import conf

ROOT = Path(__file__).resolve().parent.parent


def test_the_lists_of_an_index_are_its_navigation() -> None:
    """A link that begins a list's line is a page below, once and in order; others, and links to elsewhere, are not."""
    text = "See [x](x.md).\n\n- [A](a.md): or [B](b.md)\n- **[C](../c.md)** bold\n- [A](a.md)\n- [Web](https://x.org/y.md)\n"
    assert conf.below(text) == {"a.md": "A", "../c.md": "C"}


def test_every_page_is_below_the_first_one() -> None:
    """Whoever starts at docs/index.md can get to each page under docs/ by lists, and to nothing that is not there."""
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        assert page.is_file(), f"{page} is linked to and is not there"
        reached.add(page)
        if page.name == "index.md":
            waiting += [(page.parent / name).resolve() for name in conf.below(page.read_text(encoding="utf-8"))]
    assert set((ROOT / "docs").rglob("*.md")) <= reached
