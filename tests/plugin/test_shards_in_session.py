"""One suite split over machines: the merge of its shards says what one whole run says, or why it cannot."""

from __future__ import annotations

import glob
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.__main__ import main

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

TEXTS = {f"t-{number}": f"{number} two three four five six seven eight nine ten" for number in range(8)}
GATES = ("rouge_l >= 0.8", "pass_rate >= 0.9", "mean(rouge_l) >= 0.9")


@pytest.fixture
def split(project: Project) -> Project:
    """A project of eight examples with a baseline of v1, and a version v2 that lost half of every output."""
    project.examples(TEXTS)
    project.suite(gates=GATES)
    project.store()
    project.prompt("v2", keep=3)
    return project


def shard(project: Project, index: int, count: int = 3, *arguments: str, ret: int = 0) -> pytest.RunResult:
    """Run one shard."""
    flags = ["-p", "no:cacheprovider", *([] if "-n2" in arguments else ["-p", "no:xdist"])]
    result = project.pytester.runpytest_inprocess(*flags, "--promptreg-shard", f"{index}/{count}", *arguments)
    assert result.ret == ret, result.stdout.str() + result.stderr.str()
    return result


def shards(project: Project, *arguments: str, count: int = 3, ret: int = 0) -> None:
    """Run all shards."""
    for index in range(1, count + 1):
        shard(project, index, count, *arguments, ret=ret)


