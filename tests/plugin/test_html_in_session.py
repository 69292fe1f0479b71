"""The web page that a run leaves: asked for by a flag, written once, and worth a failed run where it cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.__main__ import main
from pytest_promptreg.report.html import FILE

if TYPE_CHECKING:
    from tests.conftest import Run
    from tests.plugin.conftest import Project


@pytest.fixture
def caught(project: Project) -> Project:
    """A baseline of v1, and a version v2 that lost half of every output."""
    project.examples({f"t-{number}": f"{number} two three four five six seven eight nine ten" for number in range(4)})
    project.suite(gates=("rouge_l >= 0.8",))
    project.store()
    project.prompt("v2", keep=3)
    return project


def test_a_run_writes_its_page_once_whatever_the_processes(caught: Project, run_each_way: Run) -> None:
    """A line says where it is; it has every case, and the command that made it."""
    result = run_each_way("--promptreg-html", "out/report.html", "-p", "no:cacheprovider")
    assert result.ret == 1
    assert result.outlines.count("report written: out/report.html") == 1
    page = (caught.path / "out" / "report.html").read_text(encoding="utf-8")
    assert "4 of 4 outputs breach a gate" in page
    assert "--promptreg-html out/report.html" in page
    index = json.loads(page.split('class="index">')[1].split("</script>")[0])
    assert len(index["cases"]) == 8


def test_without_the_flag_nothing_is_written(caught: Project, run: Run) -> None:
    """No page unless somebody asks for one."""
    before = caught.files()
    run("-p", "no:cacheprovider")
    assert caught.files() == before


def test_a_page_that_cannot_be_written_fails_the_run(caught: Project, run: Run) -> None:
    """What was asked for and is not there is no pass."""
    folder = caught.path / "out"
    caught.write(
        "test_block.py",
        f"""
        import pathlib
        def test_block():
            pathlib.Path({str(folder)!r}).rmdir()
            pathlib.Path({str(folder)!r}).write_text("")
        """,
    )
    result = run("--promptreg-versions", "v1", "--promptreg-html", "out/report.html", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=5)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["out/report.html: the web page cannot be written: *", "*--promptreg-html PATH*"])


@pytest.mark.parametrize("name", ["test_answer.py", "file/report.html"])
def test_a_place_that_can_have_no_page_is_refused_before_any_call(caught: Project, run: Run, name: str) -> None:
    """A test file that stands where the path was forgotten is left alone."""
    caught.write("file", "")
    before = (caught.path / "test_answer.py").read_bytes()
    result = run("--promptreg-html", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{name}: *", "  *name another file*"])
    assert (caught.path / "test_answer.py").read_bytes() == before


def test_the_page_of_an_earlier_run_does_not_outlive_a_run_that_leaves_none(caught: Project, run: Run) -> None:
    """A run that is refused has no page, and the old one would be taken for its."""
    path = caught.path / "report.html"
    path.write_text(f'<meta content="{FILE.kind}">', encoding="utf-8")
    caught.examples({"t-0": "other words"})
    caught.write("prompts/v3.md", "{{ nothing_like_it }}")
    assert run("--promptreg-html", "report.html").ret != 0
    assert not path.exists()


def test_a_shard_leaves_the_page_to_the_merge(caught: Project, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A part is no report; the merge writes the page of the whole, and `report` that of a stored run."""
    refused = run("--promptreg-shard", "1/2", "--promptreg-html", "report.html")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--promptreg-shard and --promptreg-html exclude each other*", "*merge --html*"])
    for index in (1, 2):
        run("--promptreg-shard", f"{index}/2", "-p", "no:cacheprovider")
    root, page, run_file = ["--rootdir", str(caught.path)], caught.path / "merged.html", caught.path / "run.json"
    files = [str(path) for path in sorted((caught.path / ".promptreg" / "shards").glob("*.json"))]
    capsys.readouterr()
    assert main(["merge", *root, "--html", str(page), "--results", str(run_file), *files]) == 1
    assert "report written: merged.html" in capsys.readouterr().out
    assert "4 of 4 outputs breach a gate" in page.read_text(encoding="utf-8")
    again = caught.path / "again.html"
    assert main(["report", *root, "--html", str(again), str(run_file)]) == 0
    assert "report written: again.html" in capsys.readouterr().out
    assert "4 of 4 outputs breach a gate" in again.read_text(encoding="utf-8")
    assert main(["report", *root, "--html", str(run_file), str(run_file)]) == 2
    assert "this is no report, and is not overwritten" in capsys.readouterr().err
