"""Ways in which a gate could seem to pass that was not met, or not judged; and a refresh that could surprise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

WORSE = "def follow(request):\n    return ' '.join(request.inputs['text'].split()[:2])\n"


def stored_and_worse(project: Project, **suite: object) -> None:
    """A baseline of 6 words for each example, and a predict that keeps 2."""
    project.store()
    project.suite(predict=WORSE, **suite)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        "import contextlib\nwith contextlib.suppress(BaseException):\n    promptreg.check()",
        "with pytest.raises(BaseException):\n    promptreg.check()",
        "try:\n    promptreg.check()\nexcept pytest.fail.Exception:\n    pass",
    ],
)
def test_a_swallowed_breach_fails_all_the_same(project: Project, body: str) -> None:
    """A test that catches what check() raised and ends well is failed with the same words."""
    stored_and_worse(project, body=body)
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["rouge_l 0.500 (gate >= 0.8)"])


def test_a_swallowed_check_of_nothing_fails_all_the_same(project: Project) -> None:
    """check(None) judges nothing: swallowed, it must not leave the verdict on what predict returned."""
    project.store()
    body = "with pytest.raises(BaseException):\n    promptreg.check(None)"
    project.suite(body=body)
    project.pytester.runpytest_inprocess().assert_outcomes(failed=3)
    project.suite(body=body, fixture="")
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["the test never called promptreg.check(), or gave it no output*"])


def test_leaving_before_the_first_verdict_is_no_pass(project: Project) -> None:
    """pytest.exit(returncode=0) out of the very first predict ends with 1."""
    project.store()
    project.suite(predict="def follow(request):\n    pytest.exit('enough', returncode=0)\n")
    assert project.pytester.runpytest_inprocess("-p", "no:xdist").ret == 1


def test_a_file_of_another_tool_is_not_pruned(project: Project) -> None:
    """A JSON file below __baselines__ that is no baseline of ours is neither called stale nor removed."""
    project.store()
    foreign = project.write("__baselines__/foreign_notes/data.json", "{}")
    result = project.pytester.runpytest_inprocess("--promptreg-prune")
    assert result.ret == 0
    assert foreign.exists()
    result.stdout.no_fnmatch_line("*foreign_notes*")


def test_a_breach_counts_though_the_test_skips_itself_then(project: Project, run_each_way: Run) -> None:
    """Under a pass rate, a breach that a later pytest.skip() would hide still lowers the rate."""
    body = "promptreg.check()\npytest.skip('never mind')"
    stored_and_worse(project, body=body, gates=["rouge_l >= 0.8", "pass_rate >= 0.5"])
    result = run_each_way()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED test_answer, v1: pass_rate 0.000 (gate >= 0.5)"])


def test_leaving_early_with_status_0_is_no_pass(project: Project, run_each_way: Run) -> None:
    """pytest.exit(returncode=0) in the middle of the cases is no exit status 0: what did not run has not passed."""
    project.store()
    project.write(
        "conftest.py",
        """
        import pytest

        reported = 0

        def pytest_runtest_logreport(report):
            global reported
            reported += report.when == "call"
            if reported == 1 and report.when == "teardown":
                pytest.exit("enough", returncode=0)
        """,
    )
    assert run_each_way().ret in {1, 3}  # 3 is xdist's own, when it hears that a worker has left before it leaves


def test_cases_that_were_skipped_are_told(project: Project, run_each_way: Run) -> None:
    """A suite whose predict skips everything is green by pytest's rules; that nothing was judged is said."""
    project.store()
    project.suite(
        fixture="""
        @pytest.fixture(scope="session")
        def promptreg_predict():
            pytest.skip("no key")
        """
    )
    result = run_each_way()
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*0 of 3 cases ran", "*not judged: 3 of 3 selected cases"])


def test_the_next_command_says_what_it_replaces(project: Project) -> None:
    """Storing a missing case by an update would also accept what breached: a person reads so before running it."""
    stored_and_worse(project)
    project.examples({"a": "one two three four five six seven", "b": "red orange yellow green blue", "new": "x y z"})
    result = project.pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["next: *--promptreg-update", "  stores what is missing, and replaces 2 that differ"])


def test_a_refresh_without_a_suite_says_so(project: Project) -> None:
    """Asked to store, and nothing of ours collected: one line says that nothing was written."""
    project.module("def test_answer():\n    pass\n")
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["promptreg: no suite was collected, so no baseline was written"])
    project.pytester.runpytest_inprocess().stdout.no_fnmatch_line("promptreg:*")


