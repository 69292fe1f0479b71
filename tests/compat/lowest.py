"""Writes the oldest releases that pyproject.toml allows as constraints for pip: `>=X` becomes `==X`.

    python tests/compat/lowest.py > lowest.txt && pip install --constraint lowest.txt '.[test]'

Only what is required directly is held down; what those packages require, pip chooses.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

_BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:>=|==)\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def lowest(project: Mapping[str, object], extra: str = "test") -> list[str]:
    """A constraint for each package that the project and an extra require, but for those without a lower bound.

    :param project: the table ``[project]`` of pyproject.toml.
    """
    name, extras = project["name"], project["optional-dependencies"]
    assert isinstance(extras, dict)
    required, found = [*_texts(project["dependencies"]), *_texts(extras[extra])], []
    for text in required:  # which grows by the extras that an extra names
        if named := re.fullmatch(rf"{name}\[(.*)\]", text):
            required += [other for part in named[1].split(",") for other in _texts(extras[part.strip()])]
        elif bound := _BOUND.match(text):
            found.append(f"{bound['name']}=={bound['version']}")
    return found


def _texts(requirements: object) -> list[str]:
    assert isinstance(requirements, list)
    return requirements


if __name__ == "__main__":
    file = Path(__file__).resolve().parents[2] / "pyproject.toml"
    sys.stdout.write("\n".join(lowest(tomllib.loads(file.read_text(encoding="utf-8"))["project"])) + "\n")
