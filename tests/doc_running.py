"""Runs the code blocks of a page, in order and in one folder, as a reader would who follows it.

What a page presupposes lies in ``tests/doc_pages/<page>/``: its files are there before the first block, and a
``given.py`` among them is run first, whose names are the page's. In it, ``fixture(name)`` gives a fixture of the test,
``suite(folder)`` puts a small suite there, and ``pytest(*arguments)`` runs pytest, which has to pass.
"""

from __future__ import annotations

import configparser
import contextlib
import glob
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import yaml

from pytest_promptreg.__main__ import main
from pytest_promptreg.options import INI_OPTIONS, is_suite_file
from tests.doc_blocks import ROOT, Block, Step, blocks_of, differs, steps_of

GIVEN = ROOT / "tests" / "doc_pages"
SHELL = re.compile(r"cat|cd|cp|diff|echo|export|git|grep|head|ls|mkdir|mv|printf|rm|sed|touch|unset")
_OPERATORS = "|;&<>"
# A commit is the same on each machine and day.
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_PAGER": "cat",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in {"NAME": "A reader", "EMAIL": "reader@example.org", "DATE": "2026-01-01T00:00:00Z"}.items()
    },
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main",
}


def missing_packages(blocks: Iterable[Block]) -> list[str]:
    """Packages that blocks say they need and that are not installed."""
    wanted = {name for block in blocks for name in block.attributes.get("needs", "").split()}
    return sorted(name for name in wanted if importlib.util.find_spec(name) is None)


