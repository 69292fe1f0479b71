"""A plugin among others: silent where it is not used, and never green for a case that was not judged."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

HEAVY = "mlflow torch transformers sentence_transformers pandas numpy nltk rouge_score sacrebleu"
NEEDED_FOR_SUITES = "yaml jinja2 rapidfuzz packaging.version"

# Left in a file: what was imported by the end of the session.
IMPORTED = """
    import sys

    def pytest_unconfigure(config):
        with open("imported", "w") as file:
            file.write("\\n".join(sorted(sys.modules)))
"""


def imported(project: Project) -> set[str]:
    """The modules that a run had imported at its end."""
    found = set(project.lines("imported"))
    assert "pytest" in found
    return found


# -- where it is not used


@pytest.fixture
def plain_project(project: Project) -> Project:
    """A project without a suite, beside prompts and baselines that nothing uses."""
    project.write(
        "test_answer.py", "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_plain(n):\n    pass\n"
    )
    return project


@pytest.mark.parametrize("flags", [[], ["--collect-only"], ["-n2"], ["-v"]])
def test_a_project_that_does_not_use_it_sees_nothing_of_it(plain_project: Project, flags: list[str]) -> None:
    """Beside its name among the plugins nothing is printed, and no file is written."""
    files = plain_project.files()
    result = plain_project.pytester.runpytest_subprocess(*flags)
    assert result.ret == 0
    said = [line for line in result.outlines if "promptreg" in line or "prompt regression" in line]
    assert [line for line in said if not line.startswith(("plugins: ", "running: ", "     in: ", "rootdir: "))] == []
    assert plain_project.files() == files


@pytest.mark.parametrize("flags", [["--collect-only"], []])
def test_a_project_that_does_not_use_it_imports_nothing_of_it(plain_project: Project, flags: list[str]) -> None:
    """Neither heavy packages nor this package's own rooms are imported: only hooks, options and keys."""
    plain_project.write("conftest.py", IMPORTED)
    plain_project.pytester.runpytest_subprocess(*flags)
    found = imported(plain_project)
    assert not found & {*HEAVY.split(), *NEEDED_FOR_SUITES.split()}
    assert {name for name in found if name.startswith("pytest_promptreg")} == {
        "pytest_promptreg",
        "pytest_promptreg.options",
        "pytest_promptreg.plugin",
        "pytest_promptreg.session",
        "pytest_promptreg.session.arrivals",
        "pytest_promptreg.session.stash",
    }


def test_a_run_in_which_nothing_changed_loads_no_model(project: Project) -> None:
    """Outputs that equal the baseline are not scored: neither torch nor mlflow nor a metric's package is imported."""
    project.suite(gates=["semantic >= 0.8", "bleu >= 30", "mean(rouge_l) >= 0.5", "chrf >= 20"])
    project.store()
    project.write("conftest.py", IMPORTED)
    result = project.pytester.runpytest_subprocess("-p", "no:xdist")
    result.assert_outcomes(passed=3)
    assert not imported(project) & set(HEAVY.split())


def test_a_run_without_a_baseline_loads_no_model(project: Project) -> None:
    """What cannot be compared is told without loading what would compare it."""
    project.suite(gates=["semantic >= 0.8"])
    project.write("conftest.py", IMPORTED)
    project.pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(failed=3)
    assert not imported(project) & set(HEAVY.split())


@pytest.mark.parametrize("suites", [False, True], ids=["plain", "with-suites"])
def test_it_can_be_switched_off(project: Project, suites: bool) -> None:
    """-p no:promptreg takes everything away; a test of ours is then an error of its own, and never passes."""
    if not suites:
        project.write("test_answer.py", "def test_plain():\n    pass\n")
    result = project.pytester.runpytest_subprocess("-p", "no:promptreg")
    result.assert_outcomes(**({"errors": 1, "warnings": 1} if suites else {"passed": 1}))
    assert "pytest_promptreg" not in result.stdout.str() + result.stderr.str()


