"""Recorded outputs: handed over in place of calls, and recorded when a call gave them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

COUNTED = """
    from pathlib import Path

    def counted(request):
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.write(request.inputs["text"][:3] + "\\n")
        return follow(request)
"""
FIXTURE = """
    @pytest.fixture(scope="session")
    def promptreg_predict():
        return counted
"""
NO_KEY = """
    @pytest.fixture(scope="session")
    def client():
        raise RuntimeError("no API key")

    @pytest.fixture(scope="session")
    def promptreg_predict(client):
        return counted
"""


def _counted(project: Project, fixture: str = FIXTURE, **more: Any) -> None:
    """A suite that takes down each call."""
    project.suite(fixture=COUNTED + fixture, **more)


def _recorded(project: Project, name: str = ".promptreg/replay.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in project.lines(name)]


@pytest.fixture
def alone(pytester: pytest.Pytester) -> Run:
    """Runs pytest in this process, without xdist."""
    return lambda *arguments: pytester.runpytest_inprocess("-p", "no:xdist", *arguments)


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with a baseline, of which every output is recorded."""
    _counted(project)
    project.store("--promptreg-replay=reuse")
    (project.path / "calls.txt").unlink()
    return project


def test_a_plain_run_records_nothing(project: Project, alone: Run) -> None:
    """Off is the default: every case is called, and no file is written."""
    _counted(project)
    project.store()
    before = project.files()
    assert alone().ret == 0
    assert project.files() == before
    assert len(project.lines("calls.txt")) == 6


def test_what_is_recorded_is_not_called_again(recorded: Project, run_each_way: Run) -> None:
    """A second run makes no call, and says that its outputs are replayed and how much is recorded."""
    result = run_each_way("--promptreg-replay=reuse")
    result.assert_outcomes(passed=3)
    assert recorded.lines("calls.txt") == []
    result.stdout.fnmatch_lines(["*outputs: 3 replayed, 0 live", "recorded outputs: .promptreg/replay.jsonl (*B)"])


def test_only_what_is_new_is_called(recorded: Project, alone: Run) -> None:
    """A new example is called and recorded; the others are replayed."""
    recorded.examples({"a": "one two three four five six seven", "new": "un deux trois quatre cinq six sept"})
    recorded.prompt("v2", keep=6)
    result = alone("--promptreg-replay=reuse", "--promptreg-update")
    assert result.ret == 0
    assert sorted(recorded.lines("calls.txt")) == ["one", "un "]
    assert alone("--promptreg-replay=only", "--promptreg-versions", "v1").ret == 0
    assert len(recorded.lines("calls.txt")) == 2


def test_only_needs_neither_a_key_nor_a_predict(recorded: Project, run: Run) -> None:
    """The fixture of predict, and what it asks for, is not set up: CI needs no key."""
    _counted(recorded, NO_KEY)
    for mode in ("only", "reuse"):
        run(f"--promptreg-replay={mode}").assert_outcomes(passed=3)
    recorded.examples({"a": "one two three four five six seven", "b": "red orange yellow", "c": "do re mi"})
    result = run("--promptreg-replay=reuse", "--promptreg-update")
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*RuntimeError: no API key*"])


def test_only_does_not_import_what_predict_names(recorded: Project) -> None:
    """predict="module:function" is not looked for where nothing is called."""
    marker = 'predict="application:answer"'
    _counted(recorded, marker=marker)
    recorded.write("application.py", "def answer(request):\n    return request.text.upper()\n")
    recorded.pytester.syspathinsert()
    recorded.store("--promptreg-replay=reuse")
    recorded.write("application.py", "import nowhere\n")
    result = recorded.pytester.runpytest_subprocess("-p", "no:xdist", "--promptreg-replay=only")
    result.assert_outcomes(passed=3)


