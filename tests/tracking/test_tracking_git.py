"""What git says of a prompt file, which becomes the commit message of its registered version."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_promptreg.model import PromptVersion
from pytest_promptreg.tracking import git
from pytest_promptreg.tracking.release import _commit_message


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the working directory, out of reach of the machine's own settings."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    git_does(tmp_path, "init", "-q")
    return tmp_path


def git_does(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, name: str, text: str, subject: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    git_does(folder, "add", name)
    git_does(folder, "commit", "-q", "-m", f"{subject}\n\nand more")
    return path


def test_the_last_commit_of_the_file_counts(repository: Path) -> None:
    """Its subject, not that of a later commit of another file."""
    path = commit(repository, "v1.md", "Say {{ text }}", "ask for an answer in öne line")
    commit(repository, "other.md", "x", "something else")
    assert git.last_change(path) == "ask for an answer in öne line"


def test_what_is_not_committed_is_said(repository: Path) -> None:
    """A file that git never saw, ignores, has only staged, or that was changed since its last commit."""
    path = commit(repository, "v1.md", "Say {{ text }}", "first")
    path.write_text("Say twice {{ text }}")
    assert git.last_change(path) == "first (with uncommitted changes)"
    new = repository / "v2.md"
    new.write_text("Say")
    assert git.last_change(new) == "uncommitted"
    git_does(repository, "add", "v2.md")
    assert git.last_change(new) == "uncommitted"
    (repository / ".gitignore").write_text("v3.md\n")
    (repository / "v3.md").write_text("Say")
    assert git.last_change(repository / "v3.md") == "uncommitted"


def test_outside_git_and_without_it_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that no repository knows is registered without a message."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    path = tmp_path / "v1.md"
    path.write_text("Say")
    assert git.last_change(path) == ""
    monkeypatch.setenv("PATH", "")
    assert git.last_change(path) == ""


def test_front_matter_is_nearer_than_git(repository: Path) -> None:
    """What the file says of itself stands; a prompt that is no file has none."""
    commit(repository, "v1.md", "Say {{ text }}", "from git")
    version = PromptVersion("v1", "Say {{ text }}", where="v1.md:1")
    assert _commit_message(version) == "from git"
    assert _commit_message(replace(version, commit_message="from the file")) == "from the file"
    assert _commit_message(replace(version, where="prompts=[...]")) == ""


def test_git_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that takes too long has no answer."""
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(git, "TIMEOUT_S", 0.05)
    assert git.ask(tmp_path, ("status",), ("log",)) == [None, None]
