"""Where a run took place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.results.outcome import RunOutcome, SuiteOutcome
from pytest_promptreg.suites.suite import SuiteSpec
from pytest_promptreg.tracking.facts import Surroundings, files_under_test, look_around


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of one file and a remote with a password in its address."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "prompt.md").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    git(tmp_path, "remote", "add", "origin", "https://user:secret@example.com/team/app.git")
    return tmp_path


def test_commit_branch_and_remote_are_found_from_a_subfolder(repository: Path) -> None:
    """They are found from any folder of the repository, and the remote is kept without its password."""
    folder = repository / "tests"
    folder.mkdir()
    found = look_around(folder, {})
    assert (found.commit, found.branch, found.dirty) == (git(repository, "rev-parse", "HEAD"), "main", False)
    assert found.repository == "https://example.com/team/app.git"


def test_a_changed_file_makes_it_dirty_and_a_new_one_does_not(repository: Path) -> None:
    """The store and reports that a run leaves do not make its own record dirty; an edited prompt does."""
    (repository / "mlflow.db").write_text("")
    assert not look_around(repository, {}).dirty
    (repository / "prompt.md").write_text("two")
    assert look_around(repository, {}).dirty


def test_a_tested_file_that_is_in_no_commit_makes_it_dirty(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A new prompt that was run is not what the commit holds, ignored or not; one outside the project says nothing."""
    outside = tmp_path_factory.mktemp("outside") / "v9.md"
    outside.write_text("x")
    assert not look_around(repository, {}, [repository / "prompt.md", outside]).dirty
    (repository / "[v2].md").write_text("two")
    assert look_around(repository, {}, [repository / "prompt.md", repository / "[v2].md"]).dirty
    (repository / ".gitignore").write_text("*v2*\n")
    assert look_around(repository, {}, [repository / "[v2].md"]).dirty
    assert not look_around(outside.parent, {}, [outside]).dirty


def test_the_tested_files_are_those_that_the_suites_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Module, prompts and examples, each once and without its line; what is no file is left out."""
    monkeypatch.chdir(tmp_path)
    for name in ("t.py", "v1.md", "rows.jsonl"):
        (tmp_path / name).write_text("x")
    versions = (PromptVersion("v1", "x", where="v1.md"), PromptVersion("v2", "x", where="prompts:/a/2"))
    rows = (Example("a", {}, where="rows.jsonl:1"), Example("b", {}, where="rows.jsonl:2"), Example("c", {}))
    spec = SuiteSpec("t.py::t", "t.py:3", tmp_path / "t.py", "t", versions, rows, ())
    run = RunOutcome([SuiteOutcome(spec, None, [])], 0, 1)
    assert files_under_test(run) == [tmp_path / name for name in ("t.py", "v1.md", "rows.jsonl")]


def test_a_detached_checkout_takes_its_branch_from_the_ci_job(repository: Path) -> None:
    """CI checks out a commit, so the branch is what the job says."""
    git(repository, "checkout", "-q", "--detach")
    environ = {
        "GITHUB_REPOSITORY": "team/app",
        "GITHUB_RUN_ID": "99",
        "GITHUB_RUN_NUMBER": "482",
        "GITHUB_REF_NAME": "feature",
    }
    found = look_around(repository, environ)
    assert found.branch == "feature"
    assert found.ci_url == "https://github.com/team/app/actions/runs/99"
    assert found.ci_number == "482"
    assert look_around(repository, {}).branch is None


def test_without_a_repository_or_git_there_are_no_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder outside any repository, an empty repository and a machine without git are no errors."""
    nothing = Surroundings(user=look_around(tmp_path, {}).user)
    assert look_around(tmp_path, {}) == nothing
    git(tmp_path, "init", "-q", "-b", "main")
    assert look_around(tmp_path, {}).commit is None
    monkeypatch.setenv("PATH", "")
    assert look_around(tmp_path, {}) == nothing
