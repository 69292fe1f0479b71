"""Reports that a run leaves, by flag and in CI, with one process and with several."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.__main__ import main

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]


def regressed(project: Project) -> None:
    """A project whose second version loses most of each text."""
    project.store()
    project.prompt("v2", keep=2)


def test_the_markdown_is_the_same_for_any_number_of_processes(project: Project, run_each_way: Run) -> None:
    """The report is written at the end, noted, and says what failed."""
    regressed(project)
    result = run_each_way("--promptreg-markdown", "out/prompts.md")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"Markdown report written: out{os.sep}prompts.md"])
    text = (project.path / "out" / "prompts.md").read_text(encoding="utf-8")
    assert text.startswith(
        "## Prompt regression: **FAILED**, 1 of 2 prompt versions failed <!-- pytest-promptreg -->\n"
    )
    assert "<summary><code>a</code> breached" in text


def test_what_an_earlier_run_left_is_gone_when_a_run_is_refused(project: Project, run: Run) -> None:
    """A report of yesterday is not taken for one of today."""
    project.store("--promptreg-markdown", "prompts.md")
    assert (project.path / "prompts.md").exists()
    project.suite(gates=["nonsense >= 1"])
    assert run("--promptreg-markdown", "prompts.md").ret != 0
    assert not (project.path / "prompts.md").exists()


def test_a_file_that_is_no_report_is_not_overwritten(project: Project, run: Run) -> None:
    """A prompt that was named by mistake stays, and nothing runs."""
    result = run("--promptreg-markdown", "prompts/v1.md")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*prompts/v1.md: this is no Markdown report*"])


def test_in_a_shard_it_is_left_to_the_merge(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part has no verdict: the flag is refused, no summary is written, and the merge writes both."""
    regressed(project)
    summary = project.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run("--promptreg-shard", "1/2", "--promptreg-markdown", "x.md").ret == pytest.ExitCode.USAGE_ERROR
    for number in (1, 2):
        run("--promptreg-shard", f"{number}/2")
    assert not summary.exists()
    files = sorted(map(str, (project.path / ".promptreg" / "shards").glob("*.json")))
    assert main(["report", files[0], "--markdown", "part.md"]) == 2
    assert "a part has no verdict" in capsys.readouterr().err
    assert not (project.path / "part.md").exists()
    assert main(["merge", "--markdown", "all.md", "--results", "all.md", *files]) == 2
    assert "are to go into one file" in capsys.readouterr().err
    assert main(["merge", "--markdown", "all.md", *files]) == 1
    capsys.readouterr()
    written = (project.path / "all.md").read_text(encoding="utf-8")
    assert "**FAILED**, 1 of 2" in written.splitlines()[0]
    assert summary.read_text(encoding="utf-8").splitlines()[0] == written.splitlines()[0]


def test_a_stored_run_becomes_markdown_without_a_call(
    project: Project, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """`report --markdown` gives what the run itself wrote."""
    regressed(project)
    run("--promptreg-results", "run.json", "--promptreg-markdown", "run.md")
    assert main(["report", "run.json", "--markdown", "again.md"]) == 0
    assert "Markdown report written: again.md" in capsys.readouterr().out
    assert (project.path / "again.md").read_bytes() == (project.path / "run.md").read_bytes()
    assert main(["report", "run.json", "--markdown", "prompts/v1.md"]) == 2


@pytest.mark.parametrize(("ini", "written"), [("", True), ("promptreg_github = off", False)])
def test_the_summary_of_a_job_is_written_where_there_is_one(
    project: Project, run: Run, monkeypatch: pytest.MonkeyPatch, ini: str, written: bool
) -> None:
    """GitHub says in a variable where it is; an ini option switches it off."""
    project.ini(ini)
    project.store()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    assert run().ret == 0
    assert (project.path / "summary.md").exists() == written


def test_failures_are_annotated_behind_the_last_line(
    project: Project, run_each_way: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On GitHub Actions, at the prompt's changed line and at the suite, with any number of processes."""
    regressed(project)
    assert "::error" not in run_each_way().stdout.str()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    result = run_each_way()
    folder = project.path.name
    assert [line.split("::")[1] for line in result.outlines[-2:]] == [
        f"error file={folder}/prompts/v2.md,line=1,title=prompt v2 regressed in test_answer",
        f"error file={folder}/test_answer.py,line=16,title=test_answer%3A v2 regressed",
    ]
    assert result.outlines[-3].startswith("=")
    project.ini("promptreg_github = off")
    assert "::error" not in run_each_way().stdout.str()


HOSTILE = "::error file=x::a\n::warning::b\r\n  ::set-output n=x::c\n##[error]d\n\t##vso[task]e\n::stop-commands::f"


@pytest.mark.parametrize("where", ["output", "raised", "check", "made"])
def test_no_line_of_the_log_is_a_command_of_a_models(project: Project, run: Run, where: str) -> None:
    """Outputs, errors of servers and ids: no line that a runner would obey, with all there is to see."""
    project.examples({"a": "one two three four five six", "::error::id": "red orange yellow green blue indigo"})
    project.store()
    project.prompt("v2", keep=2)
    predict = {
        "output": f"def follow(request):\n    return {HOSTILE!r}\n",
        "raised": f"def follow(request):\n    raise RuntimeError({HOSTILE!r})\n",
        "check": f"def follow(request):\n    return {{'a': {HOSTILE!r}}}\n",
        "made": f"def follow(request):\n    return {HOSTILE!r}\n",
    }[where]
    body = {
        "check": "promptreg.check()\nassert promptreg.output.text == 'x'",
        "made": f"promptreg.check({HOSTILE!r} + promptreg.request.text)",
    }.get(where, "promptreg.check()")
    project.suite(predict=predict, body=body, gates=["rouge_l >= 0.8", "pass_rate >= 0.5"])
    result = run("-vv", "-rA", "--promptreg-samples", "1", "-p", "no:cacheprovider")
    assert result.ret == 1
    assert "stop-commands" in result.stdout.str()
    obeyed = [line for line in result.outlines if line.lstrip().startswith(("::", "##[", "##vso["))]
    assert obeyed == []


def test_a_run_is_left_as_lines_and_shown_again(project: Project, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """By the ending of its name; reports and comparisons read it as they read a document."""
    regressed(project)
    run("--promptreg-json", "run.jsonl")
    assert len(project.lines("run.jsonl")) == 1 + 6
    assert main(["report", "run.jsonl"]) == 0
    assert "--promptreg-accept v2" in capsys.readouterr().out
    run("--promptreg-results", "run.json")
    assert main(["compare", "run.jsonl", "run.json", "--fail-on-regression"]) == 0
    assert "of 6 cases 0 worse, 0 better; 0 outputs differ" in capsys.readouterr().out


def test_two_files_at_one_place_are_refused_before_any_call(project: Project, run: Run) -> None:
    """The second would be written over the first, or not at all, when everything is paid for."""
    project.suite(predict="def follow(request):\n    open('called', 'w').close()\n    return 'x'\n")
    for flags in (("--promptreg-html", "x"), ("--promptreg-results", "x"), ("--promptreg-codequality", "./x")):
        result = run(*flags, "--promptreg-markdown", "x")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*x: * and * are to go into one file*", "*name a file for each*"])
    assert not (project.path / "called").exists()
    assert not (project.path / "x").exists()
