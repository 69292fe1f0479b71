"""pytest's collection of a suite file: a module of test functions that nobody had to write.

Each suite becomes a function that carries the marker and whose body is ``promptreg.check()``. From there on pytest and
this plugin treat it as any other: fixtures, selection, xdist and reports need no word of suite files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest

from ...errors import PromptregError
from ...session.stash import PLACES
from .reading import Declared, read_suites

if TYPE_CHECKING:
    from ...session.case import PromptregCase


class SuiteFile(pytest.Module):
    """A suite file."""

    _made: ModuleType | None = None

    def _getobj(self) -> ModuleType:
        """What pytest takes for the imported module, made once.

        :raises CollectError: when the file declares what is no suite.
        """
        if self._made is None:
            try:
                suites = read_suites(self.path)
            except PromptregError as exc:
                raise self.CollectError(str(exc)) from exc
            _let_import_from(self.path.parent, self.config.getoption("importmode"))
            self._made = _module(self.path, suites)
        return self._made


def _check(promptreg: PromptregCase) -> None:
    promptreg.check()


def _module(path: Path, suites: tuple[Declared, ...]) -> ModuleType:
    module = ModuleType(path.name)
    module.__file__ = str(path)
    for suite in suites:
        setattr(module, suite.name, _function(path, suite, module.__name__))
    return module


def _function(path: Path, suite: Declared, module: str) -> FunctionType:
    """The test function of a suite, which says that it stands where the suite does."""
    code = _check.__code__.replace(
        co_filename=str(path), co_firstlineno=suite.line, co_name=suite.name, co_qualname=suite.name
    )
    function = FunctionType(code, {"__name__": module}, suite.name)
    function.__dict__["__test__"] = True  # whatever python_functions says of names
    function.__dict__[PLACES] = suite.places
    function.__dict__["pytestmark"] = [pytest.mark.promptreg(**suite.arguments)]
    return function


def _let_import_from(folder: Path, mode: str) -> None:
    """Let ``module:function`` name what lies beside the file, as a test module there could."""
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    if mode != "importlib" and str(folder) not in sys.path:
        sys.path.insert(0 if mode == "prepend" else len(sys.path), str(folder))