def test_a_gap_is_an_error_that_says_how_to_record_it(recorded: Project, run: Run) -> None:
    """Where nothing is recorded and nothing may be called: an error of set-up with what has changed, and no failure."""
    recorded.prompt("v1", keep=5)
    result = run("--promptreg-replay=only")
    result.assert_outcomes(errors=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*no output for v1 x a: *examples.jsonl:1: none is recorded for this request: changed*: the prompt*",
            "*to record it: pytest test_answer.py --promptreg-replay=reuse",
        ]
    )
    assert recorded.lines("calls.txt") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda project: project.prompt("v1", keep=5),
        lambda project: project.examples({"a": "other words than those that were there before, and more of them"}),
        lambda project: project.ini("promptreg_predict_version = 2"),
        lambda project: _counted(project, marker="predict_version='2'"),
        lambda project: _counted(project, marker="predict=counted"),
        lambda project: project.write("prompts/v1.md", "---\nmodel_config: {t: 1}\n---\nKeep 6 words: {{ text }}\n"),
    ],
    ids=["prompt", "inputs", "ini version", "marker version", "predict", "model config"],
)
def test_each_part_of_the_key_calls_anew(recorded: Project, change: Callable[[Project], Any]) -> None:
    """Another prompt, other inputs, another declared version, another predict or model config is not replayed."""
    change(recorded)
    recorded.store("--promptreg-replay=reuse")
    assert recorded.lines("calls.txt")


def test_a_changed_predict_of_the_same_declared_version_is_replayed(recorded: Project, alone: Run) -> None:
    """What predict does is not looked into: the declared version says that it is another, and the page says so."""
    recorded.suite(fixture="\n    counted = lambda request: 'nothing'\n" + FIXTURE)
    alone("--promptreg-replay=reuse").assert_outcomes(passed=3)


def test_two_fixtures_are_two_predicts(project: Project) -> None:
    """Fixtures of the same name in two modules, or with two parameters, do not hand each other's outputs over."""
    project.suite(
        name="shout",
        fixture="\n    @pytest.fixture\n    def promptreg_predict():\n        return shout\n",
        predict="def shout(request):\n    return 'LOUD'\n",
    )
    fixture = """
        @pytest.fixture(params=["one", "two"])
        def promptreg_predict(request):
            return lambda _: request.param
    """
    project.suite(fixture=fixture)
    project.store("--promptreg-replay=reuse")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-replay=only")
    result.assert_outcomes(passed=9)
    assert sorted({record["output"]["text"] for record in _recorded(project)}) == ["LOUD", "one", "two"]


def test_an_errored_call_is_not_recorded(project: Project, alone: Run) -> None:
    """A predict that failed is called again in the next run."""
    broken = """
    def counted(request):
        if request.inputs["text"].startswith("red"):
            raise ValueError("broken")
        return follow(request)
    """
    project.suite(fixture=broken + FIXTURE)
    result = alone("--promptreg-update", "--promptreg-replay=reuse")
    result.assert_outcomes(passed=2, errors=1)
    assert sorted(record["example"] for record in _recorded(project)) == ["a", "c"]


def test_an_output_that_the_test_made_is_neither_recorded_nor_replayed(project: Project, alone: Run) -> None:
    """promptreg.check(output) is the test's own affair, in every mode."""
    project.suite(fixture="", body="promptreg.check(follow(promptreg.request))")
    project.store("--promptreg-replay=reuse")
    result = alone("--promptreg-replay=only")
    result.assert_outcomes(passed=3)
    left = {path.name for path in (project.path / ".promptreg").iterdir()}
    assert left == {".gitignore", "baselines.lock"}, "what the refresh leaves, and nothing recorded"
    result.stdout.fnmatch_lines(["*recorded outputs: .promptreg/replay.jsonl (nothing yet)"])


def test_a_baseline_is_stored_offline(recorded: Project, alone: Run) -> None:
    """--promptreg-update with recorded outputs calls nothing: other gates, and a lost baseline, need no model."""
    before = recorded.baseline()
    recorded.baseline_file().unlink()
    assert alone("--promptreg-update", "--promptreg-replay=only").ret == 0
    assert recorded.baseline() == before
    assert recorded.lines("calls.txt") == []


