"""Where a run took place: the commit, the person, the CI job. Whatever cannot be found out is left out."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..redaction import without_user_info
from . import git

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
    status, remote = git.ask(
        folder,
        ("status", "--porcelain=v2", "--branch", "--untracked-files=no"),
        ("config", "--get", "remote.origin.url"),
    )
    lines = (status or "").splitlines()
    headers = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
    commit = headers.get("branch.oid")
    branch = headers.get("branch.head")
    if branch in {None, "(detached)"}:
        branch = next((environ[name] for name in _CI_BRANCH if environ.get(name)), None)
    ci_url, ci_number = _ci(environ)
    return Surroundings(
        commit=commit if commit != "(initial)" else None,
        branch=branch,
        dirty=any(not line.startswith("#") for line in lines),
        repository=without_user_info(remote.strip()) if status and remote else None,
        user=_user(),
        ci_url=ci_url,
        ci_number=ci_number,
    )


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
