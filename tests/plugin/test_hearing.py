"""What predict prints and logs is shown with its own case, and with no neighbour."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

SPEAKING = """
import asyncio, logging, random, sys, time

def speak(request):
    print(f"said {request.example} first")
    logging.getLogger("app").warning("logged by %s", request.example)
    logging.getLogger("app").info("informed by %s", request.example)
    time.sleep(random.random() / 100)
    print(f"said {request.example} last", file=sys.stderr)
    return "another answer"

def follow(request):
    return speak(request)

async def afollow(request):
    await asyncio.sleep(0)
    return await asyncio.to_thread(speak, request)
"""
COUNT = 12
SECTION = re.compile(r"-+ Captured (\w+) (\w+) -+")


def speaking(project: Project, kind: str = "sync") -> None:
    """A suite in which every case fails, after its call has spoken."""
    names = [f"e{number:02}" for number in range(COUNT)]
    project.examples({name: f"text of {name}" for name in names})
    project.suite(predict="def follow(request):\n    return 'the accepted answer'\n")
    project.store()
    fixture = f"""
    @pytest.fixture(scope="session")
    def promptreg_predict():
        return {"afollow" if kind == "async" else "follow"}
"""
    project.suite(predict=SPEAKING, fixture=fixture, body="print('in the test')\npromptreg.check()")


def sections(result: pytest.RunResult) -> dict[str, dict[tuple[str, str], str]]:
    """By example, what is shown of it, by stream and phase."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    place: dict[tuple[str, str], str] = {}
    name = ("", "")
    for line in result.outlines:
        if began := re.fullmatch(r"_+ .*test_answer\[v1-(\w+)\] _+", line):
            place = found.setdefault(began[1], {})
            name = ("", "")
        elif section := SECTION.fullmatch(line):
            name = (section[1], section[2])
        elif line.startswith("==="):
            name = ("", "")
            place = {}
        else:
            place[name] = place.get(name, "") + line + "\n"
    return found


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("capture", ["fd", "sys", "tee-sys"])
def test_words_stand_with_their_own_case(project: Project, kind: str, capture: str) -> None:
    """Under each way of capturing, a case's sections have what its own call said, all of it and nothing else."""
    speaking(project, kind)
    result = project.pytester.runpytest_subprocess("-p", "no:xdist", f"--capture={capture}", "-o", "log_level=INFO")
    result.assert_outcomes(failed=COUNT)
    check_sections(sections(result))


def test_words_stand_with_their_own_case_under_xdist(project: Project) -> None:
    """Two workers send each case's words with its report."""
    speaking(project)
    result = project.pytester.runpytest_inprocess("-n2", "-o", "log_level=INFO")
    result.assert_outcomes(failed=COUNT)
    check_sections(sections(result))


def check_sections(shown: dict[str, dict[tuple[str, str], str]]) -> None:
    assert len(shown) == COUNT
    for name, said in shown.items():
        assert said["stdout", "setup"].splitlines() == [f"said {name} first"]
        assert said["stderr", "setup"].splitlines() == [f"said {name} last"]
        logged = said["log", "setup"].splitlines()
        assert [line.split()[0] for line in logged] == ["WARNING", "INFO"]
        assert all(line.endswith(f"by {name}") for line in logged)
        assert said["stdout", "call"].splitlines() == ["in the test"]


def test_prints_go_straight_through_without_capture(project: Project) -> None:
    """With -s every print is seen, once; logs stand with their cases all the same."""
    speaking(project)
    result = project.pytester.runpytest_subprocess("-p", "no:xdist", "-s")
    result.assert_outcomes(failed=COUNT)
    printed = result.stdout.str()
    for number in range(COUNT):
        assert printed.count(f"said e{number:02} first") == 1
        assert printed.count(f"logged by e{number:02}") == 1
    assert not any("stdout" in name for said in sections(result).values() for name in said)


def test_a_passing_run_shows_no_words(project: Project, run_each_way: Run) -> None:
    """What was said between two tests does not run into pytest's own lines."""
    speaking(project)
    result = run_each_way("--promptreg-update")
    result.assert_outcomes(passed=COUNT)
    assert "said e" not in result.stdout.str() + result.stderr.str()


def test_a_failed_call_has_its_words_too(project: Project) -> None:
    """An error of set-up shows what every try of its call said."""
    project.ini("promptreg_retries = 1\n")
    project.suite(
        predict="""
        def follow(request):
            print("asked for", request.example)
            raise TimeoutError("no answer")
        """
    )
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update", "-k", "v1-b")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["predict failed for v1 x b: TimeoutError: no answer", "  tried again: timeout", "*Captured stdout setup*"]
    )
    assert result.stdout.str().count("asked for b") == 2


def test_capsys_and_caplog_are_the_tests_own(project: Project) -> None:
    """A test that reads what it printed does not read what calls of its neighbours print meanwhile."""
    project.suite(
        predict="""
        import logging, threading, time
        GO = threading.Event()

        def follow(request):
            for _ in range(20 if request.example == "c" else 0):
                print("noise of", request.example)
                logging.warning("noise of %s", request.example)
                time.sleep(0.01)
            return "x"
        """,
        body="""
        import time
        if promptreg.example.id == "a":
            capsys, caplog = request.getfixturevalue("capsys"), request.getfixturevalue("caplog")
            time.sleep(0.1)
            print("mine")
            assert capsys.readouterr().out == "mine\\n"
            assert caplog.records == []
        promptreg.check()
        """,
    )
    text = (project.path / "test_answer.py").read_text(encoding="utf-8")
    project.write(
        "test_answer.py", text.replace("def test_answer(promptreg)", "def test_answer(capsys, promptreg, request)")
    )
    project.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update").assert_outcomes(passed=3)


def test_everything_is_as_it_was_in_the_end(project: Project) -> None:
    """Streams, log handlers and levels that calls were heard through are given back."""
    import logging
    import sys

    speaking(project)
    root = logging.getLogger()
    before = (root.handlers[:], root.level, vars(sys.stdout).copy(), vars(sys.stderr).copy())
    project.pytester.runpytest_inprocess("-p", "no:xdist", "-o", "log_level=INFO").assert_outcomes(failed=COUNT)
    assert (root.handlers[:], root.level, vars(sys.stdout), vars(sys.stderr)) == before


def test_streams_that_are_over_are_let_go(project: Project) -> None:
    """Each test with capsys has streams of its own: they do not pile up until the session ends."""
    project.write(
        "conftest.py",
        """
        from pytest_promptreg.session.stash import HEARING

        def pytest_sessionfinish(session):
            with open("kept", "w") as file:
                file.write(str(len(session.config.stash[HEARING]._streams)))
        """,
    )
    project.examples({str(number): "one two three four five six seven" for number in range(20)})
    source = project.suite()
    source.write_text(source.read_text().replace("(promptreg):", "(promptreg, capsys):"))
    project.store()
    assert int(project.lines("kept")[0]) < 10
