"""Where a run took place: the commit, the person, the CI job. Whatever cannot be found out is left out."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..redaction import without_user_info
from . import git

if TYPE_CHECKING:
    from ..results.outcome import RunOutcome
    from ..suites.suite import SuiteSpec

_LINE = re.compile(r":\d+( \(row \d+\))?$")  # behind the name of a file
_MOST_FILES = 500  # that git is asked about: a command line has an end
_NO_FILE = ".git"  # of which git never says that it is not tracked
# Environment variables with a job's address and with its number; GitHub's address has to be put together.
_CI = (("CI_JOB_URL", "CI_PIPELINE_IID"), ("BUILDKITE_BUILD_URL", "BUILDKITE_BUILD_NUMBER"),
       ("CIRCLE_BUILD_URL", "CIRCLE_BUILD_NUM"), ("BUILD_URL", "BUILD_NUMBER"))  # fmt: skip
# A CI checkout is detached: the branch is known to the environment only.
_CI_BRANCH = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BUILDKITE_BRANCH", "CIRCLE_BRANCH",
              "BRANCH_NAME")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found out; every part may be missing.

    :param dirty: whether tracked files differed from the commit, or what was tested is not in it.
    :param repository: the remote's address, without user and password.
    """

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    repository: str | None = None
    user: str | None = None
    ci_url: str | None = None
    ci_number: str | None = None


def files_under_test(run: RunOutcome) -> list[Path]:
    """The files that a run is about, as far as it tells: test modules and suite files, prompts, examples."""
    names = dict.fromkeys(_LINE.sub("", place) for suite in run.suites for place in _places(suite.spec))
    found = dict.fromkeys(Path(name).absolute() for name in names if name)
    return [path for path in found if path.is_file()]


def _places(spec: SuiteSpec) -> Iterable[str]:
    yield str(spec.module)
    yield from (version.where for version in spec.versions)
    yield from (example.where for example in spec.examples)


def look_around(folder: Path, environ: Mapping[str, str], tested: Iterable[Path] = ()) -> Surroundings:
    """The surroundings of a run in ``folder``; never raises, and takes a few seconds at the very most.

    :param tested: files that the run is about: one that was never committed differs from the commit as well.
    """
    about = [path.relative_to(folder).as_posix() for path in tested if path.is_relative_to(folder)][:_MOST_FILES]
    status, remote, untracked = git.ask(
        folder,
        ("status", "--porcelain=v2", "--branch", "--untracked-files=no"),
        ("config", "--get", "remote.origin.url"),
        ("--literal-pathspecs", "ls-files", "--others", "--", *(about or [_NO_FILE])),
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
        dirty=any(not line.startswith("#") for line in lines) or bool(untracked and status),
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
