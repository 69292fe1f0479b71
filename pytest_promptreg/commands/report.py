"""The command ``report``: the closing section of a run from its result file, or its web page, without a call."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from ..concluding import Conclusion
from ..files import display_path
from ..leaving import leave_page, merge_command, what_is_left
from ..outcome import RunOutcome
from ..report.files import leave, make_way
from ..report.html.page import PageFacts, render
from ..results import Results, load
from ..shards import Part
from .closing import say_conclusion
from .reports import add_report_arguments, report_paths


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a result file: of a run, a shard or a merge")
    parser.add_argument("--html", type=Path, metavar="PATH", help="write the report as one web page too")
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    add_report_arguments(parser)


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: 0, whatever the run came to: what is asked for is the report; 1 where that could not be written.
    :raises PromptregError: when the file is no result file, or a report may not be written where it was asked for.
    """
    results = load(arguments.file, root=arguments.rootdir.absolute())
    paths = report_paths(arguments)
    make_way(paths)
    conclusion = Conclusion(results.run, notes=_of_shard(results, arguments.file.absolute()))
    if arguments.html is not None:
        leave_page(conclusion, arguments.html, lambda run: _page(run, results))
    leave(conclusion, paths)
    say_conclusion(conclusion, say)
    return int(conclusion.fatal)


def _page(run: RunOutcome, results: Results) -> str:
    """The web page, with what the file of a shard says of the run besides."""
    part = results.part or {}
    return render(run, PageFacts(str(part.get("command") or ""), str(part.get("commit") or "")))


def _of_shard(results: Results, path: Path) -> list[str]:
    """What a person must know of a shard's file, whose counts are a part's: that it is one, and who judges the rest."""
    if results.part is None:
        return []
    part = Part.from_wire(results.part, display_path(path))
    rest = "the merge stores what it made" if results.run.refreshed else "suite gates are judged by the merge"
    return [
        what_is_left(results.run, part.shard, len(part.cases)),
        f"this is shard {part.index} of {part.count} and not the run; {rest}: {merge_command(path, part.shard)}",
    ]