def merge(project: Project, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Merge what there is: the exit status, and what was said."""
    capsys.readouterr()
    status = main(["merge", "--rootdir", str(project.path), *arguments, *map(str, files(project))])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def files(project: Project) -> Sequence[Path]:
    """The shards' files."""
    return sorted((project.path / ".promptreg" / "shards").glob("*.json"))


def section(lines: Sequence[str]) -> list[str]:
    """The closing section, up to what differs by its nature: the list of failed tests, and the last line."""
    start = next(place for place, line in enumerate(lines) if " prompt regression " in line)
    ends = ("=", "FAILED test_", "merged ")
    inner = lines[start + 1 :]
    stop = next(place for place, line in enumerate(inner) if line.startswith(ends) and ", v" not in line)
    return list(inner[:stop])


def whole(project: Project, *arguments: str) -> pytest.RunResult:
    """One run of everything."""
    return project.pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider", *arguments)


def test_three_shards_say_what_one_run_says(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdicts, counts, suite gates, worst cases and next commands: the lines are equal, and so is the exit status."""
    one = whole(split)
    shards(split)  # with a pass-rate gate, no single case fails
    status, said = merge(split, capsys)
    assert (status, one.ret) == (1, 1)
    assert section(said.splitlines()) == section(one.outlines)
    assert "FAILED test_answer, v2: pass_rate 0.000 (gate >= 0.9)" in said
    assert "merged 3 of 3 shards: 16 cases, 0 failed, 2 suite gates missed: FAILED" in said


def test_what_passes_whole_passes_in_parts(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Under two workers as well; the shards share the cases out and each writes its file."""
    arguments = ["--promptreg-versions", "v1"]
    shard(split, 1, 2, "-n2", *arguments).assert_outcomes(passed=4)
    shard(split, 2, 2, *arguments).assert_outcomes(passed=4, deselected=4 + 8)
    status, said = merge(split, capsys)
    assert (status, section(said.splitlines())) == (0, section(whole(split, *arguments).outlines))


def test_a_shard_says_what_it_leaves_to_the_merge(split: Project) -> None:
    """The suite's gates are not judged on a part; the header and the notes say so, and the next command."""
    result = shard(split, 2)
    result.stdout.fnmatch_lines(
        [
            "promptreg: 1 suite, 2 prompt versions (v1, v2), * cases, shard 2/3 of 16: * calls to make",
            "shard 2/3: * of 16 cases; the merge judges pass_rate >= 0.9, mean(rouge_l) >= 0.9",
            "results written: .promptreg/shards/2-of-3.json",
            "when all shards have run: python -m pytest_promptreg merge .promptreg/shards/*-of-3.json",
        ]
    )
    assert "suite gate" not in result.outlines[-1]
    assert (split.path / ".promptreg" / ".gitignore").exists()


def test_a_failing_case_fails_its_shard_and_the_merge(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a pass-rate gate a breach fails where it happens; its file is written all the same."""
    split.suite(gates=("rouge_l >= 0.8",))
    shards(split, ret=1)
    status, said = merge(split, capsys)
    assert status == 1
    assert "merged 3 of 3 shards: 16 cases, 8 failed: FAILED" in said
    assert said.count("FAILED test_answer.py::test_answer[v2-t-") == 8
    assert section(said.splitlines()) == section(whole(split).outlines)


def test_a_missing_shard_is_a_failure(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Though everything that is there passed, and it is named."""
    shard(split, 1, 3, "--promptreg-versions", "v1")
    shard(split, 3, 3, "--promptreg-versions", "v1")
    status, said = merge(split, capsys)
    assert status == 1
    assert "shard 2 of 3 is missing: the run is not whole" in said
    assert "merged 2 of 3 shards" in said


def test_an_interrupted_shard_is_a_failure(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """-x leaves a file that says so."""
    split.suite(gates=("rouge_l >= 0.8",))
    shard(split, 1, 3, ret=1)
    result = shard(split, 2, 3, "-x", ret=1)
    result.stdout.fnmatch_lines(["results written: *2-of-3.json"])
    shard(split, 3, 3, ret=1)
    status, said = merge(split, capsys)
    assert status == 1
    assert "shard 2/3 (" in said
    assert "was interrupted: it ended before its last case" in said


def test_another_test_that_fails_fails_the_merge(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A merge is no way around a red shard; it says that none of the cases was it."""
    split.write("test_other.py", "def test_other():\n    assert False\n")
    shards(split, "--promptreg-versions", "v1", ret=1)
    status, said = merge(split, capsys)
    assert status == 1
    assert "failed for something else than a case" in said


def test_more_shards_than_examples_is_no_failure(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A shard without a case exits with 0 and leaves its file: pytest's own status 5 would fail the job."""
    project.store()
    shards(project, count=5)
    assert len(files(project)) == 5
    assert merge(project, capsys)[0] == 0
    shard(project, 1, 5, "-n2")


def test_shards_that_select_nothing_have_not_passed(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A -k that fits no test fails every shard, as it fails a whole run, and the merge of what they left."""
    shards(split, "-k", "typo", count=2, ret=pytest.ExitCode.NO_TESTS_COLLECTED)
    status, said = merge(split, capsys)
    assert status == 1
    assert "no case was selected in any of the shards" in said
    assert said.rstrip().endswith("merged 2 of 2 shards: 0 cases, 0 failed: FAILED")
    shard(split, 1, 2, "-n2", "-k", "typo", ret=pytest.ExitCode.NO_TESTS_COLLECTED)


def test_the_split_does_not_depend_on_what_else_is_selected(split: Project) -> None:
    """-k and a version narrow a shard, and move nothing into another."""
    everything = cases(split, shard(split, 2))
    assert cases(split, shard(split, 2, 3, "--promptreg-versions", "v1")) == {
        case for case in everything if case[1] == "v1"
    }
    assert cases(split, shard(split, 2, 3, "-k", "v2")) == {case for case in everything if case[1] == "v2"}


def cases(project: Project, _: pytest.RunResult) -> set[tuple[str, str, str]]:
    """The cases that the second shard ran."""
    data = json.loads((project.path / ".promptreg" / "shards" / "2-of-3.json").read_text(encoding="utf-8"))
    return {
        (case["suite"], case["version"], case["example"])
        for suite in data["run"]["suites"]
        for version in suite["versions"]
        for case in version["cases"]
    }


def edit_prompt(project: Project) -> list[str]:
    project.prompt("v2", keep=4)
    return []


def edit_examples(project: Project) -> list[str]:
    project.examples(TEXTS, reference="one two")
    return []


def edit_gates(project: Project) -> list[str]:
    project.suite(gates=("rouge_l >= 0.7",))
    return []


def edit_module(project: Project) -> list[str]:
    project.suite(gates=GATES, body="promptreg.check()\nassert True")
    return []


def edit_baseline(project: Project) -> list[str]:
    result = whole(project, "--promptreg-accept", "v2")
    assert result.ret == 0
    return []


def other_cases(project: Project) -> list[str]:
    return ["-k", "v2"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (edit_prompt, "the prompts of test_answer differ"),
        (edit_examples, "the examples of test_answer differ"),
        (edit_gates, "the test modules of test_answer differ"),
        (edit_module, "the test modules of test_answer differ"),
        (edit_baseline, "the baselines of test_answer differ"),
        (other_cases, "they selected other cases"),
    ],
)
def test_shards_of_different_runs_are_refused(
    split: Project, capsys: pytest.CaptureFixture[str], edit: Any, said: str
) -> None:
    """What was edited between them is named, with both files."""
    shard(split, 1, 2)
    more = edit(split)
    split.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-shard", "2/2", *more)
    status, told = merge(split, capsys)
    assert status == 2
    assert told.startswith("error: shard 2/2 (")
    assert said in told
    assert "1-of-2.json" in told


def change(project: Project, name: str, **fields: Any) -> None:
    """Edit what a shard left for the merge."""
    path = project.path / ".promptreg" / "shards" / name
    data = json.loads(path.read_text(encoding="utf-8"))
    for field, value in fields.items():
        place = data if field in data else data["part"]
        place[field] = {**place[field], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"index": 1}, "shard 1/2 is there twice"),
        ({"count": 3}, "are parts of unequal counts"),
        ({"commit": "b" * 40}, "commit bbbbbbbbbb and commit aaaaaaaaaa"),
        ({"plugin_version": "9.9"}, "is of pytest-promptreg 9.9"),
        ({"part": None}, "the results of a whole run"),
        ({"signatures": {"test_answer.py::test_answer": {"rouge_l": "other"}}}, "rouge_l of test_answer has other"),
        ({"cases": [["test_answer.py::test_answer", "v9", "t-1", "id"]]}, "they selected other cases"),
        ({"flags": {"promptreg_update": True}}, "only one was run with --promptreg-update"),
        ({"ini": {"promptreg_embedding_model": "other"}}, "promptreg_embedding_model differs"),
        ({"ini": {"promptreg_margin": "0.3"}}, "promptreg_margin differs"),
        ({"ini": {"promptreg_undecided": "fail"}}, "promptreg_undecided differs"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    split: Project, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], said: str
) -> None:
    """Each with its reason, and no traceback."""
    shards(split, count=2)
    change(split, "1-of-2.json", commit="a" * 40)
    change(split, "2-of-2.json", **fields)
    status, told = merge(split, capsys)
    assert status == 2
    assert said in told


def test_an_old_file_is_not_taken_for_this_run(split: Project) -> None:
    """A shard whose collection fails leaves none."""
    shard(split, 1)
    shard(split, 1, 3, "--help")
    shard(split, 1, 3, "--collect-only")
    assert len(files(split)) == 1, "nothing was run"
    split.prompt("v3", keep=2).write_text("{{ nobody }}\n", encoding="utf-8")
    shard(split, 1, ret=2)
    assert files(split) == []


def test_a_refresh_in_parts_is_written_once_by_the_merge(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """No shard touches the baseline; the merge writes the bytes that one run would have written."""
    project.examples(TEXTS)
    project.store()
    expected = project.baseline_file().read_bytes()
    project.baseline_file().unlink()
    for index in (1, 2, 3):
        result = shard(project, index, 3, "--promptreg-update")
        result.stdout.fnmatch_lines(["shard */3: * of 8 cases; the merge writes the baseline"])
    assert not project.baseline_file().exists()
    status, said = merge(project, capsys)
    assert status == 0
    assert "baseline written: " in said
    assert project.baseline_file().read_bytes() == expected


def test_a_part_of_a_refresh_is_not_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor is one over a baseline that is another by now."""
    project.examples(TEXTS)
    shard(project, 1, 2, "--promptreg-update")
    status, said = merge(project, capsys)
    assert status == 1
    assert "the run ended early, so no baseline was written" in said
    shard(project, 2, 2, "--promptreg-update")
    project.prompt("v1", keep=3)
    project.store()
    status, said = merge(project, capsys)
    assert status == 2
    assert "the baseline is another one than the shards refreshed" in said


def test_a_merge_that_was_stopped_can_be_run_again(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What it had written by then is what it writes: no other baseline than the shards had."""
    project.examples(TEXTS)
    for index in (1, 2):
        shard(project, index, 2, "--promptreg-update")
    assert merge(project, capsys)[0] == 0
    stored = project.baseline_file().read_bytes()
    status, said = merge(project, capsys)
    assert status == 0, said
    assert project.baseline_file().read_bytes() == stored


@pytest.mark.parametrize("flags", [["--promptreg-prune"], ["--promptreg-rescore"], ["--promptreg-promote", "champion"]])
def test_what_only_a_whole_run_can_do_is_refused(split: Project, flags: list[str]) -> None:
    """With the way to do it."""
    result = shard(split, 1, 3, *flags, ret=4)
    result.stderr.fnmatch_lines([f"*--promptreg-shard and {flags[0]} exclude each other*"])


def test_the_merge_records_one_run(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """No shard records anything; the flag that the shards were given is the merge's as well."""
    shards(split, "--promptreg-mlflow", "--promptreg-versions", "v1")
    assert not (split.path / "mlflow.db").exists()
    status, said = merge(split, capsys)
    assert status == 0, said
    assert "MLflow: 1 prompt version in experiment 'promptreg'" in said
    with sqlite3.connect(split.path / "mlflow.db") as store:
        (runs,) = store.execute("select count(*) from runs").fetchone()
        (cases,) = store.execute("select value from params where key = 'examples'").fetchone()
    store.close()
    assert (runs, cases) == (2, "8")
    assert "MLflow" not in merge(split, capsys, "--no-mlflow")[1]


def test_results_of_a_whole_run_can_be_asked_for(split: Project) -> None:
    """--promptreg-results without a shard: the same file, with the suite gates judged."""
    result = whole(split, "--promptreg-results", "out/run.json")
    result.stdout.fnmatch_lines(["results written: out/run.json"])
    data = json.loads((split.path / "out" / "run.json").read_text(encoding="utf-8"))
    assert data["part"] is None
    assert len(data["run"]["suites"][0]["versions"][1]["gates"]) == 2


def test_results_that_cannot_be_written_fail_the_run(split: Project) -> None:
    """What was asked for and is not there is no pass."""
    split.write("file", "")
    result = whole(split, "--promptreg-versions", "v1", "--promptreg-results", "file/run.json")
    assert result.ret != 0
    assert "the results cannot be written" in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("out/shard-2.json", "out/shard-*.json"),
        ("2-of-2.json", "*-of-2.json"),
        ("part 2.json", "'part '*.json"),
        ("r12.json", "FILE..."),
    ],
)
def test_the_merge_is_told_the_files_of_all_shards(split: Project, name: str, told: str) -> None:
    """By the number in the name of this one's, and of no other JSON file beside it."""
    result = shard(split, 2, 2, "--promptreg-results", name, "-k", "v1")
    result.stdout.fnmatch_lines([f"when all shards have run: python -m pytest_promptreg merge {glob.escape(told)}"])


@pytest.mark.parametrize("name", ["test_answer.py", "file/run.json"])
def test_a_place_for_results_that_cannot_be_is_refused_before_any_call(split: Project, name: str) -> None:
    """A test file, named where the path was forgotten, stays; nobody pays for results that nobody can keep."""
    split.write("file", "")
    split.write("calls.txt", "")
    before = sorted((path.name, path.read_bytes()) for path in split.path.iterdir() if path.is_file())
    result = whole(split, "--promptreg-results", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{name}: *", "  *name another file*"])
    assert before == sorted((path.name, path.read_bytes()) for path in split.path.iterdir() if path.is_file())


def test_a_file_that_is_named_twice_is_no_second_shard(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What to do is name it once, and not run everything again."""
    shards(split)
    status, said = merge(split, capsys, str(files(split)[0]))
    assert status == 2
    assert "1-of-3.json) is named twice" in said
    assert "name each file once" in said


def test_a_stored_run_can_be_shown_again(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`report` prints the section that the run printed, but for what was written where."""
    result = whole(split, "--promptreg-results", "run.json")
    capsys.readouterr()
    assert main(["report", "--rootdir", str(split.path), str(split.path / "run.json")]) == 0
    printed = [line for line in result.outlines if not line.startswith("results written: ")]
    said = capsys.readouterr().out.splitlines()
    place = printed.index(said[1])
    assert printed[place : place + len(said) - 1] == said[1:]


def test_a_shard_is_not_shown_as_the_run(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`report` of one shard's file says which it is, that the merge judges the suite's gates, and how to merge."""
    shard(split, 2)
    capsys.readouterr()
    assert main(["report", "--rootdir", str(split.path), str(files(split)[0])]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "; the merge judges pass_rate >= 0.9, mean(rouge_l) >= 0.9" in said[-2]
    assert said[-1] == (
        "this is shard 2 of 3 and not the run; suite gates are judged by the merge: "
        "python -m pytest_promptreg merge .promptreg/shards/*-of-3.json"
    )


def test_a_merged_run_is_shown_as_a_run(split: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`report` of what the merge wrote says nothing of shards."""
    shards(split)
    merge(split, capsys, "--results", str(split.path / "merged.json"))
    assert main(["report", "--rootdir", str(split.path), str(split.path / "merged.json")]) == 0
    assert "shard" not in capsys.readouterr().out


def forge(project: Project, change: Any) -> None:
    """Each shard's file as somebody would write it who wants something of the merge."""
    for file in files(project):
        data = json.loads(file.read_text(encoding="utf-8"))
        change(data)
        file.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "value"),
    [("promptreg_redact", ["os:system"]), ("promptreg_embedding_model", "subprocess:Popen")],
)
def test_a_shard_cannot_have_code_run(
    split: Project, capsys: pytest.CaptureFixture[str], option: str, value: object
) -> None:
    """A function that a shard's file names is not called by the merge, unless the project's ini file names it too."""
    shards(split)
    forge(split, lambda data: data["part"]["ini"].update({option: value}))
    status, said = merge(split, capsys)
    assert status == 2
    assert "which no ini file of the root folder names, so it is not run" in said


def test_a_shard_cannot_have_files_removed(split: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Files that a shard's file calls stale baselines stay, though it says that they be pruned."""
    mine = tmp_path / "mine.json"
    mine.write_text("{}", encoding="utf-8")

    def change(data: Any) -> None:
        data["part"]["flags"]["promptreg_prune"] = True
        data["run"]["orphans"] = [str(mine)]

    shards(split)
    forge(split, change)
    merge(split, capsys)
    assert mine.exists()
    assert (split.path / "__baselines__").is_dir()
