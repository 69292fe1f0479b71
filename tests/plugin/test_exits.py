"""A process that leaves in the middle, or cannot leave: what did not run has not passed, and a run comes to its end."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

IN_A_TEST = "import os\nif promptreg.example.id == 'b':\n    os._exit(0)\npromptreg.check()"
IN_PREDICT = """
def follow(request):
    import os
    if request.example == "c":
        os._exit(0)
    return "one two three four five six"
"""


A_TEST_BEGINS = """
import threading, time

def pytest_configure(config):
    capture = config.pluginmanager.getplugin("capturemanager")
    suspend = capture.suspend_global_capture

    def slowly(in_=False):
        suspend(in_)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.2)

    capture.suspend_global_capture = slowly
"""


@pytest.mark.parametrize("where", ["test", "predict", "predict, and a test begins"])
def test_leaving_quietly_without_xdist_is_no_pass(project: Project, where: str) -> None:
    """os._exit(0) ends pytest at once: its status is 1, a line says why, and no baseline or result is written."""
    project.store()
    before = project.baseline_file().read_bytes()
    project.prompt("v1", keep=2)
    if where == "test":
        project.suite(body=IN_A_TEST)
    else:
        project.suite(predict=IN_PREDICT)
    if where.endswith("begins"):
        project.write("conftest.py", A_TEST_BEGINS)
    result = project.pytester.runpytest_subprocess(
        "-p", "no:xdist", "--promptreg-update", "--promptreg-results=run.json"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["promptreg: os._exit(0) ended pytest while * tests had no result, such as test_answer.py::*[[]v1-?]: *"]
    )
    assert project.baseline_file().read_bytes() == before
    assert not (project.path / "run.json").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_process_that_a_test_forked_leaves_as_it_likes(project: Project) -> None:
    """Its status is its own, and the run's is the run's; after the run, os._exit is what it was."""
    leave = os._exit
    project.suite(
        body="""
        import os
        child = os.fork()
        if not child:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        promptreg.check()
        """
    )
    project.store()
    assert os._exit is leave


HUNG = """
def follow(request):
    import threading
    if request.example == "b":
        threading.Event().wait()
    return "one two three four five six"
"""


def test_a_call_that_never_returns_does_not_keep_the_process(project: Project) -> None:
    """The case is an error after its time limit, the others are stored, and the process ends with its thread hung."""
    project.ini("promptreg_timeout = 0.2\npromptreg_retries = 0\n")
    project.suite(predict=HUNG)
    result = project.pytester.run(sys.executable, "-m", "pytest", "-p", "no:xdist", "--promptreg-update", timeout=60)
    assert result.ret == 1
    result.assert_outcomes(passed=2, errors=1)
    assert sorted(project.outputs()) == ["a", "c"]