class Reader:
    """Somebody who follows a page, in an empty folder.

    :param page: from the root of the repository on.
    :param fixture: gives a fixture of the test by name.
    """

    def __init__(self, page: str, pytester: pytest.Pytester, fixture: Callable[[str], Any]) -> None:
        self.page = page
        self.folder = pytester.path
        self.names: dict[str, Any] = {
            "__name__": "page",
            "fixture": fixture,
            "suite": self._suite,
            "pytest": self._passes,
        }
        self._pytester = pytester
        self._monkeypatch: pytest.MonkeyPatch = fixture("monkeypatch")
        self._untried: list[str] = []
        self._status = 0

    def follow(self) -> None:
        """Do all that the page says.

        :raises AssertionError: at the first block that is not so.
        """
        self._prepare()
        for block in blocks_of(self.page):
            self._do(block)
        if self._untried:
            self._passes("--promptreg-update", *self._untried)
            self._passes(*self._untried)

    def _prepare(self) -> None:
        for name, value in _GIT.items():
            self._monkeypatch.setenv(name, value)
        # Two texts of a module may be equally long and a second apart: bytecode of the one would pass for the other's.
        self._monkeypatch.setattr(sys, "dont_write_bytecode", True)
        self._monkeypatch.syspath_prepend(str(self.folder))
        given = GIVEN / self.page.removeprefix("docs/").removesuffix(".md")
        if given.is_dir():
            shutil.copytree(given, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        script = self.folder / "given.py"
        if script.is_file():
            self._execute(script.read_text(encoding="utf-8"), str(script))
            script.unlink()

    def _suite(self, folder: str = ".") -> None:
        shutil.copytree(GIVEN / "a_suite", self.folder / folder, dirs_exist_ok=True)

    def _passes(self, *arguments: str) -> None:
        status, printed = self._pytest(list(arguments))
        assert status == 0, f"{self.page}: pytest {' '.join(arguments)} ends with {status}\n{printed}"

    def _do(self, block: Block) -> None:
        if block.name is not None and not block.not_run:
            self._write(block, block.name)
        if block.language in CHECKS:
            with _blamed(block):
                CHECKS[block.language](block.text)
        if "held-by" in block.attributes:
            return
        if block.language == "console":
            for step in steps_of(block):
                if not block.not_run:
                    self._command(block, step)
        elif block.language == "python":
            code = compile(block.text, block.where, "exec")
            if block.name is None and not block.not_run:
                with _blamed(block), contextlib.redirect_stdout(io.StringIO()):
                    exec(code, self.names)  # noqa: S102  a page of this repository

    def _execute(self, text: str, where: str) -> None:
        exec(compile(text, where, "exec"), self.names)  # noqa: S102

    def _write(self, block: Block, name: str) -> None:
        path = (self.folder / name).resolve()
        assert path.is_relative_to(self.folder.resolve()), block.where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        is_suite = (path.name.startswith("test_") and path.suffix == ".py") or is_suite_file(path)
        if is_suite and name not in self._untried:
            self._untried.append(name)

    def _command(self, block: Block, step: Step) -> None:
        if step.command == "echo $?":
            printed = f"{self._status}\n"
        else:
            self._status, printed = self._run(block, step.command)
            assert self._status == step.status, (
                f"{block.where}: {step.command} ends with {self._status}, not {step.status}\n{printed}"
            )
        difference = differs(step.shown, printed) if step.shown else None
        assert difference is None, f"{block.where}: {step.command}\n{difference}"

    def _run(self, block: Block, command: str) -> tuple[int, str]:
        """The exit status of a command, and what it prints."""
        words = shlex.split(command, comments=True)
        words = words[2:] if words[:2] == ["python", "-m"] else words
        if words[0] in {"pytest", "pytest_promptreg"}:
            assert _is_alone(command), f"{block.where}: {command}: give it a line of its own"
            arguments = [name for word in words[1:] for name in _expanded(word)]
            if words[0] == "pytest_promptreg":
                return _own_command(arguments)
            self._untried.clear()
            return self._pytest(arguments)
        assert SHELL.fullmatch(words[0]), f"{block.where}: {words[0]} is nothing that the tests of the pages run"
        if words[0] == "cd":
            self._monkeypatch.chdir(words[1])
            return 0, ""
        if words[0] in {"export", "unset"}:
            for word in words[1:]:
                name, _, value = word.partition("=")
                if words[0] == "export":
                    self._monkeypatch.setenv(name, value)
                else:
                    self._monkeypatch.delenv(name, raising=False)
            return 0, ""
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def _pytest(self, arguments: list[str]) -> tuple[int, str]:
        several = [] if any(word.startswith(("-n", "--dist")) for word in arguments) else ["-p", "no:xdist"]
        result = self._pytester.runpytest_inprocess(*several, *arguments)
        return int(result.ret), "\n".join([*result.outlines, *result.errlines])


def _is_alone(command: str) -> bool:
    """Whether it is one command that writes to the terminal, as far as its own words go."""
    words = shlex.shlex(command, posix=True, punctuation_chars=_OPERATORS)
    words.whitespace_split = True
    return not any(set(word) <= set(_OPERATORS) for word in words)


def _expanded(word: str) -> list[str]:
    """The files that a pattern names, as a shell hands them over."""
    return sorted(glob.glob(word)) or [word]  # noqa: PTH207  relative, as they are written


def _own_command(arguments: list[str]) -> tuple[int, str]:
    """``python -m pytest_promptreg`` in this process."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            status = main(arguments)
        except SystemExit as exc:  # argparse
            status = int(exc.code or 0)
    return status, printed.getvalue()


@contextlib.contextmanager
def _blamed(block: Block) -> Iterator[None]:
    """A failure is the page's, at that line."""
    try:
        yield
    except Exception as exc:
        raise AssertionError(f"{block.where}: {type(exc).__name__}: {exc}") from exc


def _check_ini(text: str) -> None:
    parser = configparser.ConfigParser(interpolation=None, comment_prefixes=("#", ";"), inline_comment_prefixes=("#",))
    parser.read_string(text)
    for section in parser.values():
        _check_options(section)


def _check_toml(text: str) -> None:
    tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
    _check_options([*tool, *tool.get("ini_options", {})])


def _check_options(names: Iterable[str]) -> None:
    unknown = {name for name in names if name.startswith("promptreg")} - set(INI_OPTIONS)
    assert not unknown, f"no such ini option: {', '.join(sorted(unknown))}"


# What can be said of a block by itself, by its language.
CHECKS: dict[str, Callable[[str], Any]] = {
    "ini": _check_ini,
    "toml": _check_toml,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
}
