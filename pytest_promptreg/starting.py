"""``--promptreg-init``: a first suite to start from, written where pytest collects it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from glob import glob
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from . import typed
from .files import display_path
from .new_files import write_new

if TYPE_CHECKING:
    import pytest

FLAG = "--promptreg-init"
FOLDER = "evals"

_SOURCE = Path(__file__).with_name("first_suite")
_MODULE, _FUNCTION = "test_reply_prompts", "test_reply"  # as they are called in the source
_ASIDE = PurePath("prompts", "reply", "_v2.md")  # a worse version, set aside by its underscore


def start(config: pytest.Config, say: Callable[[str], None]) -> None:
    """Write the suite, and say what to run next.

    :raises ConfigError: when one of its files is there already, or cannot be written; then none is.
    """
    collected = _collected(config)
    asked = config.option.promptreg_init
    folder = config.invocation_params.dir / asked if asked else _beside(collected[0])
    files = _files(config.getini("python_files"), config.getini("python_functions"))
    write_new({folder / name: text for name, text in files}, FLAG, f"name another folder: pytest {FLAG} FOLDER")
    shown = display_path(folder)
    say(f"a first suite is written to {shown}:")
    for name, _ in files:
        say(f"  {display_path(folder / name)}")
    if not any(folder.is_relative_to(part) for part in collected):
        say(f"`pytest` alone does not collect {shown}: it is not among testpaths, so name it")
    say("it needs no key and no model: a function of its test file stands in for one")
    say("run with the next command it stores its baseline, and without the flag it compares with that")
    say(f"when it passes, rename {display_path(folder / _ASIDE)} to {_ASIDE.name[1:]} and see it catch a regression")
    say(f"next: pytest {typed.word(shown)} --promptreg-update")


def _collected(config: pytest.Config) -> list[Path]:
    """The folders that `pytest` collects where it is given none: those of testpaths, else the current one."""
    here = config.invocation_params.dir
    entries = config.getini("testpaths") if here == config.rootpath else []
    # As pytest reads them.
    found = [Path(name) for entry in entries for name in sorted(glob(str(here / entry), recursive=True))]  # noqa: PTH207
    return [path for path in found if path.is_dir()] or [here]


def _beside(collected: Path) -> Path:
    """Where to write, of a folder that is collected."""
    return collected if collected.name == FOLDER else collected / FOLDER


def _files(of_modules: Sequence[str], of_functions: Sequence[str]) -> list[tuple[PurePath, str]]:
    """The files of the suite, called as the project calls its tests."""
    module = _fitting(f"{_MODULE}.py", "reply_prompts", of_modules)
    function = _fitting(_FUNCTION, "reply", [name if _is_glob(name) else f"{name}*" for name in of_functions])
    found = []
    for source in sorted(path for path in _SOURCE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        name, text = PurePath(source.relative_to(_SOURCE)), source.read_text(encoding="utf-8")
        if name.name == f"{_MODULE}.py":
            name, text = PurePath(module), text.replace(f"def {_FUNCTION}(", f"def {function}(")
        found.append((name, text))
    return found


def _fitting(name: str, stem: str, patterns: Sequence[str]) -> str:
    """The name if pytest collects it, else one that it collects."""
    if not patterns or any(fnmatch(name, pattern) for pattern in patterns):
        return name
    return PurePath(patterns[0].replace("*", stem)).name


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")
