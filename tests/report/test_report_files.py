"""The files that a run leaves for people and CI: written over none but their own kind, and never silently not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_promptreg.concluding import Conclusion
from pytest_promptreg.errors import ReportError
from pytest_promptreg.outcome import RunOutcome
from pytest_promptreg.report.files import REPORT_FILES, leave, make_way


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
