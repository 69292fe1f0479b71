"""A run, MLflow's prompt registry and the record: in, out, and what stands against a promotion."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SUITE = """
    import pytest

    @pytest.fixture(scope="session")
    def promptreg_predict():
        return lambda request: request.inputs["text"] + (" again" if "twice" in request.text else "")

    ROWS = [{{"id": "a", "text": "x y z"}}, {{"id": "b", "text": "p q r"}}]

    @pytest.mark.promptreg(prompts={prompts!r}, examples=ROWS, gates=["rouge_l >= {bound}"])
    def test_say(promptreg):
        promptreg.check()
"""


@pytest.fixture
def project(pytester: pytest.Pytester, sqlite_store: Any, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite with the prompts v1 and v2, a stored baseline of v1, and a database that is set up already."""
    database = Path(sqlite_store.settings.uri.removeprefix("sqlite:///"))
    shutil.copy(database, pytester.path / "store.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{pytester.path}/store.db")
    folder = pytester.mkdir("prompts") / "say"
    folder.mkdir()
    (folder / "v1.md").write_text("Say {{ text }}\n", encoding="utf-8")
    (folder / "v2.md").write_text("---\ncommit_message: louder\n---\nSay twice {{ text }}\n", encoding="utf-8")
    write(pytester, "prompts/say")
    assert run(pytester, "--promptreg-update", "--no-promptreg-mlflow").ret == 0
    return pytester


def write(pytester: pytest.Pytester, prompts: str, bound: float = 0.5) -> None:
    pytester.makepyfile(test_say=dedent(SUITE.format(prompts=prompts, bound=bound)))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:xdist", *arguments)


def client(project: pytest.Pytester) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{project.path}/store.db")


def test_a_tested_version_is_registered_and_promoted(project: pytest.Pytester) -> None:
    """A run that passed registers what it tested, once, moves the alias to it, and its record says so."""
    for line in ("*v2 is version 1 of say", "*v2 is version 1 of say"):
        result = run(project, "--promptreg-versions", "v2", "--promptreg-promote", "champion")
        assert result.ret == 0
        result.stdout.fnmatch_lines([line, "*say@champion is version 1 *"])
    stored = client(project)
    assert [int(version.version) for version in stored.search_prompt_versions("say")] == [1]
    assert stored.get_prompt_version_by_alias("say", "champion").commit_message == "louder"
    experiments = [experiment.experiment_id for experiment in stored.search_experiments()]
    found = stored.search_runs(experiments, "tags.`promptreg.prompt` = 'say' AND tags.`promptreg.version` = 'v2'")
    assert found[-1].data.tags["mlflow.linkedPrompts"] == '[{"name": "say", "version": "1"}]'
    shown = stored.get_prompt_version("say", "1").tags["mlflow.prompt.run_ids"].split(",")
    assert set(shown) == {run.info.run_id for run in found}
    assert stored.get_prompt("say").tags["_mlflow_experiment_ids"] == f",{found[-1].info.experiment_id},"
    assert found[-1].data.tags["promptreg.promoted"] == "say@champion is version 1 now (new)"


@pytest.mark.parametrize(
    ("arguments", "bound", "said"),
    [
        (["--promptreg-versions", "v2"], 0.99, "the run did not pass, so nothing is promoted"),
        (["--promptreg-versions", "v2", "-x"], 0.99, "the run did not pass, so nothing is promoted"),
    ],
)
def test_nothing_else_is_promoted(project: pytest.Pytester, arguments: list[str], bound: float, said: str) -> None:
    """A run that failed or ended early moves no alias, and fails for it."""
    write(project, "prompts/say", bound)
    result = run(project, "--promptreg-promote", "champion", "--no-promptreg-mlflow", *arguments)
    assert result.ret == 1
    assert said in result.stdout.str()
    assert client(project).get_prompt("say") is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], ["test_say tests v1, v2: which of them is to be promoted?", "--promptreg-versions v2"]),
        (["--promptreg-versions", "v2", "-k", "v2-a"], ["only 1 of 2 examples of test_say are to run", "without -k"]),
    ],
)
@pytest.mark.parametrize("workers", [["-p", "no:xdist"], ["-n1"]], ids=["whole", "xdist"])
def test_a_run_that_can_promote_nothing_calls_for_nothing(
    project: pytest.Pytester, arguments: list[str], said: list[str], workers: list[str]
) -> None:
    """Several versions of a suite, or not every example: refused before a call is paid for."""
    source = (project.path / "test_say.py").read_text(encoding="utf-8")
    broken = source.replace("return ", "raise SystemExit('called'); return ")
    assert broken != source
    (project.path / "test_say.py").write_text(broken, encoding="utf-8")
    flags = ["--promptreg-promote", "champion", "--no-promptreg-mlflow", *arguments]
    result = project.runpytest_inprocess(*workers, *flags)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    for text in said:
        assert text in result.stdout.str() + result.stderr.str()
    assert "called" not in result.stdout.str()