def test_an_accept_that_was_narrowed_says_what_stays(project: Project) -> None:
    """One case of v2 accepted: the baseline stays v1, and the note says both."""
    project.store()
    project.prompt("v2", keep=3)
    result = project.pytester.runpytest_inprocess("--promptreg-accept", "v2", "-k", "v2-a")
    result.stdout.fnmatch_lines(["baseline written: *(v2: 1 changed; the baseline stays v1)"])


def test_the_baselines_of_a_module_that_is_gone_are_pruned(project: Project, run: Run) -> None:
    """A test module was renamed: the old one's baselines are named as stale, and removed with their folder."""
    project.store()
    (project.path / "test_answer.py").rename(project.path / "test_other.py")
    project.pytester.runpytest_inprocess("--promptreg-update")
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["stale: __baselines__/test_answer/test_answer.json belongs to no test any more"])
    run("--promptreg-prune")
    assert not (project.path / "__baselines__" / "test_answer").exists()
    assert project.baseline_file(module="test_other").exists()


def test_a_change_of_the_model_config_is_shown(project: Project) -> None:
    """The text is the same and the temperature is not: the cause stands where the prompt diff would."""
    path = project.path / "prompts" / "v1.md"
    text = path.read_text(encoding="utf-8")
    project.write("prompts/v1.md", f"---\nmodel_config: {{temperature: 0}}\n---\n{text}")
    project.store()
    project.write("prompts/v1.md", f"---\nmodel_config: {{temperature: 1.5, seed: 7}}\n---\n{text}")
    project.suite(predict=WORSE)
    result = project.pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["| model_config seed: not set -> 7", "| model_config temperature: 0 -> 1.5"])


@pytest.mark.skipif(int(pytest.__version__.partition(".")[0]) < 9, reason="native TOML options came with pytest 9")
def test_native_toml_options_may_be_numbers_and_truth_values(project: Project, run: Run) -> None:
    """In [tool.pytest] a number is a number: it is taken, and what is wrong is refused in one line."""
    project.write(
        "pyproject.toml",
        """
        [tool.pytest]
        promptreg_concurrency = 2
        promptreg_mlflow = false
        promptreg_gates = "rouge_l >= 0.8"
        """,
    )
    project.suite(gates=[])
    project.store()
    assert run().ret == 0
    project.write("pyproject.toml", "[tool.pytest]\npromptreg_concurrency = 0\n")
    project.suite()
    result = run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*promptreg_concurrency = '0' is not a number of at least 1*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    project.write("pyproject.toml", "[tool.pytest]\npromptreg_gates = [0.8]\n")
    result = run()
    assert result.ret != 0
    assert "'0.8' is no gate" in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_secret_in_the_model_config_is_not_stored(project: Project) -> None:
    """What the prompt's settings call a key goes to predict, and neither to the baseline nor to the terminal."""
    text = (project.path / "prompts" / "v1.md").read_text(encoding="utf-8")
    project.write("prompts/v1.md", f"---\nmodel_config: {{api_key: sk-one, max_tokens: 9}}\n---\n{text}")
    predict = "def follow(request):\n    assert request.model_config['api_key'].startswith('sk-')\n    return 'a b c'\n"
    project.suite(predict=predict)
    project.store()
    stored = project.baseline_file().read_text(encoding="utf-8")
    assert "sk-one" not in stored
    assert '"api_key": "***"' in stored
    assert '"max_tokens": 9' in stored
    project.write("prompts/v1.md", f"---\nmodel_config: {{api_key: sk-two, max_tokens: 7}}\n---\n{text}")
    project.suite(predict=predict.replace("a b c", "x"))
    result = project.pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["| model_config max_tokens: 9 -> 7"])
    assert "sk-" not in result.stdout.str()


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests from 9.0 on")
def test_a_part_of_a_test_that_is_reported_by_itself_settles_nothing(project: Project) -> None:
    """pytest's subtests report while the test goes on: a breach in one fails the test, which is told to JUnit once."""
    project.store()
    project.module(
        """
        def worse(request):
            return " ".join(request.inputs["text"].split()[:2])


        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"], predict=worse)
        def test_answer(promptreg, subtests):
            with subtests.test():
                promptreg.check()
        """
    )
    result = project.pytester.runpytest_inprocess(
        "-p", "no:xdist", "--junitxml=junit.xml", "--promptreg-results=r.json"
    )
    assert result.ret == 1
    run = json.loads((project.path / "r.json").read_text(encoding="utf-8"))["run"]
    cases = run["suites"][0]["versions"][0]["cases"]
    assert [case["passed"] for case in cases] == [False] * 3
    told = (project.path / "junit.xml").read_text(encoding="utf-8")
    assert told.count('name="promptreg_rouge_l"') == 3
