"""Where a run took place: the commit, the person, the CI job. Whatever cannot be found out is left out."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..redaction import without_user_info

GIT_TIMEOUT_S = 3.0

# Environment variables with a job's address and with its number; GitHub's address has to be put together.
_CI = (("CI_JOB_URL", "CI_PIPELINE_IID"), ("BUILDKITE_BUILD_URL", "BUILDKITE_BUILD_NUMBER"),
       ("CIRCLE_BUILD_URL", "CIRCLE_BUILD_NUM"), ("BUILD_URL", "BUILD_NUMBER"))  # fmt: skip
# A CI checkout is detached: the branch is known to the environment only.
_CI_BRANCH = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "CIRCLE_BRANCH",
              "BRANCH_NAME")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found out; every part may be missing.

    :param dirty: whether tracked files differed from the commit.
    :param repository: the remote's address, without user and password.
    """

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    repository: str | None = None
    user: str | None = None
    ci_url: str | None = None
    ci_number: str | None = None


def look_around(folder: Path, environ: Mapping[str, str]) -> Surroundings:
    """The surroundings of a run in ``folder``; never raises, and takes a few seconds at the very most."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no") or ""
    headers = dict(line[2:].split(" ", 1) for line in status.splitlines() if line.startswith("# "))
    commit = headers.get("branch.oid")
    branch = headers.get("branch.head")
    if branch in {None, "(detached)"}:
        branch = next((environ[name] for name in _CI_BRANCH if environ.get(name)), None)
    remote = _git(folder, "config", "--get", "remote.origin.url") if status else None
    ci_url, ci_number = _ci(environ)
    return Surroundings(
        commit=commit if commit != "(initial)" else None,
        branch=branch,
        dirty=any(not line.startswith("#") for line in status.splitlines()),
        repository=without_user_info(remote.strip()) if remote else None,
        user=_user(),
        ci_url=ci_url,
        ci_number=ci_number,
    )


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  a fixed command, found on the path
            [program, *arguments],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _ci(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    if environ.get("GITHUB_RUN_ID") and environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        address = f"{server}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
        return address, environ.get("GITHUB_RUN_NUMBER")
    for url, number in _CI:
        if environ.get(url):
            return without_user_info(environ[url]), environ.get(number)
    return None, None
