"""What the README shows is what happens."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

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


def test_the_caught_regression_is_what_the_example_suite_prints(pytester: pytest.Pytester) -> None:
    """Every line of the README's picture of a caught regression is printed by the example suite, in that order.

    But for the latency, which no two machines have in common.
    """
    suite = pytester.path / "example_suite"
    shutil.copytree(ROOT / "example_suite", suite, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    arguments = ["--promptreg-versions", "v3", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
    result = pytester.runpytest_inprocess("example_suite/test_summarize.py", *arguments)
    assert result.ret == 1
    printed = [_without_latency(line) for line in result.outlines]
    shown = [_without_latency(line) for line in _block("text").splitlines() if line.strip() != "..."]
    position = 0
    for line in shown:
        assert line in printed[position:], f"not printed, or not in this order: {line}"
        position = printed.index(line, position)


def _without_latency(line: str) -> str:
    return re.sub(r"\s+\d[\d.]* m?s(?=\s|$)", " TIME", line).rstrip()


@pytest.mark.parametrize("word", sorted(set(re.findall(r"--(?:no-)?promptreg-[a-z]+|\bpromptreg_[a-z_]+", README))))
def test_every_flag_and_setting_that_the_readme_names_exists(pytester: pytest.Pytester, word: str) -> None:
    """A flag, ini option or fixture that the README names is one that `pytest --help` or the plugin knows."""
    known = pytester.runpytest_inprocess("--help").stdout.str() + " promptreg_predict promptreg_executor"
    assert word in known


def test_the_readme_tells_every_setting(pytester: pytest.Pytester) -> None:
    """A flag or ini option that the plugin has is in the README."""
    told = pytester.runpytest_inprocess("--help").stdout.str()
    for word in set(re.findall(r"--(?:no-)?promptreg-[a-z]+|\bpromptreg_[a-z_]+(?= \()", told)):
        assert word in README, word
