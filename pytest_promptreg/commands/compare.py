"""The command ``compare``: two result files beside each other, without a call."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from ..errors import ResultsError
from ..files import display_path
from ..report import comparison
from ..report.files import REPORT_FILES
from ..results.comparing import compare
from ..results.file import load


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("before", type=Path, metavar="A.json", help="the result file that is compared with")
    parser.add_argument("after", type=Path, metavar="B.json", help="the result file of which it is said what is worse")
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    parser.add_argument("--markdown", type=Path, metavar="PATH", help="write the comparison as Markdown too")
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit with 1 where a case that passed fails in B, or a gate that was met is not",
    )


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: 0; with ``--fail-on-regression`` 1 where something is worse.
    :raises PromptregError: when a file is no result file, nothing could fail, or the Markdown cannot be written.
    """
    root = arguments.rootdir.absolute()
    before, after = (load(path, root=root).run for path in (arguments.before, arguments.after))
    found = compare(before, after)
    names = (display_path(arguments.before), display_path(arguments.after))
    versions = [version for suite in found for version in suite.versions]
    if arguments.fail_on_regression and not any(version.pairs for version in versions):
        raise ResultsError(
            f"it has no case in common with {names[0]}, so nothing was compared",
            where=names[1],
            next_step="compare two runs of the same suites, or drop --fail-on-regression",
        )
    for line in comparison.lines(found, names):
        say(line)
    if arguments.markdown is not None:
        path = arguments.markdown.absolute()
        REPORT_FILES["markdown"].file.write(path, comparison.markdown(found, names))
        say(f"Markdown written: {display_path(path)}")
    regressed = any(version.regressed for version in versions)
    return int(regressed and arguments.fail_on_regression)
