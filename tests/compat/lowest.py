"""Writes the oldest releases that pyproject.toml allows as constraints for pip: `>=X` becomes `==X`.

    python tests/compat/lowest.py > lowest.txt && pip install --constraint lowest.txt '.[test]'

Only what is required directly is held down; what those packages require, pip chooses.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:>=|==)\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def lowest(project: dict[str, object]) -> list[str]:
    """A constraint for each package that the project and its extras require, but for those without a lower bound.

    :param project: the table ``[project]`` of pyproject.toml.
    """
    name, extras = project["name"], project["optional-dependencies"]
    assert isinstance(extras, dict)
    required = [*_texts(project["dependencies"]), *(text for extra in extras.values() for text in _texts(extra))]
    bounds = [found for text in required if (found := _BOUND.match(text))]
    return [f"{found['name']}=={found['version']}" for found in bounds if found["name"] != name]


def _texts(requirements: object) -> list[str]:
    assert isinstance(requirements, list)
    return requirements


if __name__ == "__main__":
    file = Path(__file__).resolve().parents[2] / "pyproject.toml"
    sys.stdout.write("\n".join(lowest(tomllib.loads(file.read_text(encoding="utf-8"))["project"])) + "\n")
