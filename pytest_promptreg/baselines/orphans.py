"""Baseline files that belong to no test any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ..errors import BaselineError
from ..suites.suite import SuiteSpec
from .baseline import FOLDER, load

_MODULE_SUFFIXES = (".py", ".yaml", ".yml")  # of what may have declared the suites of a baseline


def orphans(suites: Iterable[SuiteSpec], modules: Collection[tuple[Path, object]]) -> list[Path]:
    """Baseline files beside the collected modules whose module, test function or variant is no longer there.

    :param suites: that were declared.
    :param modules: path and module object of each test module that was collected.
    """
    specs = list(suites)
    declared = {spec.baseline_path for spec in specs}
    functions = {(spec.module, spec.function) for spec in specs}
    found = []
    for path, module in modules:
        folder = path.parent / FOLDER / path.stem
        for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            function = file.stem.partition("@")[0]
            # The methods of a class that this run did not look into are not known, and so not stale.
            gone = (path, function) in functions or not _resolves(module, function)
            if file not in declared and gone:
                found.append(file)
    for folder in {path.parent / FOLDER for path, _ in modules}:
        for of_module in sorted(folder.glob("*/")) if folder.is_dir() else ():
            if not any((folder.parent / f"{of_module.name}{suffix}").exists() for suffix in _MODULE_SUFFIXES):
                found += sorted(of_module.glob("*.json"))
    return sorted(file for file in set(found) if _is_baseline(file))


def _is_baseline(file: Path) -> bool:
    """Whether a file is what it seems: nothing that another tool keeps beside ours may be called stale, and removed."""
    try:
        return load(file) is not None
    except BaselineError:
        return False


def _resolves(module: object, dotted: str) -> bool:
    for name in dotted.split("."):
        module = getattr(module, name, None)
    return module is not None
