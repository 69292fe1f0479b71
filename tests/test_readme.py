"""What the README shows is what happens."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import picture
import pypi
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    found = re.search(rf"```{language}[^\n]*\n(.*?)```", README, re.DOTALL)
    assert found, language
    return found[1]


def test_the_ten_lines_run(pytester: pytest.Pytester) -> None:
    """The first example of the README stores a baseline, passes, and fails when the model gets worse."""
    shutil.copytree(ROOT / "tests" / "doc_pages" / "README", pytester.path, dirs_exist_ok=True)
    pytester.makepyfile(test_summarize=_block("python"))
    arguments = ["-p", "no:xdist"]
    assert pytester.runpytest_inprocess(*arguments, "--promptreg-update").ret == 0
    assert pytester.runpytest_inprocess(*arguments).ret == 0
    pytester._monkeypatch.setenv("WORSE", "1")  # the fixture's own, undone with it
    failed = pytester.runpytest_inprocess(*arguments)
    assert failed.ret == 1
    failed.stdout.fnmatch_lines(["*pass_rate 0.000 (gate >= 0.95)"])


def test_the_picture_is_what_the_terminal_shows(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/caught.svg is the edit of the tutorial, run now; but for the time that it takes."""
    monkeypatch.setenv("COLUMNS", str(picture.COLUMNS))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(arguments: Sequence[str]) -> Sequence[str]:
        return pytester.runpytest_inprocess(*arguments, "-p", "no:xdist").outlines

    monkeypatch.syspath_prepend(str(pytester.path))
    drawn = picture.svg(picture.caught(pytester.path, run))
    shown = picture.PICTURE.read_text(encoding="utf-8")
    assert picture.same(shown, drawn), "run python docs/picture.py"
    assert len(shown) < 150_000
    assert "](docs/caught.svg)" in README


def test_what_a_package_index_shows_leads_nowhere_else() -> None:
    """The page of the package is the README without links to files, which are not there, and is up to date."""
    shown = pypi.PAGE.read_text(encoding="utf-8")
    assert shown == pypi.page(README), "run python docs/pypi.py"
    assert re.findall(r"\]\((?!https://)", shown) == []
    assert "![" not in shown


def test_the_readme_can_be_read_in_one_go() -> None:
    """It is short: what is to be looked up stands in the reference."""
    assert len(README.splitlines()) <= 140


def test_the_reference_tells_every_setting(pytester: pytest.Pytester) -> None:
    """A flag or ini option that the plugin has stands on a page of the reference."""
    pages = "".join((ROOT / "docs" / "reference" / name).read_text("utf-8") for name in ("flags.md", "options.md"))
    told = pytester.runpytest_inprocess("--help").stdout.str()
    known = set(re.findall(r"--(?:no-)?promptreg-[a-z]+(?:-[a-z]+)*|\bpromptreg_[a-z_]+(?= \()", told))
    assert len(known) > 40
    for word in known:
        assert f"`{word}" in pages, word