def test_a_suite_of_the_same_prompt_must_not_be_left_out(project: pytest.Pytester) -> None:
    """A prompt that two suites test is promoted by a run of both, whatever -k selects."""
    source = (project.path / "test_say.py").read_text(encoding="utf-8")
    (project.path / "test_say.py").write_text(
        f"{source}\n\n" + source[source.index("@pytest.mark") :].replace("test_say", "test_shout"), encoding="utf-8"
    )
    run(project, "--promptreg-update", "--no-promptreg-mlflow")
    arguments = ["--promptreg-versions", "v2", "--promptreg-promote", "champion", "--no-promptreg-mlflow"]
    result = run(project, *arguments, "-k", "test_say and not shout and say")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_shout tests the same prompt and was left out, so nothing is promoted"])
    assert client(project).get_prompt("say") is None
    assert run(project, *arguments).ret == 0


@pytest.mark.parametrize("alias", ["latest", "v3", "a b"])
def test_an_alias_of_mlflows_own_is_refused_at_once(project: pytest.Pytester, alias: str) -> None:
    """A reserved or malformed alias stops the run before a call is made."""
    result = run(project, "--promptreg-promote", alias)
    assert result.ret == 4
    assert "--promptreg-promote" in result.stderr.str()


def test_a_promotion_without_a_suite_says_that_there_was_none(project: pytest.Pytester) -> None:
    """Where nothing of ours is collected, a run that was to promote does not end in silence."""
    project.makepyfile(test_other="def test_other():\n    pass\n")
    result = run(project, "test_other.py", "--promptreg-promote", "champion")
    result.stdout.fnmatch_lines(["promptreg: no suite was collected, so nothing was registered or promoted"])


def test_registered_prompts_are_tested_where_they_are(project: pytest.Pytester) -> None:
    """``prompts:/`` names all versions, ``@alias`` one; ids, baseline and record know them by their number."""
    assert run(project, "--promptreg-register", "--no-promptreg-mlflow").ret == 0
    write(project, "prompts:/say")
    result = run(project, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["test_say.py::test_say[[]v1-a[]]", "test_say.py::test_say[[]v2-b[]]"])
    write(project, "prompts:/say/2")
    result = run(project, "--promptreg-versions", "v2")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["test_say (test_say.py:9): baseline v1, 2 examples*"])


def test_a_prompt_that_is_not_registered_is_a_collection_error(project: pytest.Pytester) -> None:
    """An address that names nothing says so, with the place and without a traceback."""
    write(project, "prompts:/sing@champion")
    result = run(project)
    assert result.ret == 2
    assert "test_say.py:9" in result.stdout.str()
    assert "sing" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_record_that_is_required_fails_the_run_without_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``promptreg_mlflow_required`` a store that is away fails the run; else it is told, and the run passes."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    for required, status in (("false", 0), ("true", 1)):
        project.makeini(f"[pytest]\npromptreg_mlflow_required = {required}\n")
        result = run(project)
        assert result.ret == status
        result.stdout.fnmatch_lines(["not recorded in MLflow:*", "*python -m pytest_promptreg sync*"])
        last = result.outlines[-1]
        assert ("1 problem that fails the run" in last) is bool(status)  # "4 passed" alone would look like a pass
        assert ("without its record the run fails" in result.stdout.str()) is bool(status)
    assert len(list((project.path / ".promptreg" / "spool").glob("*/session.json"))) == 2
