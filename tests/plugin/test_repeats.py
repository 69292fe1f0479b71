"""Plugins that run a test several times, or give it parameters before this one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

# As pytest-repeat and pytest-flakefinder do it.
_LAST = """
    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(metafunc):
        name = "__pytest_repeat_step_number"
        metafunc.fixturenames.append(name)
        metafunc.parametrize(name, [0, 1], ids=["1-2", "2-2"])
"""
_FIRST = """
    import pytest

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(metafunc):
        name = f"__flakefinder_{metafunc.function.__name__}"
        metafunc.fixturenames.append(name)
        metafunc.parametrize(name, [0, 1])
"""


@pytest.mark.parametrize(
    ("run", "conftest", "plugin"),
    [("alone", _LAST, "pytest-repeat"), ("n2", _LAST, "pytest-repeat"), ("alone", _FIRST, "pytest-flakefinder")],
    indirect=["run"],
)
def test_a_repeated_case_is_refused(project: Project, run: Run, conftest: str, plugin: str) -> None:
    """A repetition would be judged as a suite without a baseline: it is refused, before a call and before a write."""
    project.store()
    stored = project.baseline_file().read_bytes()
    project.write("conftest.py", conftest)

    refused = run("--promptreg-update", "--promptreg-prune")

    assert refused.ret == 4
    refused.stderr.fnmatch_lines(
        [f"ERROR: test_answer.py: {plugin} repeats test_answer*", "*--promptreg-samples 3; *-m 'not promptreg'"]
    )
    assert project.baseline_file().read_bytes() == stored


def test_other_tests_may_be_repeated(project: Project) -> None:
    """Where no suite is selected, repetitions run; and the baselines of the suites are not taken for stale."""
    project.store()
    project.write("test_plain.py", "def test_plain():\n    pass\n")
    project.write("conftest.py", _LAST)

    repeated = project.pytester.runpytest_inprocess("-m", "not promptreg", "--promptreg-prune")

    repeated.assert_outcomes(passed=2, deselected=6)
    assert repeated.ret == 0
    assert project.baseline_file().exists()


def test_a_case_that_stands_twice_is_refused(project: Project) -> None:
    """Of two runs of the same case only one output would be judged."""
    project.store()

    refused = project.pytester.runpytest_inprocess("--keep-duplicates", "test_answer.py", "test_answer.py")

    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["*--keep-duplicates repeats test_answer?v1-a?,*"])


def test_a_case_that_every_worker_runs_is_refused(project: Project) -> None:
    """Under `--dist each` of several workers, each would call for the same case; one worker, or other tests, may."""
    project.store()
    project.write("test_plain.py", "def test_plain():\n    pass\n")

    refused = project.pytester.runpytest_inprocess("-n2", "--dist", "each", "--promptreg-update")
    alone = project.pytester.runpytest_inprocess("-n1", "--dist", "each")
    others = project.pytester.runpytest_inprocess("-n2", "--dist", "each", "-m", "not promptreg")

    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["ERROR: test_answer.py: pytest-xdist's --dist each repeats test_answer?v1-a?,*"])
    assert (alone.ret, others.ret) == (0, 0)
    others.assert_outcomes(passed=2)


def test_parameters_may_come_before_those_of_the_case(project: Project) -> None:
    """A conftest that parametrizes first of all makes suites of their own, as a parametrize mark does."""
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_generate_tests(metafunc):
            metafunc.fixturenames.append("mood")
            metafunc.parametrize("mood", ["calm", "stern"])
        """,
    )

    project.store()

    assert {file.name for file in project.baseline_file().parent.iterdir()} == {
        "test_answer@calm.json",
        "test_answer@stern.json",
    }
