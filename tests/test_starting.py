"""``--promptreg-init``: a first suite in any project, that passes, catches a regression, and overwrites nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]
HOUSES = {
    "empty": {},
    "testpaths": {
        "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests", "more"]\n',
        "tests/test_a.py": "",
    },
    "src layout": {
        "pytest.ini": "[pytest]\npythonpath = src\ntestpaths = te*s\n",
        "src/pkg/__init__.py": "",
        "tests/__init__.py": "",
    },
    "strict": {"pytest.ini": "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"},
    "names": {"pytest.ini": "[pytest]\npython_files = check_*.py\npython_functions = check should_*\n"},
    "importlib": {"pytest.ini": "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\n"},
    "conftest": {
        "conftest.py": "import pytest\n\n@pytest.fixture(scope='session')\ndef promptreg_predict():\n    return 3\n"
    },
}


def lay(folder: Path, files: dict[str, str]) -> None:
    """The files of a project."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def there(folder: Path) -> set[str]:
    """The files of a project, but for pytest's."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in names if not re.search(r"__pycache__|\.pytest_cache", name)}


@pytest.mark.parametrize("house", HOUSES)
def test_the_first_suite_passes_where_pytest_collects_it(pytester: pytest.Pytester, run: Run, house: str) -> None:
    """Whatever the project is like: written, stored by the command that is printed, met, and a worse v2 is caught."""
    lay(pytester.path, HOUSES[house])
    before = there(pytester.path)
    written = run("--promptreg-init")
    assert written.ret == 0
    assert not re.search(r"passed|failed|collected", written.stdout.str())
    new = there(pytester.path) - before
    folder = "tests/evals" if "tests" in str(HOUSES[house]) else "evals"
    assert {name.rpartition("/")[0] for name in new} == {folder, f"{folder}/prompts/reply"}
    (update,) = [line for line in written.outlines if "--promptreg-update" in line]
    assert written.outlines[-1] == update, "the last line is what to run next"
    assert run(*update.split()[2:]).parseoutcomes() == {"passed": 3}
    green = run()
    assert green.parseoutcomes() == {"passed": 3}
    green.stdout.no_fnmatch_line("*long run*")
    prompts = pytester.path / folder / "prompts/reply"
    (prompts / "_v2.md").rename(prompts / "v2.md")
    caught = run(folder)
    assert caught.ret == 1
    assert caught.parseoutcomes() == {"passed": 3, "failed": 3}
    caught.stdout.fnmatch_lines(["next: pytest * --promptreg-accept v2", "  if v2 is how it should be"])


def test_a_folder_can_be_named(pytester: pytest.Pytester, run: Run) -> None:
    """It is written there, and where pytest alone does not go there, that is said."""
    lay(pytester.path, HOUSES["testpaths"])
    run("--promptreg-init", "tests/prompts").stdout.no_fnmatch_line("*alone does not collect*")
    run("--promptreg-init=elsewhere/deep").stdout.fnmatch_lines(
        ["a first suite is written to elsewhere/deep:", "`pytest` alone does not collect elsewhere/deep*"]
    )
    assert (pytester.path / "elsewhere/deep/test_reply_prompts.py").is_file()


def test_nothing_is_overwritten_and_nothing_is_written_by_halves(pytester: pytest.Pytester, run: Run) -> None:
    """With a file of one of the names, a link to nowhere, or a file for a folder, all stays as it is."""
    lay(pytester.path, {"evals/messages.jsonl": "mine", "file": "mine"})
    (pytester.path / "linked").mkdir()
    (pytester.path / "linked/test_reply_prompts.py").symlink_to("nowhere.py")
    (pytester.path / "blocked").mkdir()
    (pytester.path / "blocked/prompts").write_text("mine")
    before = there(pytester.path)
    for arguments, said in (
        (["--promptreg-init"], "*evals/messages.jsonl: --promptreg-init overwrites nothing*"),
        (["--promptreg-init=linked"], "*linked/test_reply_prompts.py: --promptreg-init overwrites nothing*"),
        (["--promptreg-init=file"], "*--promptreg-init cannot write: *"),
        (["--promptreg-init=blocked"], "*--promptreg-init cannot write: *"),
    ):
        refused = run(*arguments)
        assert refused.ret == 4
        refused.stderr.fnmatch_lines([said, "*pytest --promptreg-init FOLDER"])
    assert there(pytester.path) == before
    assert not (pytester.path / "linked/nowhere.py").exists()
