"""Checks what was built against the tree: the wheel holds the package and nothing else, the sdist what its tests need.

python tests/compat/built.py DIST
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SDIST = ("pytest_promptreg", "tests", "example_suite", "docs", "benchmarks")
_SDIST_FILES = ("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "constraints.txt", "pyproject.toml")
_KEPT = (".promptreg", "__pycache__", ".pytest_cache", ".hypothesis")  # what runs leave


def differences(wheel: Path, sdist: Path, root: Path = ROOT) -> list[str]:
    """What is missing or too much, a line each.

    :param root: of the tree that they were built from.
    """
    with zipfile.ZipFile(wheel) as archive:
        info = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
        names = {name for name in archive.namelist() if not name.startswith(f"{info}/")}
        entry_points = archive.read(f"{info}/entry_points.txt").decode("utf-8")
    package = _files(root, "pytest_promptreg")
    wrong = [f"the wheel lacks {name}" for name in sorted(package - names)]
    wrong += [f"the wheel holds {name}" for name in sorted(names - package)]
    if "promptreg = pytest_promptreg.plugin" not in entry_points:
        wrong.append(f"the wheel's entry points are {entry_points}")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {*_SDIST_FILES, *(name for folder in _SDIST for name in _files(root, folder))}
    return wrong + [f"the sdist lacks {name}" for name in sorted(needed - names)]


def _files(root: Path, folder: str) -> set[str]:
    found = (path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not set(path.parts) & set(_KEPT)}


def main(folder: Path) -> int:
    """Check the wheel and the sdist in a folder."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    for line in (wrong := differences(wheel, sdist)):
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
