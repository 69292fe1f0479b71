"""Somebody else writes during a run, or it is stopped while it writes: nothing is undone, and it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]
# What another run writes while the first one calls: its file is put in place as soon as predict is called.
MEANWHILE = """
def follow(request):
    import pathlib
    other = pathlib.Path("other.json")
    if other.exists():
        other.replace("__baselines__/test_answer/test_answer.json")
    return "one two three four five six"
"""

KEPT = """

def kept(request):
    return " ".join(request.inputs["text"].split()[:3])
"""


@pytest.fixture
def meanwhile(project: Project) -> Project:
    """A project in whose next run another one stores v1 with 3 words, where 6 are stored and 6 others are made."""
    project.prompt("v1", keep=3)
    project.store()
    other = project.baseline_file().read_bytes()
    project.prompt("v1", keep=5)
    project.store()
    (project.path / "other.json").write_bytes(other)
    project.suite(predict=MEANWHILE)
    return project


@pytest.mark.parametrize(
    ("run", "flags"),
    [
        ("alone", ["--promptreg-update"]),
        ("alone", ["--promptreg-update", "-k", "v1-a"]),
        ("n2", ["--promptreg-update"]),
    ],
    indirect=["run"],
)
def test_an_update_undoes_no_other(meanwhile: Project, run: Run, flags: list[str]) -> None:
    """The baseline that another run stored since this one began stays, the run fails, and says to run it again."""
    other = (meanwhile.path / "other.json").read_bytes()
    result = run(*flags)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*the baseline was changed while this run was under way, by another run or by hand; it is left as it is now*"]
    )
    assert "run the same command again" in result.stdout.str()
    assert meanwhile.baseline_file().read_bytes() == other
    assert not list(meanwhile.path.glob(".promptreg/refresh-*"))
    assert run(*flags).ret == 0
    assert meanwhile.outputs()["a"] == "one two three four five six"


def test_two_that_store_the_same_are_both_right(project: Project) -> None:
    """The other one has stored what this one would: there is nothing to refuse."""
    project.prompt("v1", keep=3)
    project.store()
    (project.path / "other.json").write_bytes(project.baseline_file().read_bytes())
    project.prompt("v1", keep=6)
    project.store()
    project.prompt("v1", keep=3)
    project.suite(predict=MEANWHILE.replace('"one two three four five six"', "kept(request)") + KEPT)
    before = (project.path / "other.json").read_bytes()
    project.store()
    assert project.baseline_file().read_bytes() == before


def test_a_baseline_that_breaks_meanwhile_is_not_written_over(meanwhile: Project, run: Run) -> None:
    """A merge conflict that arrives during the run is no missing baseline."""
    (meanwhile.path / "other.json").write_text("<<<<<<< ours\n", encoding="utf-8")
    result = run("--promptreg-update")
    assert result.ret == 1
    assert meanwhile.baseline_file().read_text(encoding="utf-8") == "<<<<<<< ours\n"


STOPPED = """
from pytest_promptreg.baselines import refreshing

write, count = refreshing.write_atomically, iter(range(9))

def once(path, text):
    if next(count) == 1:
        raise KeyboardInterrupt
    write(path, text)

refreshing.write_atomically = once
"""


def test_ctrl_c_between_two_baselines_is_told_as_it_is(project: Project) -> None:
    """Of two baselines one was written: the run does not say that it wrote none, and later runs say what is left."""
    project.suite(name="other")
    project.store()
    before = project.baseline_file("test_other", "test_other").read_bytes()
    project.prompt("v1", keep=2)
    project.write("conftest.py", STOPPED)
    stopped = project.pytester.runpytest_subprocess("-p", "no:xdist", "--promptreg-update")
    assert stopped.ret == 2
    stopped.stdout.fnmatch_lines(["the run ended early, when 1 of 2 baselines were written"])
    assert "no baseline was written" not in stopped.stdout.str()
    assert set(project.outputs().values()) == {"one two", "red orange", "do re"}
    assert project.baseline_file("test_other", "test_other").read_bytes() == before

    project.write("conftest.py", "")
    line = (
        "a run was stopped after 1 of 2 baselines; as before: __baselines__/test_other/test_other.json; "
        "run it again: pytest "
    )
    assert any(line in told for told in project.pytester.runpytest_inprocess("-p", "no:xdist").outlines)
    assert not any(
        "was stopped" in told for told in project.pytester.runpytest_inprocess("--promptreg-update").outlines
    )