def test_the_marker_and_the_fixtures_are_documented(project: Project) -> None:
    """--markers, --fixtures and --help tell what there is; --strict-markers knows the marker."""
    project.store("--strict-markers", "--strict-config")
    markers = project.pytester.runpytest_inprocess("--markers")
    markers.stdout.fnmatch_lines(["@pytest.mark.promptreg(prompts, examples, *"])
    fixtures = project.pytester.runpytest_inprocess("--fixtures")
    fixtures.stdout.fnmatch_lines(["promptreg -- *", "promptreg_predict *"])
    flags = project.pytester.runpytest_inprocess("--help").stdout.str()
    for flag in ("update", "accept=VERSION", "prune", "versions=LABELS", "mlflow"):
        assert f"--promptreg-{flag}" in flags
    for option in ("gates", "metrics", "versions", "concurrency", "timeout", "embedding_model", "mlflow"):
        assert f"promptreg_{option}" in flags


# -- what it prints


def test_no_run_of_ours_gives_a_warning(project: Project, run_each_way: Run) -> None:
    """With -W error a refresh, a met baseline and a breach end as they do without."""
    stored = run_each_way("-W", "error", "--promptreg-update")
    stored.assert_outcomes(passed=3, warnings=0)
    assert stored.ret == 0
    project.prompt("v2", keep=2)
    judged = run_each_way("-W", "error")
    judged.assert_outcomes(passed=3, failed=3, warnings=0)
    for result in (stored, judged):
        assert "Warning" not in result.stdout.str() + result.stderr.str()


def test_quiet_and_verbose(project: Project) -> None:
    """-q says what came out in one line; -qq leaves only pytest's own; -v adds nothing of ours to each test."""
    project.store()
    quiet = project.pytester.runpytest_inprocess("-q")
    quiet.stdout.fnmatch_lines(["promptreg: 1 suite, 3 cases: 3 unchanged"])
    assert "prompt regression" not in quiet.stdout.str()
    project.prompt("v2", keep=2)
    failed = project.pytester.runpytest_inprocess("-q", "--tb=no")
    failed.stdout.fnmatch_lines(["promptreg: 1 suite, 6 cases: 3 unchanged, 3 breached; failed: test_answer v2"])
    (project.path / "prompts" / "v2.md").unlink()
    quieter = project.pytester.runpytest_inprocess("-qq")
    assert "prompt regression" not in quieter.stdout.str()
    verbose = project.pytester.runpytest_inprocess("-v")
    verbose.stdout.fnmatch_lines(["test_answer.py::test_answer[[]v1-a[]] PASSED*"])


def test_it_prints_nothing_when_there_is_no_terminal(project: Project) -> None:
    """-p no:terminal: the run works, and its exit status is right."""
    project.store()
    assert project.pytester.runpytest_inprocess("-p", "no:terminal").ret == 0
    project.prompt("v1", keep=2)
    result = project.pytester.runpytest_inprocess("-p", "no:terminal")
    assert result.ret == 1
    assert result.stdout.str().strip() == ""


def test_maxfail_stops_and_tells_what_ran(project: Project, run_each_way: Run) -> None:
    """--maxfail=2 ends after two breaches; the closing section counts what ran."""
    project.store()
    project.prompt("v1", keep=2)
    project.prompt("v2", keep=2)
    result = run_each_way("--maxfail=2")
    assert result.ret in {1, 2}
    result.stdout.fnmatch_lines(["*test_answer.py:*): baseline v1, 3 examples, * of 6 cases ran"])


def test_junit_has_the_scores_as_properties(project: Project, run_each_way: Run) -> None:
    """Each case's element says what it is of, its verdict, kinds of change and scores, once."""
    project.store()
    project.prompt("v1", keep=5)
    run_each_way("--junitxml=junit.xml", "-o", "junit_family=xunit1").assert_outcomes(passed=3)
    cases = ET.parse(project.path / "junit.xml").getroot().findall(".//testcase")  # noqa: S314  written just now
    assert len(cases) == 3
    kinds = {}
    for case in cases:
        properties = [(entry.attrib["name"], entry.attrib["value"]) for entry in case.findall(".//property")]
        said = dict(properties)
        assert len(said) == len(properties)
        kinds[said.pop("promptreg_example")] = said.pop("promptreg_kinds")
        assert said == {
            "promptreg_rouge_l": "0.909091",
            "promptreg_suite": "test_answer.py::test_answer",
            "promptreg_verdict": "changed",
            "promptreg_version": "v1",
        }
    assert kinds == {"a": "number lost", "b": "reworded", "c": "reworded"}


