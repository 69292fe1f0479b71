"""A baseline's whole life, from nothing to pruned; the same for one process and for several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]


def test_from_missing_to_pruned(project: Project, run_each_way: Run) -> None:
    """A baseline is missing, stored, met, breached by an edited prompt, accepted, stale, and pruned.

    What several processes have written is met by one.
    """
    baseline = project.baseline_file()
    one_process = project.pytester.runpytest_inprocess

    missing = run_each_way()
    missing.assert_outcomes(failed=3)
    missing.stdout.fnmatch_lines(
        ["next: pytest test_answer.py --promptreg-update*", "FAILED *v1-a*missing: no baseline*"]
    )
    assert missing.ret == 1
    assert not baseline.exists()

    stored = run_each_way("--promptreg-update")
    stored.assert_outcomes(passed=3)
    stored.stdout.fnmatch_lines(["baseline written: *test_answer.json (v1: 3 new)"])
    assert stored.ret == 0
    assert project.outputs()["a"] == "one two three four five six"
    first = baseline.read_bytes()

    met = one_process()
    met.assert_outcomes(passed=3)
    assert met.ret == 0

    project.prompt("v1", keep=2)
    breached = run_each_way()
    breached.assert_outcomes(failed=3)
    breached.stdout.fnmatch_lines(
        [
            "*rouge_l 0.500 (gate >= 0.8)*",
            "*prompt v1 -> v1 (edited in place)*",
            "*- Keep 6 words of the text.*",
            "*+ Keep 2 words of the text.*",
        ]
    )
    assert breached.ret == 1
    assert baseline.read_bytes() == first

    accepted = run_each_way("--promptreg-accept", "v1")
    accepted.assert_outcomes(passed=3)
    accepted.stdout.fnmatch_lines(["baseline written: *test_answer.json (v1: 3 changed)"])
    assert accepted.ret == 0
    assert project.outputs()["a"] == "one two"
    second = baseline.read_bytes()

    met = one_process()
    met.assert_outcomes(passed=3)
    assert met.ret == 0

    project.examples({"a": "one two three four five six seven eight nine ten"})
    stale = run_each_way()
    stale.assert_outcomes(passed=1)
    stale.stdout.fnmatch_lines(["*stale: 2 baseline records without an example: b, c", "next: *--promptreg-prune*"])
    assert stale.ret == 0
    assert baseline.read_bytes() == second

    pruned = run_each_way("--promptreg-prune")
    pruned.assert_outcomes(passed=1)
    pruned.stdout.fnmatch_lines(["baseline written: *test_answer.json (v1: 2 stale removed)"])
    assert list(project.outputs()) == ["a"]

    clean = one_process()
    assert clean.ret == 0
    clean.stdout.no_fnmatch_line("*stale*")


def test_baseline_bytes_do_not_depend_on_the_number_of_processes(project: Project, pytester: pytest.Pytester) -> None:
    """No xdist, -n 0 and -n 2 write the same bytes, for a new baseline and for a refresh of a part of it."""
    files = []
    for arguments in (("-p", "no:xdist"), ("-n0",), ("-n2",)):
        project.prompt("v1", keep=6)
        pytester.runpytest_inprocess(*arguments, "--promptreg-update").assert_outcomes(passed=3)
        whole = project.baseline_file().read_bytes()
        project.prompt("v1", keep=4)
        pytester.runpytest_inprocess(*arguments, "--promptreg-update", "-k", "v1-b").assert_outcomes(
            passed=1, deselected=0 if "-n2" in arguments else 2
        )
        files.append((whole, project.baseline_file().read_bytes()))
        project.baseline_file().unlink()
    assert files[0] == files[1] == files[2]
    assert files[0][0] != files[0][1]


def test_a_version_that_improves_takes_the_place_of_the_baseline(project: Project) -> None:
    """v2 is compared with v1's baseline; once accepted, it is the baseline, and v1 is what breaches."""
    project.store()
    project.prompt("v2", keep=3)
    breached = project.pytester.runpytest_inprocess()
    breached.assert_outcomes(passed=3, failed=3)
    breached.stdout.fnmatch_lines(["*prompt v1 -> v2*", "next: *--promptreg-accept v2*"])

    accepted = project.pytester.runpytest_inprocess("--promptreg-accept", "v2")
    accepted.stdout.fnmatch_lines(["baseline written: *(v2: 3 changed)"])
    assert project.baseline()["version"] == "v2"
    assert [prompt["label"] for prompt in project.baseline()["prompts"].values()] == ["v2"]

    project.pytester.runpytest_inprocess().assert_outcomes(passed=3, failed=3)
    project.pytester.runpytest_inprocess("--promptreg-versions", "v2").assert_outcomes(passed=3)


def test_update_refreshes_the_accepted_version_and_no_other(project: Project) -> None:
    """--promptreg-update runs the version that the baseline has, whatever newer ones there are."""
    project.prompt("v2", keep=3)
    project.store()
    assert project.baseline()["version"] == "v1"
    project.pytester.runpytest_inprocess("--promptreg-accept", "v2")
    project.prompt("v2", keep=4)
    project.store()
    assert project.baseline()["version"] == "v2"
    assert project.outputs()["a"] == "one two three four"


def test_a_refresh_of_a_part_keeps_the_rest(project: Project) -> None:
    """With -k, only the selected records change; the others keep their text and the prompt that made it."""
    project.store()
    project.prompt("v1", keep=2)
    result = project.pytester.runpytest_inprocess("--promptreg-update", "-k", "v1-b")
    result.stdout.fnmatch_lines(["baseline written: *(v1: 1 changed)"])
    assert project.outputs() == {
        "a": "one two three four five six",
        "b": "red orange",
        "c": "do re mi fa sol la",
    }
    examples = project.baseline()["examples"]
    assert examples["a"].get("prompt") != examples["b"].get("prompt")


