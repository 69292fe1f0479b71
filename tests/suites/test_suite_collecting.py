"""pytest collects suite files as it collects test modules: one behaviour for both."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Run = Callable[..., pytest.RunResult]
APP = """
import re

def keep(request):
    count = int(re.search(r"[Kk]eep ([0-9]+)", request.text)[1])
    return " ".join(request.inputs["text"].split()[:count])
"""
SUITE = """
prompts: prompts
examples:
  - {id: a, text: one two three four five six seven eight nine ten}
  - {id: b, text: red orange yellow green blue indigo violet black white grey}
gates: [rouge_l >= 0.8]
predict: app_of_suite:keep
"""


class Files:
    """A project of one suite file, whose prompt v1 keeps 6 of 10 words."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.path = pytester.path
        self.write("app_of_suite.py", APP)
        self.prompt("v1", 6)
        self.write("promptreg_words.yaml", SUITE)

    def write(self, name: str, text: str) -> Path:
        """A file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def prompt(self, label: str, keep: int) -> None:
        """A prompt version that keeps so many words."""
        self.write(f"prompts/{label}.md", f"Keep {keep}: {{{{ text }}}}\n")

    def baseline(self, suite: str = "words") -> Path:
        """Where a baseline belongs."""
        return self.path / "__baselines__" / "promptreg_words" / f"{suite}.json"


@pytest.fixture
def files(pytester: pytest.Pytester) -> Files:
    """A project of its own for each test."""
    return Files(pytester)


def test_its_life_is_that_of_a_python_suite(files: Files, run_each_way: Run) -> None:
    """Stored, met, breached, accepted; with the same flags, and a baseline beside the file."""
    run_each_way("--promptreg-update").assert_outcomes(passed=2)
    assert sorted(json.loads(files.baseline().read_text(encoding="utf-8"))["examples"]) == ["a", "b"]
    files.prompt("v2", 2)
    breached = run_each_way()
    breached.assert_outcomes(passed=2, failed=2)
    breached.stdout.fnmatch_lines(
        [
            "*rouge_l 0.500 (gate >= 0.8)*",
            "*pytest 'promptreg_words.yaml::words[[]v2-a[]]' --promptreg-accept v2",
            "words (promptreg_words.yaml:1): baseline v1, 2 examples",
        ]
    )
    run_each_way("--promptreg-accept", "v2").assert_outcomes(passed=2)
    assert json.loads(files.baseline().read_text(encoding="utf-8"))["version"] == "v2"


def test_cases_are_selected_as_any_test_is(files: Files, run: Run) -> None:
    """By node id, -k and --lf; they are listed, and stand in junit's file under the suite file."""
    run("--promptreg-update")
    listed = run("--collect-only", "-q")
    listed.stdout.fnmatch_lines(["promptreg_words.yaml::words[[]v1-a[]]", "promptreg_words.yaml::words[[]v1-b[]]"])
    run("promptreg_words.yaml::words[v1-b]").assert_outcomes(passed=1)
    run("-k", "words and v1-a").assert_outcomes(passed=1, deselected=1)
    files.write("app_of_suite.py", APP.replace("[:count]", '[:count if "red" not in request.text else 1]'))
    compiled = files.path / "__pycache__"
    for path in compiled.glob("app_of_suite.*"):
        path.unlink()
    run("--junitxml=junit.xml").assert_outcomes(passed=1, failed=1)
    cases = ET.parse(files.path / "junit.xml").iter("testcase")  # noqa: S314  what pytest has just written
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert names == [("promptreg_words.yaml", "words[v1-a]"), ("promptreg_words.yaml", "words[v1-b]")]
    run("--lf").assert_outcomes(failed=1)


