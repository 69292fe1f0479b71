"""What failed as commands of GitHub Actions, which shows them at their lines in the files of a pull request.

A command is a line ``::error file=...,line=...,title=...::message``. Messages hold words of models; escaped as GitHub
asks for, they stay on their line and in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .escape import one_line
from .places import Finding, findings

if TYPE_CHECKING:
    from ..session.concluding import Conclusion

MOST = 10  # errors of one step that GitHub shows
ACTIONS_VARIABLE = "GITHUB_ACTIONS"
_MESSAGE = 1_200  # characters


def workspace(environ: Mapping[str, str]) -> Path | None:
    """The folder of the repository on GitHub Actions; None anywhere else."""
    if environ.get(ACTIONS_VARIABLE) != "true":
        return None
    return Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).absolute()


def commands(conclusion: Conclusion, root: Path) -> list[str]:
    """A line for each thing that failed, of the first versions that did.

    :param root: the folder of the repository.
    """
    told = [_at(finding) for finding in findings(conclusion.run, root)]
    told += [_error(f"collected and never reported: {nodeid}") for nodeid in conclusion.run.lost]
    told += [_error(problem) for problem in conclusion.problems if conclusion.fatal]
    if len(told) > MOST:
        told[MOST - 1 :] = [_error(f"{len(told) - MOST + 1} more errors: see the summary of the job, or its log")]
    return told


def _at(finding: Finding) -> str:
    place = finding.place
    return (
        f"::error file={_property(place.path)},line={place.line},title={_property(finding.title)}::"
        f"{_data(one_line(finding.text, _MESSAGE))}"
    )


def _error(message: str) -> str:
    return f"::error title=prompt regression::{_data(one_line(message, _MESSAGE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 200)).replace(":", "%3A").replace(",", "%2C")
