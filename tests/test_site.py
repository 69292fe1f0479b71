"""The site under docs/: which pages there are, and how one gets to them."""

from __future__ import annotations

import re
from pathlib import Path

import conf
import yaml

import pytest_promptreg
from pytest_promptreg import __version__

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(pytest_promptreg.__file__).parent  # which may be installed


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


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_house_is_laid_out_as_the_contributors_are_told() -> None:
    """Every module, folder and command that CONTRIBUTING.md names is there."""
    named = set(re.findall(r"`?((?:[a-z_]+/)*[a-z_]+(?:\.py|/))(?=[`, ]|$)", CONTRIBUTING, re.MULTILINE))
    assert len(named) > 40
    for name in named:
        assert any((folder / name).exists() for folder in (ROOT, PACKAGE, PACKAGE.parent)), name
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)", CONTRIBUTING)):
        assert f"\n{target}:" in makefile, target


def test_each_promise_of_security_is_kept_somewhere_and_held_by_a_test() -> None:
    """Every module that SECURITY.md names for a promise is there, and every test."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .* \| (.*) \[(.*)\] \|$", text, re.MULTILINE)
    assert len(rows) > 9
    for mechanism, tests in rows:
        for folder, names in ((PACKAGE, mechanism), (ROOT / "tests", tests)):
            named = re.findall(r"`([\w/]+(?:\.py|/))`", names)
            assert named or "readers" in names, names
            assert [name for name in named if not (folder / name).exists()] == []


def test_before_a_commit_the_same_is_checked_as_by_make_lint() -> None:
    """The hooks of pre-commit are the commands of `make lint`, in the same environment."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe is not None
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    assert [hook["entry"] for hook in hooks] == [command.removesuffix(" .") for command in commands]


def test_the_changelog_knows_the_version() -> None:
    """What is not released stands first, under that heading; a version has its day."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0].startswith(f"{__version__} - ")
    for released in headings[headings[0] == "Unreleased" :]:
        assert re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", released)