def test_a_failure_is_shown_at_the_suites_own_lines(files: Files, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An annotation of a pull request names the suite file, the line of the suite and that of the row."""
    files.write("promptreg_words.yaml", "# a comment\n" + SUITE)
    run("--promptreg-update")
    files.prompt("v1", 2)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(files.path))
    told = run("--promptreg-codequality=quality.json").stdout.str()
    assert re.search(r"^::error file=promptreg_words\.yaml,line=3\b", told, re.MULTILINE)
    places = json.loads((files.path / "quality.json").read_text(encoding="utf-8"))
    lines = {(entry["location"]["path"], entry["location"]["lines"]["begin"]) for entry in places}
    assert {("promptreg_words.yaml", 3), ("promptreg_words.yaml", 5)} <= lines


def test_a_fixture_gives_predict_where_the_file_names_none(files: Files, run: Run) -> None:
    """The nearest conftest.py's, with the fixtures that it asks for; without any, the suite is refused."""
    files.write("promptreg_words.yaml", SUITE.replace("predict: app_of_suite:keep\n", ""))
    refused = run()
    assert refused.ret == 2
    refused.stdout.fnmatch_lines(["*promptreg_words.yaml:1: the suite words has no predict", '*"openai:/MODEL"*'])
    files.write(
        "conftest.py",
        """
        import pytest
        from app_of_suite import keep

        @pytest.fixture(scope="session")
        def client():
            return keep

        @pytest.fixture(scope="session")
        def promptreg_predict(client):
            return client
        """,
    )
    run("--promptreg-update").assert_outcomes(passed=2)
    run().assert_outcomes(passed=2)


def test_what_the_marker_refuses_is_refused_at_the_same_moment(files: Files, run: Run) -> None:
    """While tests are collected, with file and line and without a traceback; other files are collected."""
    files.write("promptreg_words.yaml", SUITE.replace("rouge_l", "rouge_k"))
    files.write("promptreg_typo.yaml", SUITE.replace("examples", "exmples"))
    files.write("promptreg_row.yaml", SUITE.replace("text: red", "txt: red"))
    files.write("promptreg_other.yml", "services: {}\n")
    files.write("promptreg_lost.yaml", SUITE.replace("app_of_suite:keep", "app_of_suite:kept"))
    files.write("test_plain.py", "def test_plain(): pass\n")
    result = run("--continue-on-collection-errors")
    result.assert_outcomes(passed=1, errors=5)
    result.stdout.fnmatch_lines_random(
        [
            "*promptreg_words.yaml:5: unknown metric 'rouge_k'*",
            "*promptreg_typo.yaml:2: a suite has no argument 'exmples'",
            "*did you mean 'examples'?",
            "*prompts/v1.md:1: the prompt uses 'text', which example 'b' (promptreg_row.yaml:4) lacks",
            "*addopts = --ignore=promptreg_other.yml",
            "*promptreg_lost.yaml:6: predict='app_of_suite:kept': app_of_suite has no 'kept'",
            "*did you mean 'keep'?",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    run("--ignore=promptreg_other.yml", "--collect-only", "-q", "test_plain.py").assert_outcomes()


def test_import_modes_hold_for_what_a_suite_names(files: Files, run: Run) -> None:
    """Under importlib nothing is put on sys.path, as for a test module, and the message names the remedy."""
    refused = run("--import-mode=importlib", "--promptreg-update")
    refused.stdout.fnmatch_lines(["*No module named 'app_of_suite'", "*pythonpath = .*"])
    run("--import-mode=importlib", "-o", "pythonpath=.", "--promptreg-update").assert_outcomes(passed=2)


def test_a_suite_that_is_gone_is_stale(files: Files, run: Run) -> None:
    """Its baseline is named and pruned, and that of a suite in a file that was not collected is left alone."""
    both = "suites:\n" + "".join(
        f"  - name: {name}\n" + "".join(f"    {line}\n" for line in SUITE.strip().splitlines()) for name in "xy"
    )
    files.write("promptreg_words.yaml", both)
    other = files.write("promptreg_other.yaml", SUITE)
    run("--promptreg-update").assert_outcomes(passed=6)
    files.write("promptreg_words.yaml", both[: both.index("  - name: y")])
    pruned = run("--promptreg-prune", "promptreg_words.yaml")
    pruned.stdout.fnmatch_lines(["baseline removed: *promptreg_words/y.json (its test is gone)"])
    assert files.baseline("x").exists()
    assert (files.path / "__baselines__/promptreg_other/other.json").exists()
    other.unlink()
    run("--promptreg-prune").stdout.fnmatch_lines(["baseline removed: *promptreg_other/other.json (its test is gone)"])


def test_metrics_of_a_suite_file_are_names_and_functions(files: Files, run: Run) -> None:
    """A metric of the project's own is named as module:function, and gated as any other."""
    files.write("app_of_suite.py", APP + "\ndef polite(output, baseline, case):\n    return float(len(output) > 3)\n")
    files.write(
        "promptreg_words.yaml", SUITE.replace("0.8]", "0.8, polite == 1]") + "metrics: [bleu, app_of_suite:polite]\n"
    )
    run("--promptreg-update").assert_outcomes(passed=2)
    files.prompt("v1", 5)
    result = run()
    result.assert_outcomes(passed=2)
    assert "polite" in result.stdout.str()