def test_a_refresh_without_change_leaves_the_file_alone(project: Project) -> None:
    """Updating what is up to date writes nothing, and says so."""
    project.store()
    before = project.baseline_file().stat()
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline as it was: *(3 unchanged)"])
    after = project.baseline_file().stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_update_and_prune_together(project: Project, run: Run) -> None:
    """One command may refresh what is declared and remove what is not."""
    project.store()
    project.rows({"id": "a", "text": "one two three four five six seven"}, {"id": "d", "text": "u v w x y z"})
    result = run("--promptreg-update", "--promptreg-prune")
    result.stdout.fnmatch_lines(["baseline written: *(v1: 1 new, 1 changed, 2 stale removed)"])
    assert sorted(project.outputs()) == ["a", "d"]


def test_stale_is_what_is_not_declared_rather_than_what_did_not_run(project: Project, run_each_way: Run) -> None:
    """Pruning while -k deselects, or while a test fails, removes nothing that is declared."""
    project.store()
    before = project.baseline_file().read_bytes()
    run_each_way("--promptreg-prune", "-k", "v1-a")
    project.pytester.runpytest_inprocess("--promptreg-prune", "test_answer.py::test_answer[v1-b]")
    project.prompt("v1", keep=1)
    run_each_way("--promptreg-prune", "--maxfail=2")
    project.pytester.runpytest_inprocess("--promptreg-prune")
    assert project.baseline_file().read_bytes() == before


def test_a_baseline_whose_test_is_gone_is_stale(project: Project, run_each_way: Run) -> None:
    """The file of a removed test function is reported with the next run of its module, and pruned on request."""
    project.store()
    gone = project.baseline_file("test_gone")
    gone.write_bytes(project.baseline_file().read_bytes())
    result = run_each_way()
    result.stdout.fnmatch_lines(["next: *--promptreg-prune*"])
    assert gone.exists()
    run_each_way("--promptreg-prune").stdout.fnmatch_lines(["baseline removed: *test_gone.json (its test is gone)"])
    assert not gone.exists()
    assert project.baseline_file().exists()


def test_a_baseline_of_another_module_is_not_touched(project: Project) -> None:
    """Pruning one module leaves alone what belongs to modules that this run did not collect."""
    project.suite(name="other")
    project.store()
    other = project.baseline_file("test_other", "test_other")
    project.examples({"a": "one two three four five six"})
    project.pytester.runpytest_inprocess("--promptreg-prune", "test_answer.py")
    assert sorted(project.outputs("test_other", "test_other")) == ["a", "b", "c"]
    assert other.exists()


def test_a_baseline_of_which_nothing_is_left_goes(project: Project) -> None:
    """When every record is stale, pruning removes the file rather than keep an empty one."""
    project.store()
    project.rows({"id": "new", "text": "one two three four five six"})
    result = project.pytester.runpytest_inprocess("--promptreg-prune")
    result.stdout.fnmatch_lines(["baseline removed: *test_answer.json (3 stale removed)"])
    assert not project.baseline_file().exists()


def test_the_last_suite_of_a_module_can_be_pruned(project: Project) -> None:
    """A module that has no suite any more still gives up its baselines when asked to."""
    project.store()
    project.write("test_answer.py", "def test_plain():\n    pass\n")
    result = project.pytester.runpytest_inprocess("--promptreg-prune")
    assert result.ret == 0
    assert not project.baseline_file().exists()
    result.stdout.fnmatch_lines(["baseline removed: *test_answer.json (its test is gone)"])


def test_nothing_is_written_without_one_of_the_three_flags(project: Project, run_each_way: Run) -> None:
    """A plain run leaves every file as it was: on missing, changed, breached and stale alike."""
    run_each_way()
    assert not project.baseline_file().exists()
    project.store()
    before = project.baseline_file().read_bytes()
    project.prompt("v1", keep=2)
    project.prompt("v2", keep=5)
    project.examples({"a": "one two three four five six seven", "n": "k l m n o p q"})
    files = project.files()
    run_each_way()
    assert project.files() == files
    assert project.baseline_file().read_bytes() == before


def test_accepting_a_version_that_says_the_same(project: Project) -> None:
    """When v2's outputs equal the baseline, accepting it still makes v2 the version that the baseline is of."""
    project.store()
    project.prompt("v2", keep=6)
    result = project.pytester.runpytest_inprocess("--promptreg-accept", "v2")
    result.stdout.fnmatch_lines(["baseline written: *(v2: 3 unchanged)"])
    assert project.baseline()["version"] == "v2"


def test_a_checkout_with_other_line_ends_is_the_same_baseline(project: Project) -> None:
    """git's autocrlf, or an editor's byte order mark, changes bytes of baseline and prompts, and no verdict."""
    project.store()
    for path in (project.baseline_file(), project.path / "prompts/v1.md", project.path / "examples.jsonl"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=3)
    assert "stale" not in result.stdout.str()


def test_two_refreshes_one_after_the_other_are_one(project: Project) -> None:
    """What is stored case by case with -k is, in the end, what is stored at once."""
    project.store()
    whole = project.baseline_file().read_bytes()
    project.baseline_file().unlink()
    for name in "cab":
        project.pytester.runpytest_inprocess("--promptreg-update", "-k", f"v1-{name}")
    assert project.baseline_file().read_bytes() == whole