def test_record_property_of_the_test_is_kept(project: Project) -> None:
    """The test's own properties stand beside ours."""
    project.module(
        """
        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["exact >= 1"])
        def test_answer(promptreg, record_property):
            record_property("words", len(promptreg.output.text.split()))
            promptreg.check()
        """
    )
    project.pytester.runpytest_inprocess(
        "--promptreg-update", "--junitxml=junit.xml", "-o", "junit_family=xunit1", "-k", "v1-a"
    ).assert_outcomes(passed=1)
    text = (project.path / "junit.xml").read_text(encoding="utf-8")
    assert 'name="words" value="6"' in text
    assert text.count('name="promptreg_verdict"') == 1


# -- beside other marks and plugins


def test_skip_and_xfail(project: Project, run_each_way: Run) -> None:
    """A skipped case is not judged, an expected breach is no failure, and one that did not come is what pytest says."""
    project.store()
    project.prompt("v1", keep=2)
    project.write(
        "conftest.py",
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "v1-a" in item.nodeid:
                    item.add_marker(pytest.mark.skip(reason="not today"))
                if "v1-b" in item.nodeid:
                    item.add_marker(pytest.mark.xfail(reason="known"))
        """,
    )
    result = run_each_way()
    result.assert_outcomes(skipped=1, xfailed=1, failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*test_answer.py:*): baseline v1, 3 examples, 2 of 3 cases ran", "*v1?*2*2*"])
    project.prompt("v1", keep=6)
    project.pytester.runpytest_inprocess().assert_outcomes(skipped=1, xpassed=1, passed=1)
    run_each_way("-o", "xfail_strict=true").assert_outcomes(skipped=1, failed=1, passed=1)


def test_every_case_skipped_is_no_pass_rate(project: Project) -> None:
    """A suite that is skipped as a whole judges no gate and says nothing of one."""
    project.store()
    project.suite(gates=["rouge_l >= 0.8", "pass_rate >= 0.9"])
    source = (project.path / "test_answer.py").read_text(encoding="utf-8")
    project.write(
        "test_answer.py", source.replace("@pytest.mark.promptreg", "@pytest.mark.skip\n@pytest.mark.promptreg")
    )
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(skipped=3)
    assert result.ret == 0
    assert "pass_rate" not in result.stdout.str().partition("= prompt regression =")[2]


@pytest.mark.parametrize(
    "dist", [*(pytest.param(dist, marks=pytest.mark.slow) for dist in ("loadfile", "loadgroup")), "worksteal"]
)
def test_every_way_of_distributing(project: Project, dist: str) -> None:
    """Whatever xdist does to node ids and queues: same verdicts, same exit status, no case lost."""
    project.suite(name="other")
    source = (project.path / "test_answer.py").read_text(encoding="utf-8")
    project.write(
        "test_answer.py",
        source.replace("@pytest.mark.promptreg", "@pytest.mark.xdist_group('g')\n@pytest.mark.promptreg"),
    )
    stored = project.pytester.runpytest_inprocess("-n2", "--dist", dist, "--promptreg-update")
    stored.assert_outcomes(passed=6)
    assert stored.ret == 0
    assert sorted(project.outputs()) == sorted(project.outputs("test_other", "test_other")) == ["a", "b", "c"]
    project.suite(
        name="other", predict="def follow(request):\n    return ' '.join(request.inputs['text'].split()[:2])\n"
    )
    judged = project.pytester.runpytest_inprocess("-n2", "--dist", dist)
    judged.assert_outcomes(passed=3, failed=3)
    assert judged.ret == 1


def test_another_working_directory(project: Project, run_each_way: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started from elsewhere, the same baseline is met, and its path is told so that it can be opened."""
    project.store()
    before = project.files()
    elsewhere = project.path / "far" / "away"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    result = run_each_way(str(project.path / "test_answer.py"), "--rootdir", str(project.path))
    result.assert_outcomes(passed=3)
    project.prompt("v1", keep=2)
    result = run_each_way(str(project.path / "test_answer.py"), "--rootdir", str(project.path), "--promptreg-update")
    result.stdout.fnmatch_lines([f"baseline written: {project.baseline_file()} (v1: 3 changed)"])
    assert {name for name in project.files() if not name.startswith("far")} == before


# -- never green for what was not judged


CRASH = """
def follow(request):
    return "one two three four five six"
"""


@pytest.mark.parametrize(
    ("when", "flags"),
    [
        ("last", []),
        pytest.param("only", [], marks=pytest.mark.slow),
        ("first", ["--promptreg-update"]),
        pytest.param("last", ["--promptreg-update"], marks=pytest.mark.slow),
        ("only", ["--promptreg-update"]),
    ],
    ids=["plain-last", "plain-only", "update-first", "update-last", "update-only"],
)
def test_a_worker_that_crashes_is_a_failure(project: Project, when: str, flags: list[str]) -> None:
    """os._exit in a test takes its worker down: the run fails, and nothing is stored for that case."""
    if when == "only":
        project.examples({"a": "one"})
    project.suite(predict=CRASH)
    project.store()
    before = project.outputs()
    crashing = {"first": "a", "last": "c", "only": "a"}[when]
    project.suite(
        predict=CRASH.replace("six", "seven"),
        body=f"import os\nif promptreg.example.id == '{crashing}':\n    os._exit(0)\npromptreg.check()",
    )
    result = project.pytester.runpytest_inprocess("-n2", *flags)
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*crashed*v1-{crashing}*"])
    assert project.outputs()[crashing] == before[crashing]
    if flags and when != "only":
        result.stdout.fnmatch_lines([f"*not written: {crashing}: *"])


@pytest.mark.parametrize(
    ("workers", "stored", "flags"),
    [
        ("-n1", True, []),
        ("-n1", False, []),
        ("-n1", True, ["--promptreg-update"]),
        ("-n1", False, ["--promptreg-update"]),
        ("-n2", True, []),
        ("-n2", False, ["--promptreg-update"]),
    ],
)
def test_a_report_that_cannot_travel_is_a_failure(
    project: Project, workers: str, stored: bool, flags: list[str]
) -> None:
    """A record_property value that xdist cannot send kills the worker; xdist alone may end that with exit status 0."""
    if stored:
        project.store()
    project.module(
        """
        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
        def test_answer(promptreg, record_property):
            promptreg.check()
            if promptreg.example.id == "c":
                record_property("client", object())
        """
    )
    result = project.pytester.runpytest_inprocess(workers, *flags)
    assert result.ret != 0, result.stdout.str()


def test_a_first_report_that_cannot_travel_is_a_failure(project: Project) -> None:
    """The only worker dies of its first set-up, with nothing stored and nothing said: still no exit status 0."""
    source = (
        (project.path / "test_answer.py").read_text(encoding="utf-8").replace("(promptreg):", "(early, promptreg):")
    )
    early = "@pytest.fixture\ndef early(record_property):\n    record_property('client', object())\n"
    project.write("test_answer.py", source.replace("@pytest.mark.promptreg", f"{early}\n@pytest.mark.promptreg"))
    result = project.pytester.runpytest_inprocess("-n1")
    assert result.ret != 0, result.stdout.str()


def test_a_report_that_cannot_travel_from_elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, started in another directory than the project's."""
    project.store()
    source = (project.path / "test_answer.py").read_text(encoding="utf-8")
    source = source.replace("(promptreg):", "(promptreg, record_property):")
    project.write("test_answer.py", source + "    record_property('client', object())\n")
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = project.pytester.runpytest_inprocess("-n1", str(project.path), "--rootdir", str(project.path))
    assert result.ret != 0, result.stdout.str()


@pytest.mark.parametrize("flags", [[], ["--promptreg-update"]], ids=["plain", "update"])
def test_a_case_that_is_never_reported_is_a_failure(project: Project, run_each_way: Run, flags: list[str]) -> None:
    """Another plugin swallows a test: the case was collected and never reported, so the run fails and names it."""
    project.store()
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            return True if "v1-b" in item.nodeid else None
        """,
    )
    result = run_each_way(*flags)
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED collected and never reported: test_answer.py::test_answer[[]v1-b[]]"])


def test_a_case_of_which_only_the_set_up_is_reported_is_a_failure(project: Project, run_each_way: Run) -> None:
    """A set-up that passed is no result: the test itself has to be reported as well."""
    project.store()
    project.write(
        "conftest.py",
        """
        import pytest
        from _pytest.runner import call_and_report

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            if "v1-b" not in item.nodeid:
                return None
            item._initrequest()
            call_and_report(item, "setup")
            call_and_report(item, "teardown", nextitem=nextitem)
            return True
        """,
    )
    result = run_each_way()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED collected and never reported: test_answer.py::test_answer[[]v1-b[]]"])


# -- never written unless it was asked for and came about


STOPPING = {
    "ctrl-c": "raise KeyboardInterrupt",
    "exit": "import pytest\npytest.exit('enough', returncode=0)",
    "fail": "assert False",
}


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize("how", STOPPING)
def test_a_refresh_that_ends_early_writes_nothing(project: Project, workers: str, how: str) -> None:
    """Ctrl-C, pytest.exit() or -x half way through --promptreg-update: no half of a baseline, and that is said."""
    project.store()
    before = project.baseline_file().read_bytes()
    project.prompt("v1", keep=2)
    indented = "\n".join(f"    {line}" for line in STOPPING[how].splitlines())
    project.suite(body=f"promptreg.check()\nif promptreg.example.id == 'b':\n{indented}")
    # Ctrl-C would end these tests as well.
    start = project.pytester.runpytest_subprocess if how == "ctrl-c" else project.pytester.runpytest_inprocess
    result = start(workers, "--promptreg-update", "-x")
    assert project.baseline_file().read_bytes() == before
    if how == "fail":
        assert result.ret != 0
        result.stdout.fnmatch_lines(["the run ended early, so no baseline was written"])


def test_ctrl_c_in_a_refresh_is_told(project: Project) -> None:
    """An interrupted refresh says that nothing was written, and exits with 2."""
    project.suite(body="promptreg.check()\nif promptreg.example.id == 'b':\n    raise KeyboardInterrupt")
    result = project.pytester.runpytest_subprocess("-p", "no:xdist", "--promptreg-update")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["the run ended early, so no baseline was written"])
    assert not project.baseline_file().exists()


@pytest.mark.parametrize(
    ("run", "predict", "body", "reason"),
    [
        ("alone", "raise OSError('away')", "promptreg.check()", "predict failed for v1 x b: OSError: away"),
        ("n2", "raise OSError('away')", "promptreg.check()", "predict failed for v1 x b: OSError: away"),
        ("alone", "return None", "promptreg.check()", "predict failed for v1 x b: *NoneType*"),
        ("alone", "return 'x'", "promptreg.check()\nassert promptreg.example.id != 'b'", "its test failed"),
        ("n2", "return 'x'", "promptreg.check()\nassert promptreg.example.id != 'b'", "its test failed"),
        ("alone", "return 'x'", "assert promptreg.example.id != 'b'\npromptreg.check()", "its test failed"),
    ],
    ids=["error", "error-n2", "no-output", "assertion-after", "assertion-after-n2", "assertion-before"],
    indirect=["run"],
)
def test_a_case_that_failed_is_never_stored(project: Project, run: Run, predict: str, body: str, reason: str) -> None:
    """A call that failed, or a test whose own assertion did, keeps its old record, and the summary says why."""
    project.store()
    before = project.outputs()
    project.suite(
        predict=f"def follow(request):\n    if request.example == 'b':\n        {predict}\n    return 'new'\n",
        body=body,
    )
    result = run("--promptreg-update")
    assert result.ret == 1
    assert project.outputs() == {"a": "new", "b": before["b"], "c": "new"}
    result.stdout.fnmatch_lines(["baseline written: *(v1: 2 changed, 1 not written)", f"*not written: b: {reason}"])


def test_a_case_that_skips_itself_is_not_stored(project: Project, run_each_way: Run) -> None:
    """A test that calls pytest.skip() after its check has not passed: its output is not accepted."""
    project.store()
    before = project.outputs()
    project.prompt("v1", keep=2)
    project.suite(body="import pytest\npromptreg.check()\nif promptreg.example.id == 'b':\n    pytest.skip('not this')")
    run_each_way("--promptreg-update").assert_outcomes(passed=2, skipped=1)
    assert project.outputs()["b"] == before["b"]
    assert project.outputs()["a"] == "one two"


def test_only_one_process_writes(project: Project) -> None:
    """Under xdist every file below __baselines__ is made, changed and pruned by the controller, and by no worker."""
    project.store()
    project.examples({"a": "one two three four five six seven"})
    project.suite(name="other")
    project.write(
        "conftest.py",
        """
        import os, sys

        def audit(event, arguments):
            if event in {"open", "os.rename", "os.mkdir", "os.remove"} and "__baselines__" in str(arguments[0]):
                if event != "open" or (arguments[2] & (os.O_WRONLY | os.O_RDWR)):
                    with_flags = os.open(ROOT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                    os.write(with_flags, (os.environ.get("PYTEST_XDIST_WORKER", "controller") + "\\n").encode())
                    os.close(with_flags)

        ROOT = os.path.join(os.path.dirname(__file__), "writers")
        sys.addaudithook(audit)
        """,
    )
    project.baseline_file("test_gone").write_bytes(project.baseline_file().read_bytes())
    project.pytester.runpytest_subprocess("-n2", "--promptreg-prune", "--promptreg-update").assert_outcomes(passed=2)
    assert list(project.outputs()) == list(project.outputs("test_other", "test_other")) == ["a"]
    assert not project.baseline_file("test_gone").exists()
    assert len(project.lines("writers")) > 2
    assert set(project.lines("writers")) == {"controller"}


def test_a_folder_that_cannot_be_written_fails_the_refresh(project: Project, run_each_way: Run) -> None:
    """Asked to store and not able to: the run fails and says where, although every test passed."""
    project.write("__baselines__", "a file where the folder should be\n")
    result = run_each_way("--promptreg-update")
    result.assert_outcomes(passed=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*__baselines__*cannot be written*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_starting_takes_no_file_and_no_network(plain_project: Project) -> None:
    """The installed command, in an empty environment but for PATH, runs a plain project as ever."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=plain_project.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert not (Path(plain_project.path) / "mlruns").exists()


def test_a_test_module_does_not_say_where_runs_are_recorded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """mlflow.set_tracking_uri writes to the environment, which is read as it was when the run began."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")  # set back when this is over
    project.store()
    project.write("set_uri.py", "import os\n\nos.environ['MLFLOW_TRACKING_URI'] = 'sqlite:///theirs.db'\n")
    module = project.path / "test_answer.py"
    module.write_text(f"import set_uri\n{module.read_text()}")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*MLflow*")
    assert not (project.path / "theirs.db").exists()


def test_a_run_of_other_tests_alone_records_nothing_and_says_nothing(project: Project, run: Run) -> None:
    """Where -k leaves no case of ours there is no run of ours, though MLflow is asked for: it would read as PASSED."""
    project.store()
    project.write("test_other.py", "def test_other(): pass\n")
    before = project.files()
    result = run("-k", "other", "--promptreg-mlflow", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, deselected=3)
    assert project.files() == before
    assert not [line for line in result.outlines if "promptreg:" in line or "prompt regression" in line]
