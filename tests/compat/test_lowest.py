"""The constraints of `make test-lowest`, and what is built."""

from __future__ import annotations

import tarfile
import tomllib
import zipfile
from pathlib import Path

from tests.compat.built import ROOT, differences
from tests.compat.lowest import lowest

_PROJECT: dict[str, object] = {
    "name": "ours",
    "dependencies": ["pytest>=8.4", "mlflow >= 3.12, <4", "unbound"],
    "optional-dependencies": {
        "one": ["a-b[c]>=1.2.3"],
        "two": ["d==4"],
        "test": ["ours[one, two]", "e>=5"],
        "docs": ["f>=6"],
    },
}


def test_lower_bounds_become_constraints() -> None:
    """What the project and an extra require is held at its lower bound, with the extras that an extra names."""
    assert lowest(_PROJECT) == ["pytest==8.4", "mlflow==3.12", "e==5", "a-b==1.2.3", "d==4"]


def test_every_requirement_has_a_lower_bound() -> None:
    """What has none would be tried in its newest release, and any older one be promised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    direct = [*project["dependencies"], *extras["minilm"], *extras["dask"], *extras["test"][1:]]
    assert len(lowest(project)) == len(direct)


def test_what_is_built_is_compared_with_the_tree(tmp_path: Path) -> None:
    """A file that the wheel lacks or holds too much, and one that the sdist lacks, is named."""
    package = tmp_path / "tree" / "pytest_promptreg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "py.typed").touch()
    wheel, sdist = tmp_path / "p-1-py3-none-any.whl", tmp_path / "p-1.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pytest_promptreg/__init__.py", "")
        archive.writestr("tests/test_a.py", "")
        archive.writestr("p-1.dist-info/entry_points.txt", "[pytest11]\npromptreg = pytest_promptreg.plugin\n")
    with tarfile.open(sdist, "w:gz") as archive:
        archive.add(package, "p-1/pytest_promptreg")

    found = differences(wheel, sdist, tmp_path / "tree")

    assert found[:2] == ["the wheel lacks pytest_promptreg/py.typed", "the wheel holds tests/test_a.py"]
    assert "the sdist lacks pyproject.toml" in found
    assert not any("sdist lacks pytest_promptreg" in line for line in found)
