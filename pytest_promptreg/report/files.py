"""The files that a run leaves for CI, each by a flag of its name: ``--promptreg-markdown PATH``.

One that was asked for and cannot be written fails the run. The summary of a CI job is added to without being asked for,
and fails nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ReportError
from ..files import display_path
from ..results.own_files import OwnFile, refuse_one_place
from . import html

if TYPE_CHECKING:
    from ..session.concluding import Conclusion

SIGN = "<!-- pytest-promptreg -->"  # by which a Markdown report is known for one of ours
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_SUMMARY_LIMIT = 1024 * 1024  # bytes of one step's summary, by GitHub's own limit
_SUMMARY_LEAST = 2_000


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A kind of file.

    :param room: the module of this package whose ``render(conclusion)`` gives its text.
    """

    room: str
    file: OwnFile


REPORT_FILES: Mapping[str, ReportFile] = {
    "html": ReportFile("html.page", html.FILE),
    "markdown": ReportFile(
        "markdown",
        OwnFile(
            SIGN,
            "Markdown report",
            "the Markdown report",
            "--promptreg-markdown",
            "prompts.md",
            ReportError,
        ),
    ),
    "codequality": ReportFile(
        "codequality",
        OwnFile(
            '"pytest-promptreg.',
            "code quality report",
            "the code quality report",
            "--promptreg-codequality",
            "codequality.json",
            ReportError,
            empty="[]",
        ),
    ),
}


def make_way(paths: Mapping[str, Path], beside: Iterable[tuple[OwnFile, Path]] = ()) -> None:
    """Remove what an earlier run left there, and see that something can be written there.

    :param paths: by the name of the kind of file.
    :param beside: what else is going to be written.
    :raises ReportError: when that cannot be, what is there is no such report, or two would go into one file.
    """
    refuse_one_place([*beside, *((REPORT_FILES[name].file, path) for name, path in paths.items())])
    for name, path in paths.items():
        REPORT_FILES[name].file.forget(path)


def leave(conclusion: Conclusion, paths: Mapping[str, Path], summary: Path | None = None) -> None:
    """Write the files and note them; one that cannot be written fails the run.

    :param summary: the file that holds the summary of a CI job's step, to which the Markdown is added.
    """
    for name, path in paths.items():
        report = REPORT_FILES[name]
        room = importlib.import_module(f".{report.room}", __package__)
        try:
            report.file.write(path, room.render(conclusion))
        except ReportError as exc:
            conclusion.problems.append(str(exc))
            conclusion.fatal = True
        else:
            conclusion.notes.append(f"{report.file.name} written: {display_path(path)}")
    if summary is not None:
        try:
            _add_to_summary(conclusion, summary)
        except OSError as exc:
            conclusion.problems.append(f"the job's summary cannot be written: {exc.strerror} ({SUMMARY_VARIABLE})")


def _add_to_summary(conclusion: Conclusion, path: Path) -> None:
    """Append the Markdown to what other commands of the step have written there."""
    from .markdown import render

    there = path.stat().st_size if path.exists() else 0
    room = _SUMMARY_LIMIT - there - 2
    if room < _SUMMARY_LEAST:
        return
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("\n" if there else "") + render(conclusion, room))