def test_new_gates_are_judged_offline(recorded: Project, alone: Run) -> None:
    """Another threshold and another metric judge what is recorded, without a call."""
    recorded.prompt("v2", keep=5)
    assert alone("--promptreg-replay=reuse").ret == 0
    calls = recorded.lines("calls.txt")
    _counted(recorded, gates=("rouge_l >= 0.99", "chrf >= 99"))
    result = alone("--promptreg-replay=only")
    result.assert_outcomes(passed=3, failed=3)
    assert recorded.lines("calls.txt") == calls


def test_a_torn_record_is_called_for_again(recorded: Project, run_each_way: Run) -> None:
    """The last line that a kill tore is told of, its case is called, and the file goes on."""
    file = recorded.path / ".promptreg" / "replay.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    result = run_each_way("--promptreg-replay=reuse")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*replay.jsonl:3: a damaged line is not believed*"])
    assert len(recorded.lines("calls.txt")) == 1
    assert run_each_way("--promptreg-replay=only").ret == 0


def test_the_file_can_be_elsewhere(recorded: Project) -> None:
    """promptreg_replay_file is relative to the ini file, and promptreg_replay is the flag's word in it."""
    recorded.ini("promptreg_replay = reuse\npromptreg_replay_file = recorded/outputs.jsonl")
    recorded.store()
    assert len(_recorded(recorded, "recorded/outputs.jsonl")) == 3
    result = recorded.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-replay=off")
    result.assert_outcomes(passed=3)
    assert len(recorded.lines("calls.txt")) == 6


def test_a_file_that_cannot_be_read_is_an_error(recorded: Project, alone: Run) -> None:
    """A folder where the file belongs ends the run before a call, with exit status 4."""
    recorded.ini("promptreg_replay_file = prompts")
    result = alone("--promptreg-replay=reuse")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "prompts: the recorded outputs cannot be read" in result.stdout.str() + result.stderr.str()


def test_a_mode_that_is_none_is_refused(project: Project) -> None:
    """The flag and the ini option take off, reuse and only."""
    assert project.pytester.runpytest_inprocess("--promptreg-replay=on").ret == pytest.ExitCode.USAGE_ERROR
    project.ini("promptreg_replay = reus")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    result.stdout.fnmatch_lines(["*promptreg_replay: there is no 'reus'", "*did you mean 'reuse'?*"])


def test_pruning_removes_what_no_case_needs(recorded: Project, alone: Run) -> None:
    """With --promptreg-prune, outputs of changed prompts and removed examples go; deselected cases keep theirs."""
    recorded.write("examples.jsonl", "".join(f"{line}\n" for line in recorded.lines("examples.jsonl")[:2]))
    result = alone("--promptreg-replay=only", "--promptreg-prune", "-k", "v1-a")
    result.stdout.fnmatch_lines(["recorded outputs: 2 kept, 1 of no declared case removed"])
    assert [record["example"] for record in _recorded(recorded)] == ["a", "b"]


def test_the_header_tells_what_is_called_and_what_is_replayed(recorded: Project) -> None:
    """One line at collection: calls to make, and outputs that are replayed or missing."""
    recorded.prompt("v2", keep=5)
    for mode, told in [
        ("off", "6 calls to make"),
        ("reuse", "3 calls to make, 3 replayed"),
        ("only", "0 calls to make, 3 replayed, 3 not recorded"),
    ]:
        result = recorded.pytester.runpytest_inprocess("-p", "no:xdist", "--co", f"--promptreg-replay={mode}")
        result.stdout.fnmatch_lines([f"promptreg: 1 suite, 2 prompt versions (v1, v2), 6 cases: {told}"])


def test_a_test_may_ask_for_an_output_that_was_not_to_be_called(project: Project, alone: Run) -> None:
    """Without a baseline nothing is called ahead; promptreg.output calls with reuse, and is a gap with only."""
    _counted(project, body="print(promptreg.output.text)\npromptreg.check()")
    alone("--promptreg-replay=only").assert_outcomes(failed=3)
    assert project.lines("calls.txt") == []
    alone("--promptreg-replay=reuse").assert_outcomes(failed=3)
    assert len(project.lines("calls.txt")) == 3
    alone("--promptreg-replay=reuse").assert_outcomes(failed=3)
    assert len(project.lines("calls.txt")) == 3
