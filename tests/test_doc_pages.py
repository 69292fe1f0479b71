"""What the README and the pages under docs/ tell to do is done here, and what they show is what happens."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.doc_blocks import ROOT, blocks_of, differs, pages, steps_of
from tests.doc_running import CHECKS, Reader, missing_packages

# Blocks that cannot run here, by page: one more is a decision.
NOT_RUN = {
    "CONTRIBUTING.md": 1,
    "README.md": 1,
    "docs/explanation/how-gates-decide.md": 1,
    "docs/explanation/redaction.md": 1,
    "docs/mlflow.md": 1,
    "docs/noise.md": 1,
    "docs/recipes/machines.md": 1,
    "docs/recipes/monorepo.md": 2,
    "docs/redaction.md": 1,
    "docs/reliability.md": 1,
    "docs/tutorial.md": 1,
}
# `make recipes` sets it: there, all that a page needs is installed.
ALL_OF_THEM = "PROMPTREG_ALL_PAGES"
# Fixtures, and properties of a case in JUnit's XML.
OTHER_NAMES = """
promptreg_predict promptreg_executor promptreg_metric_polite
promptreg_suite promptreg_version promptreg_example promptreg_verdict promptreg_kinds promptreg_semantic
"""


@pytest.mark.parametrize("page", pages())
def test_what_a_page_tells_to_do_works(
    page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Followed from its first block to its last, a page has no command that fails, and shows what is printed."""
    blocks = blocks_of(page)
    missing = missing_packages(blocks)
    if missing and not os.environ.get(ALL_OF_THEM):
        pytest.skip(f"needs {', '.join(missing)}: run by `make recipes`")
    assert not missing, f"pip install {' '.join(missing)}"
    if any(block.not_run is None for block in blocks):
        pytester: pytest.Pytester = request.getfixturevalue("pytester")
        monkeypatch.setenv("COLUMNS", "80")
        Reader(page, pytester, request.getfixturevalue).follow()


@pytest.mark.parametrize("page", pages())
def test_every_block_is_run_or_held(page: str) -> None:
    """A block is run, read or a file, or says which test holds it, or why it is not run."""
    for block in blocks_of(page):
        held = block.attributes.get("held-by")
        if held is not None:
            assert Path(page).stem in (ROOT / held).read_text(encoding="utf-8"), (
                f"{block.where}: {held} does not read it"
            )
        elif not block.not_run and block.name is None:
            assert block.language in {"python", "console", *CHECKS}, f"{block.where}: {block.language or 'no language'}"


def test_blocks_that_are_not_run_are_counted() -> None:
    """No page loses its tests by the way."""
    found = Counter(block.page for page in pages() for block in blocks_of(page) if block.not_run)
    assert dict(found) == NOT_RUN


@pytest.mark.parametrize(
    "text",
    ["```python\n", "```python not_run=x\n```\n", "```python not-run=\n```\n"],
    ids=["open", "unknown", "no reason"],
)
def test_a_fence_that_says_something_unknown_is_told(text: str) -> None:
    """A mistyped attribute is not one that is silently not there."""
    with pytest.raises(ValueError, match=r"p\.md:1"):
        blocks_of("p.md", text)


def test_a_block_is_the_file_that_it_names() -> None:
    """By a first line that is only its name, or by the line above; a name in a sentence is none."""
    text = (
        "```python\n# test_x.py\n```\n\nPut this into `prompts/v1.md`:\n\n```markdown\nHi {{ name }}\n```\n"
        "See `x.py`.\n\n```python\n# test_x.py is a file\n```\n"
    )
    assert [block.name for block in blocks_of("p.md", text)] == ["test_x.py", "prompts/v1.md", None]


def test_the_commands_of_a_console_block() -> None:
    """A prompt begins a command; what follows is its output, and what `echo $?` shows the exit status before it."""
    (block,) = blocks_of("p.md", '```console exit="2"\n$ pytest\na\n\n$ echo $?\n1\n$ git \\\n  log\n```\n')
    assert [(step.command, step.shown, step.status) for step in steps_of(block)] == [
        ("pytest", ("a",), 1),
        ("echo $?", ("1",), 0),
        ("git log", (), 2),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        (["a", "..."], "a\nb\nc\n", True),
        (["...", "c"], "a\nb\n", False),
        (["a ... c"], "a b c\n", True),
        (["a ... c"], "a b\nc\n", False),
        (["=== 1 passed in 0.31s ==="], "========== 1 passed in 12.00s ======\n", True),
        (["=== 1 passed in 0.31s ==="], "========== 1 passed in 62.00s (0:01:02) ======\n", True),
        (["=== 1 passed in 0.31s ==="], "========== 2 passed in 0.31s ======\n", False),
        (["v1  3   410 ms"], "v1  3  1,410 ms\n", True),
        (["a.c"], "abc\n", False),
        (["a"], "a\nb\n", False),
    ],
)
def test_what_is_shown_and_what_is_printed(shown: list[str], printed: str, agree: bool) -> None:
    """`...` stands for anything, times and lengths of rules for any; every other character counts."""
    assert (differs(tuple(shown), printed) is None) is agree


def test_names_in_the_pages_exist(pytester: pytest.Pytester) -> None:
    """A flag, ini option or fixture that a page names is one that the plugin has."""
    known = pytester.runpytest_inprocess("--help", "-p", "no:xdist").stdout.str() + OTHER_NAMES
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        # A suite file, its baselines and its tests are called so as well.
        for word in set(
            re.findall(r"--(?:no-)?promptreg-[a-z]+(?:-[a-z]+)*|\bpromptreg_[a-z_]+[a-z]\b(?!\.ya?ml|/|::)", text)
        ):
            assert word in known, f"{page}: {word}"
