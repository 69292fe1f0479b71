"""The files that a run leaves for people and CI: written over none but their own kind, and never silently not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_promptreg.errors import ReportError
from pytest_promptreg.report.files import REPORT_FILES, leave, make_way
from pytest_promptreg.results import file as results
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.session.concluding import Conclusion


def conclusion() -> Conclusion:
    return Conclusion(RunOutcome([], 0, 1))


@pytest.mark.parametrize("name", REPORT_FILES)
def test_a_report_is_written_over_an_earlier_one_alone(name: str, tmp_path: Path) -> None:
    """What an earlier run left is removed at the start; a file of anybody else is refused, and stays."""
    path = tmp_path / "deep" / "report"
    make_way({name: path})
    done = conclusion()
    leave(done, {name: path})
    assert (done.problems, done.fatal) == ([], False)
    assert done.notes == [f"{REPORT_FILES[name].file.name} written: {path}"]
    make_way({name: path})
    assert not path.exists()
    path.write_text("Summarize: {{ text }}\n", encoding="utf-8")
    with pytest.raises(ReportError, match="is not overwritten") as refused:
        make_way({name: path})
    assert f"such as {REPORT_FILES[name].file.example}" in str(refused.value)
    leave(done, {name: path})
    assert done.fatal
    assert path.read_text(encoding="utf-8") == "Summarize: {{ text }}\n"


@pytest.mark.parametrize("name", REPORT_FILES)
def test_one_that_cannot_be_written_fails_the_run(name: str, tmp_path: Path) -> None:
    """A folder in its place, or a file where its folder should be, is a problem with the path in it."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path, tmp_path / "file" / "report"):
        with pytest.raises(ReportError):
            make_way({name: path})
        done = conclusion()
        leave(done, {name: path})
        assert done.fatal
        assert str(path) in done.problems[0]


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    """What other commands of the step have written stays, and a full file is left as it is."""
    summary = tmp_path / "summary.md"
    leave(conclusion(), {}, summary)
    assert summary.read_text(encoding="utf-8").startswith("## Prompt regression: **NOTHING RAN**")
    summary.write_text("of another\n", encoding="utf-8")
    leave(conclusion(), {}, summary)
    assert summary.read_text(encoding="utf-8").startswith("of another\n\n## Prompt regression")
    summary.write_bytes(b"x" * (1024 * 1024 - 100))
    leave(conclusion(), {}, summary)
    assert summary.stat().st_size == 1024 * 1024 - 100


def test_a_summary_that_cannot_be_written_is_told_and_fails_nothing(tmp_path: Path) -> None:
    """Nobody asked for it."""
    done = conclusion()
    leave(done, {}, tmp_path)
    assert not done.fatal
    assert "GITHUB_STEP_SUMMARY" in done.problems[0]


@pytest.mark.parametrize(
    ("there", "is_ours"),
    [
        ("   \n\n" + "Summarize this. " * 20, False),
        ("\n", True),
        (" " * 300, False),
        ("  <!-- pytest-promptreg -->\nindented by somebody", True),
    ],
)
def test_white_space_makes_a_file_nobody_s(tmp_path: Path, there: str, is_ours: bool) -> None:
    """An empty file is anybody's, also one of an empty line; behind the space at its beginning may stand a text."""
    path = tmp_path / "prompts.md"
    path.write_text(there, encoding="utf-8")
    if is_ours:
        make_way({"markdown": path})
    else:
        with pytest.raises(ReportError, match="is not overwritten"):
            make_way({"markdown": path})
    assert path.exists() != is_ours


def test_two_files_have_two_places(tmp_path: Path) -> None:
    """One would be written over the other: that is told before anything is removed, whatever the paths look like."""
    path = tmp_path / "run.json"
    REPORT_FILES["markdown"].file.write(path, "<!-- pytest-promptreg -->")
    crooked = tmp_path / "deep" / ".." / "run.json"
    with pytest.raises(ReportError, match="the web page and the Markdown report are to go into one file"):
        make_way({"html": path, "markdown": crooked})
    with pytest.raises(ReportError, match="the results and the Markdown report are to go into one file"):
        make_way({"markdown": path}, [(results.FILE, crooked)])
    assert path.exists()
